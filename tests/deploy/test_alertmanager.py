"""Alertmanager: a sound configuration, whom alerts reach, and which of them others silence."""

import http.client
import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml

from free_ports import free_port
from postcards_serving.testing import eventually

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "deploy" / "alertmanager"
FILE = FOLDER / "alertmanager.yml"
RULES = sorted((ROOT / "deploy" / "prometheus" / "rules").glob("*.yml"))
SERVER = shutil.which("prometheus-alertmanager") or shutil.which("alertmanager")

needs_amtool = pytest.mark.skipif(
    shutil.which("amtool") is None, reason="needs amtool: apt-get install prometheus-alertmanager"
)
needs_server = pytest.mark.skipif(SERVER is None, reason="needs Alertmanager: apt-get install prometheus-alertmanager")


def amtool(*arguments: str) -> str:
    done = subprocess.run(["amtool", *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@needs_amtool
def test_the_configuration_is_sound_as_shipped():
    amtool("check-config", str(FILE))


@needs_amtool
@pytest.mark.parametrize("example", sorted((FOLDER / "receivers").glob("*.yml")), ids=lambda path: path.stem)
def test_the_receivers_can_be_put_in_place_of_the_empty_ones(example, tmp_path):
    shipped, offered = (yaml.safe_load(path.read_text("utf-8")) for path in (FILE, example))
    names = [[receiver["name"] for receiver in file["receivers"]] for file in (shipped, offered)]
    assert names[0] == names[1]
    file = tmp_path / "alertmanager.yml"
    file.write_text(yaml.safe_dump(shipped | offered), "utf-8")
    amtool("check-config", str(file))


@needs_amtool
@pytest.mark.parametrize(("severity", "receiver"), [("critical", "pager"), ("warning", "people"), ("info", "nobody")])
def test_whom_an_alert_reaches(severity, receiver):
    assert amtool("config", "routes", "test", f"--config.file={FILE}", f"severity={severity}").strip() == receiver


def names_in(matcher: str) -> set[str]:
    """The alerts that a matcher names, e.g. `alertname =~ "Postcards(StoreErrors|StoreSlow)"`."""
    if several := re.fullmatch(r'alertname =~ "(\w+)\((.+)\)"', matcher):
        return {several[1] + end for end in several[2].split("|")}
    return {re.fullmatch(r"alertname = (\w+)", matcher)[1]}


def test_only_alerts_that_exist_silence_and_are_silenced():
    read = [yaml.safe_load(path.read_text("utf-8")) for path in RULES]
    alerts = {rule.get("alert") for file in read for group in file["groups"] for rule in group["rules"]}
    silences = yaml.safe_load(FILE.read_text("utf-8"))["inhibit_rules"]
    matchers = [matcher for rule in silences for matcher in (*rule["source_matchers"], *rule["target_matchers"])]
    assert set().union(*map(names_in, matchers)) <= alerts


@pytest.fixture
def alertmanager(tmp_path) -> Iterator[int]:
    """A real Alertmanager with our configuration; yields its port."""
    port = free_port()
    process = subprocess.Popen(
        [
            SERVER,
            f"--config.file={FILE}",
            f"--storage.path={tmp_path}",
            f"--web.listen-address=127.0.0.1:{port}",
            "--cluster.listen-address=",
        ],
        env={**os.environ, "GOMAXPROCS": "1"},
        stderr=subprocess.DEVNULL,
    )
    try:
        yield port
    finally:
        process.terminate()
        process.wait()


def asked(port: int, method: str, path: str, body: object = None) -> object:
    """The answer as JSON; None while nobody listens."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request(method, f"/api/v2/{path}", json.dumps(body), {"Content-Type": "application/json"})
        response = connection.getresponse()
        answer = response.read()
        assert response.status == 200, answer
        return json.loads(answer) if answer else None
    except ConnectionRefusedError:
        return None
    finally:
        connection.close()


def alert(name: str, **labels: str) -> dict:
    now = datetime.now(UTC)
    ends = (now + timedelta(minutes=5)).isoformat()
    return {"labels": {"alertname": name, **labels}, "startsAt": now.isoformat(), "endsAt": ends}


@needs_server
async def test_a_cause_silences_what_it_explains_and_nothing_else(alertmanager):
    await eventually(lambda: asked(alertmanager, "GET", "status"))
    asked(
        alertmanager,
        "POST",
        "alerts",
        [
            alert("PostcardsStoreDown", severity="critical"),
            alert("PostcardsEndIncomplete", severity="critical"),
            alert("PostcardsCallsFail", severity="critical", service="composer"),
            alert("PostcardsLoadFails", severity="warning", service="image", instance="image:9464"),
            alert("PostcardsPartFails", severity="warning", service="image", part="image"),
            alert("PostcardsPartFails", severity="warning", service="audio", part="audio"),
            alert("PostcardsCostTooMuch", severity="warning"),
        ],
    )

    def silenced() -> set[str]:
        alerts = asked(alertmanager, "GET", "alerts")
        return {
            f"{a['labels']['alertname']} {a['labels'].get('service', '')}".strip()
            for a in alerts
            if a["status"]["inhibitedBy"]
        }

    expected = {"PostcardsEndIncomplete", "PostcardsCallsFail composer", "PostcardsPartFails image"}
    await eventually(lambda: silenced() == expected)
