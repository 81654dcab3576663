"""The dashboards as they lie there: written by their generator, of Grafana's types, and whole for who reads them."""

import json
import re
import shutil
import subprocess
import sys
from itertools import combinations
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
GRAFANA = ROOT / "deploy" / "grafana"
TYPES = Path(__file__).parent / "dashboard_types"
FILES = {path.stem: path for path in sorted((GRAFANA / "dashboards").glob("*.json"))}
OVERLAY = yaml.safe_load((ROOT / "deploy" / "compose" / "observability.yml").read_text())["services"]["grafana"]


def boards() -> dict[str, dict]:
    return {name: json.loads(path.read_text()) for name, path in FILES.items()}


def panels(board: dict) -> list[dict]:
    """Rows left out; those in closed rows too."""
    return [panel for outer in board["panels"] for panel in outer.get("panels", [outer])]


def visible(board: dict) -> list[dict]:
    """What has a place while the closed rows are closed."""
    return board["panels"]


@pytest.fixture(params=FILES)
def board(request: pytest.FixtureRequest) -> dict:
    return boards()[request.param]


def test_there_is_a_page_for_each_service_and_one_for_all():
    assert set(FILES) == {"overview", "composer", "image", "audio", "language"}


def test_the_files_are_what_the_generator_writes():
    check = subprocess.run([sys.executable, GRAFANA / "generate.py", "--check"], capture_output=True, text=True)
    assert check.returncode == 0, check.stderr


def test_the_generator_tells_a_file_that_was_changed_by_hand(tmp_path: Path):
    copy = tmp_path / "grafana"
    shutil.copytree(GRAFANA, copy)
    (copy / "dashboards" / "image.json").write_text("{}")
    (copy / "dashboards" / "old.json").write_text("{}")
    command = [sys.executable, copy / "generate.py"]
    check = subprocess.run([*command, "--check"], capture_output=True, text=True)
    assert (check.returncode, "image.json, old.json" in check.stderr) == (1, True)
    subprocess.run(command, check=True)
    assert {path.stem: path.read_text() for path in (copy / "dashboards").glob("*.json")} == {
        name: path.read_text() for name, path in FILES.items()
    }


