"""Every query of every dashboard, asked of a real Prometheus that watches the real services at work."""

import json
import math
import re
import subprocess
import sys
from html import escape
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
BOARDS = {
    path.stem: json.loads(path.read_text()) for path in sorted((ROOT / "deploy/grafana/dashboards").glob("*.json"))
}
SERVICES = ("image", "audio", "language", "composer")
VARIABLES = {"$__rate_interval": "1m", "$instance": ".+"}

BATCH = "Batch (engines that denoise in steps)"
"""Only an engine that denoises has these series; here that is the one of the image service."""

BUSY = {
    "Postcards per second",
    "Where the time goes",
    "Time of a part",
    "Cost of language models",
    "Tokens of language models",
    "Calls by method",
    "Calls that did not end with OK",
    "Rows that share a step",
    "Parts that a fallback made",
    "Postcards by how they ended",
    "Operations",
}
"""Panels of which at least one page must show that something happened."""


def asked() -> list:
    """Every query, and whether that of another service stands in for it, as parameters."""
    found = []
    for page, board in BOARDS.items():
        for outer in board["panels"]:
            for panel in outer.get("panels", []) or [outer]:
                for target in panel.get("targets", []):
                    batched = outer["title"] == BATCH and page == "audio"
                    label = f"{page}-{panel['title']}-{target['refId']}"
                    found.append(pytest.param(target, batched, id=label.replace(" ", "_")))
    return found


def filled(expr: str) -> str:
    """An expression as Grafana sends it, with every replica chosen."""
    for variable, value in VARIABLES.items():
        expr = expr.replace(variable, value)
    return expr


def numbers(series: list[dict]) -> list[float]:
    return [value for one in series if math.isfinite(value := float(one["value"][1]))]


@pytest.mark.parametrize(("target", "stands_in"), asked())
def test_a_query_returns_data(watched, target: dict, stands_in: bool):
    expr = filled(target["expr"])
    if stands_in:
        expr = expr.replace('service="audio"', 'service="image"')
    series = watched.ask(expr)
    assert series, "no series: what may be zero is exported as zero"
    assert numbers(series), f"no number in {series[:3]}"
    for label in re.findall(r"\{\{(\w+)\}\}", target["legendFormat"]):
        assert all(label in one["metric"] for one in series), f"the legend names {label}: {series[0]['metric']}"


def test_a_number_in_large_is_one_line_at_all_times(watched):
    """An `or` between series of different names would make two of it."""
    for board in BOARDS.values():
        for panel in board["panels"]:
            for target in panel["targets"] if panel["type"] == "stat" else []:
                assert len(watched.ask_over(60, filled(target["expr"]))) == 1, panel["title"]


@pytest.mark.parametrize("page", BOARDS)
def test_a_page_can_be_drawn(watched, page: str, tmp_path: Path):
    drawn = tmp_path / "page.html"
    command = [sys.executable, ROOT / "scripts/draw_dashboard.py", "--prometheus", watched.prometheus.url]
    options = [
        "--minutes",
        "1",
        "--end",
        str(watched.at),
        "--dashboard",
        ROOT / f"deploy/grafana/dashboards/{page}.json",
        "--out",
        drawn,
    ]
    subprocess.run([*command, *options], check=True)
    html = drawn.read_text()
    shown = [panel for panel in BOARDS[page]["panels"] if panel["type"] != "row"]
    assert all(escape(panel["title"]) in html for panel in shown)
    assert "No data" not in html
    assert html.count("<path") > len(shown)


@pytest.mark.parametrize("title", sorted(BUSY))
def test_a_panel_shows_that_something_happened(watched, title: str):
    targets = [
        target
        for board in BOARDS.values()
        for outer in board["panels"]
        for panel in [outer, *outer.get("panels", [])]
        if panel["title"] == title
        for target in panel["targets"]
    ]
    assert any(value > 0 for target in targets for value in numbers(watched.ask(filled(target["expr"]))))


def test_the_variable_offers_the_replicas_of_its_service(watched):
    for endpoint in watched.endpoints:
        (variable,) = BOARDS[endpoint.name]["templating"]["list"]
        selector = re.fullmatch(r"label_values\((.+), instance\)", variable["query"]["query"])
        assert selector is not None
        offered = {one["metric"]["instance"] for one in watched.ask(selector[1])}
        assert offered == {f"127.0.0.1:{endpoint.metrics_port}"}


def test_one_replica_can_be_chosen(watched):
    image, audio = (next(e for e in watched.endpoints if e.name == name) for name in ("image", "audio"))
    queue = 'postcards_queue_depth{job="postcards", service="image", instance=~"$instance"}'
    assert queue in json.dumps(BOARDS["image"]).replace('\\"', '"')
    for endpoint, count in ((image, 1), (audio, 0)):
        one = queue.replace("$instance", f"127.0.0.1:{endpoint.metrics_port}")
        assert len(watched.ask(one)) == count


@pytest.mark.parametrize("page", BOARDS)
def test_alerts_are_marked_on_the_graphs(watched, page: str):
    (mark,) = BOARDS[page]["annotations"]["list"]
    firing = {one["metric"]["alertname"] for one in watched.ask(mark["target"]["expr"])}
    assert ("PostcardsTestAlarm" in firing) == (page in ("overview", "composer"))


def test_the_table_names_every_replica_with_its_version(watched):
    (table,) = (panel for panel in BOARDS["overview"]["panels"] if panel["title"] == "Replicas")
    answers = [watched.ask(filled(target["expr"])) for target in table["targets"]]
    everyone = {f"127.0.0.1:{endpoint.metrics_port}" for endpoint in watched.endpoints}
    assert all({one["metric"]["instance"] for one in series} == everyone for series in answers)
    assert {one["metric"]["service"] for one in answers[0]} == set(SERVICES)
    assert all(re.fullmatch(r"\d+\.\d+\.\d+.*", one["metric"]["version"]) for one in answers[2])


def test_every_rule_is_worked_out(watched):
    rules = [rule for group in watched.prometheus.read("rules")["groups"] for rule in group["rules"]]
    assert len(rules) > 40
    assert [(rule["name"], rule["lastError"]) for rule in rules if rule["health"] != "ok"] == []


def test_no_sound_system_is_warned_of(watched):
    firing = watched.ask('ALERTS{alertstate="firing", severity="critical"}')
    assert firing == []


def test_every_number_of_ours_is_shown_or_watched(watched):
    """A metric that nobody looks at is not worth exporting."""
    exported = {
        one["metric"]["__name__"]
        for one in watched.ask('{__name__=~"postcards_.+", job="postcards"}')
        if not one["metric"]["__name__"].endswith("_bucket")
    }
    rules = "".join(path.read_text() for path in (ROOT / "deploy/prometheus/rules").glob("*.yml"))
    shown = set(re.findall(r"postcards_\w+", json.dumps(BOARDS) + rules))
    families = {re.sub(r"_(sum|count|bucket)$", "", name) for name in shown}
    assert {re.sub(r"_(sum|count)$", "", name) for name in exported} - families == set()
