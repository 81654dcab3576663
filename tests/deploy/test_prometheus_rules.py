"""The rules of Prometheus: sound, tried, explained in the runbooks, and each of use to somebody."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
PROMETHEUS = ROOT / "deploy" / "prometheus"
RULES = sorted((PROMETHEUS / "rules").glob("*.yml"))
CASES = sorted((PROMETHEUS / "tests").glob("*.yml"))
RUNBOOKS = ROOT / "docs" / "how-to" / "answer-an-alert.md"
SECTIONS = ("What it means", "What users notice", "First look", "What to do")

needs_promtool = pytest.mark.skipif(
    shutil.which("promtool") is None, reason="needs promtool: apt-get install prometheus"
)


def rules(kind: str) -> dict[str, dict]:
    """All rules of a kind ("alert", "record") by name."""
    read = [yaml.safe_load(path.read_text("utf-8")) for path in RULES]
    found = [rule for file in read for group in file["groups"] for rule in group["rules"] if kind in rule]
    assert len({rule[kind] for rule in found}) == len(found), "a name is there twice"
    return {rule[kind]: rule for rule in found}


ALERTS, RECORDS = rules("alert"), rules("record")


def promtool(*arguments: str) -> None:
    done = subprocess.run(["promtool", *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@needs_promtool
def test_promtool_accepts_the_configuration_and_the_rules():
    promtool("check", "config", str(PROMETHEUS / "prometheus.yml"))


@needs_promtool
@pytest.mark.parametrize("case", CASES, ids=lambda path: path.stem)
def test_alerts_fire_when_they_should_and_only_then(case):
    promtool("test", "rules", str(case))


def test_every_service_of_compose_that_has_metrics_is_watched_under_its_own_name():
    jobs = yaml.safe_load((PROMETHEUS / "prometheus.yml").read_text("utf-8"))["scrape_configs"]
    ours = next(job for job in jobs if job["job_name"] == "postcards")
    (found,) = ours["dns_sd_configs"]
    assert found["port"] == 9464
    assert {"source_labels": ["__meta_dns_name"], "target_label": "service"} in ours["relabel_configs"]
    assert set(found["names"]) == {"image", "audio", "language", "composer"}
    assert set(found["names"]) <= yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))["services"].keys()


def test_every_alert_fires_in_one_case_and_stays_quiet_in_another():
    tests = [test for path in CASES for test in yaml.safe_load(path.read_text("utf-8"))["tests"]]
    looks = [look for test in tests for look in test.get("promql_expr_test", ())]
    assert {look["expr"] for look in looks} == {'ALERTS{alertstate="firing"}'}
    samples = [sample["labels"] for look in looks for sample in look["exp_samples"]]
    fired = {re.search('alertname="(.+?)"', labels).group(1) for labels in samples}
    quiet = {
        alert["alertname"] for test in tests for alert in test.get("alert_rule_test", ()) if not alert["exp_alerts"]
    }
    assert fired == ALERTS.keys()
    assert quiet == ALERTS.keys()


@pytest.mark.parametrize("name", ALERTS)
def test_an_alert_says_how_grave_it_is_and_what_to_read(name):
    alert = ALERTS[name]
    assert alert["labels"]["severity"] in ("critical", "warning", "info")
    assert set(alert["annotations"]) == {"summary", "description", "runbook"}
    assert alert["annotations"]["runbook"] == f"docs/how-to/answer-an-alert.md#{name.lower()}"


def runbooks() -> dict[str, str]:
    """The entries of the page by heading."""
    parts = re.split(r"^### (.+)$", RUNBOOKS.read_text("utf-8"), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def test_every_alert_has_a_runbook_and_every_runbook_an_alert():
    assert runbooks().keys() == ALERTS.keys()


@pytest.mark.parametrize("name", ALERTS)
def test_a_runbook_says_what_it_means_what_users_notice_where_to_look_and_what_to_do(name):
    entry = runbooks()[name]
    places = [entry.find(f"**{section}.**") for section in SECTIONS]
    assert -1 not in places
    assert places == sorted(places)
    assert ALERTS[name]["labels"]["severity"] in entry.split("\n\n")[1]


def test_queries_of_the_runbooks_name_only_what_there_is():
    named = set(re.findall(r"postcards:[\w:]+", RUNBOOKS.read_text("utf-8")))
    assert named <= RECORDS.keys()


def test_the_runbooks_name_only_settings_that_there_are():
    known = (ROOT / "docs" / "reference" / "settings.md").read_text("utf-8")
    named = set(re.findall(r"`((?:POSTCARDS|MINIO|OPENAI)_[A-Z_]+?)(?:_FILE)?(?:=.*?)?`", RUNBOOKS.read_text("utf-8")))
    assert len(named) > 5
    assert [name for name in named if f"`{name}`" not in known] == []


def test_every_recorded_number_is_used():
    users = [
        ROOT / "docs" / "how-to" / "answer-an-alert.md",
        *(ROOT / "deploy").rglob("*.json"),
        *(ROOT / "deploy").rglob("*.yml"),
    ]
    text = "\n".join(
        re.sub(r"- record: .+", "", path.read_text("utf-8")) for path in users if path not in CASES and path.is_file()
    )
    assert [name for name in RECORDS if not re.search(rf"{re.escape(name)}(?![\w:])", text)] == []


def test_recorded_numbers_bear_the_names_that_were_agreed():
    assert [name for name in RECORDS if not re.fullmatch(r"postcards:[a-z_]+:[a-z0-9_]+", name)] == []


def test_rules_refer_only_to_recorded_numbers_that_exist():
    expressions = "\n".join(rule["expr"] for rule in (*ALERTS.values(), *RECORDS.values()))
    assert set(re.findall(r"postcards:[\w:]+", expressions)) <= RECORDS.keys()