def compiled(folder: Path, sources: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """What TypeScript says to dashboards, given as JSON."""
    if not (TYPES / "node_modules").exists():
        pytest.skip("Grafana's types are not here: npm ci --prefix tests/deploy/dashboard_types")
    node = shutil.which("node")
    if node is None:
        pytest.skip("no node here: apt-get install nodejs")
    for name in ("shapes.ts", "tsconfig.json", "package.json"):
        shutil.copy(TYPES / name, folder)
    (folder / "node_modules").symlink_to(TYPES / "node_modules")
    for name, text in sources.items():
        (folder / f"{name}.ts").write_text(f'import type {{ Ours }} from "./shapes";\nexport const it: Ours = {text};')
    compiler = TYPES / "node_modules" / "typescript" / "bin" / "tsc"
    return subprocess.run([node, compiler, "-p", folder], capture_output=True, text=True, cwd=folder)


def test_every_field_is_of_the_type_that_grafana_reads(tmp_path: Path):
    said = compiled(tmp_path, {name: path.read_text() for name, path in FILES.items()})
    assert said.returncode == 0, said.stdout[:4000]


@pytest.mark.parametrize(
    ("good", "bad"),
    [
        ('"mode": "normal"', '"mode": "percentage"'),
        ('"showLegend": true', '"legendShown": true'),
        ('"refresh": 2', '"refresh": "always"'),
        ('"type": "stat"', '"type": "singlestat"'),
    ],
)
def test_the_types_tell_a_slip(tmp_path: Path, good: str, bad: str):
    text = FILES["image"].read_text()
    assert good in text
    assert compiled(tmp_path, {"image": text.replace(good, bad, 1)}).returncode != 0


def test_the_types_are_those_of_the_grafana_that_compose_runs():
    version = json.loads((TYPES / "package.json").read_text())["devDependencies"]["@grafana/schema"]
    assert OVERLAY["image"].endswith(f":{version}")


def test_every_panel_says_what_it_tells(board: dict):
    assert board["description"]
    for panel in panels(board):
        assert len(panel["description"]) > 10, panel["title"]
        assert panel["fieldConfig"]["defaults"]["unit"], panel["title"]
        assert all(target["legendFormat"] for target in panel["targets"]), panel["title"]


def test_every_query_goes_to_the_provisioned_data_source(board: dict):
    (source,) = yaml.safe_load((GRAFANA / "provisioning/datasources/prometheus.yml").read_text())["datasources"]
    wanted = {"type": source["type"], "uid": source["uid"]}
    for panel in panels(board):
        assert all(target["datasource"] == wanted for target in [panel, *panel["targets"]]), panel["title"]
    for asked in [*board["annotations"]["list"], *board["templating"]["list"]]:
        assert asked["datasource"] == wanted


def test_titles_and_numbers_name_one_panel_only(board: dict):
    shown = [panel for outer in board["panels"] for panel in [outer, *outer.get("panels", [])]]
    assert len({panel["id"] for panel in shown}) == len(shown)
    assert len({panel["title"] for panel in shown}) == len(shown)


def test_no_panel_lies_on_another_or_beside_the_grid(board: dict):
    for shown in (visible(board), *(row["panels"] for row in board["panels"] if row.get("panels"))):
        places = [(panel["title"], panel["gridPos"]) for panel in shown]
        assert all(place["x"] >= 0 and place["x"] + place["w"] <= 24 for _, place in places)
        for (one, a), (other, b) in combinations(places, 2):
            beside = a["x"] + a["w"] <= b["x"] or b["x"] + b["w"] <= a["x"]
            apart = a["y"] + a["h"] <= b["y"] or b["y"] + b["h"] <= a["y"]
            assert beside or apart, (one, other)


def test_every_line_of_panels_fills_the_grid(board: dict):
    lines: dict[int, int] = {}
    for panel in panels(board):
        lines[panel["gridPos"]["y"]] = lines.get(panel["gridPos"]["y"], 0) + panel["gridPos"]["w"]
    assert set(lines.values()) == {24}, board["title"]


def test_every_variable_of_a_query_is_there(board: dict):
    there = {"__rate_interval", *(variable["name"] for variable in board["templating"]["list"])}
    for panel in panels(board):
        for target in panel["targets"]:
            assert set(re.findall(r"\$(\w+)", target["expr"])) <= there, panel["title"]


def test_the_pages_of_services_show_the_chosen_replicas_only():
    for name, board in boards().items():
        for panel in panels(board) if name != "overview" else []:
            for target in panel["targets"]:
                own = re.findall(r"\{(.*?)\}", target["expr"])
                chosen = all(f'service="{name}"' in labels and 'instance=~"$instance"' in labels for labels in own)
                assert chosen, (panel["title"], target["expr"])


def test_links_lead_to_pages_that_are_there(board: dict):
    there = {other["uid"] for other in boards().values()}
    links = re.findall(r'"/d/([^"?]+)', json.dumps(board))
    expanded = {link.replace("${__value.raw}", name) for link in links for name in FILES if name != "overview"}
    assert expanded <= there
    (shared,) = board["links"]
    assert set(shared["tags"]) <= set(board["tags"])
    assert shared["keepTime"]


def test_compose_gives_grafana_what_the_provisioning_names():
    mounted = {volume.split(":")[1]: ROOT / volume.split(":")[0] for volume in OVERLAY["volumes"] if "/etc" in volume}
    assert mounted["/etc/grafana/provisioning"].resolve() == GRAFANA / "provisioning"
    (provider,) = yaml.safe_load((GRAFANA / "provisioning/dashboards/postcards.yml").read_text())["providers"]
    assert mounted[provider["options"]["path"]].resolve() == GRAFANA / "dashboards"
    home = Path(OVERLAY["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"])
    assert home.parent == Path(provider["options"]["path"])
    assert home.stem in FILES


def test_kubernetes_hands_out_every_page():
    """One config map each: together they are longer than `kubectl apply` takes."""
    maps = yaml.safe_load((GRAFANA / "kustomization.yaml").read_text())["configMapGenerator"]
    assert sorted(file for one in maps for file in one["files"]) == [
        f"dashboards/{name}.json" for name in sorted(FILES)
    ]
    assert all(path.stat().st_size < 200_000 for path in FILES.values())


def test_grafana_reports_home_to_nobody_and_lets_nobody_write():
    environment = OVERLAY["environment"]
    off = ("ANALYTICS_REPORTING_ENABLED", "ANALYTICS_CHECK_FOR_UPDATES", "ANALYTICS_CHECK_FOR_PLUGIN_UPDATES")
    off += ("NEWS_NEWS_FEED_ENABLED", "SNAPSHOTS_EXTERNAL_ENABLED", "PLUGINS_PLUGIN_ADMIN_ENABLED")
    assert {environment[f"GF_{name}"] for name in off} == {"false"}
    assert environment["GF_PLUGINS_PREINSTALL_DISABLED"] == "true"
    assert environment["GF_AUTH_ANONYMOUS_ORG_ROLE"] == "Viewer"
    assert all(str(port).startswith("127.0.0.1:") for port in OVERLAY["ports"])
