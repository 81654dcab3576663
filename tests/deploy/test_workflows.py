"""What GitHub is told: workflows that actionlint passes, pinned actions, narrow rights, updates for all there is."""

import json
import re
import shutil
import subprocess
import sys
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
GITHUB = ROOT / ".github"
WORKFLOWS = sorted((GITHUB / "workflows").glob("*.yml"))
UPDATES = yaml.safe_load((GITHUB / "dependabot.yml").read_text(encoding="utf-8"))["updates"]
TARGETS = ("language", "composer", "client", "audio", "image")


def read(path: Path) -> dict[str, Any]:
    # YAML 1.1 takes the key `on` for a boolean; as text it stays what it is.
    return yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.BaseLoader)  # noqa: S506


def program(name: str) -> str:
    beside = Path(sys.executable).with_name(name)
    found = str(beside) if beside.exists() else shutil.which(name)
    return found or pytest.skip(f"no {name} here")


def looked_at(ecosystem: str) -> list[str]:
    """Folders, or globs of them, in which dependabot looks for packages of a kind."""
    entries = [entry for entry in UPDATES if entry["package-ecosystem"] == ecosystem]
    return [folder for entry in entries for folder in entry.get("directories", [entry.get("directory")])]


def is_looked_at(path: Path, ecosystem: str) -> bool:
    folder = f"/{path.parent.relative_to(ROOT)}".removesuffix("/.")
    return any(fnmatch(folder or "/", glob) for glob in looked_at(ecosystem))


def test_actionlint_finds_nothing() -> None:
    command = [program("actionlint"), "-no-color", "-shellcheck", program("shellcheck"), *WORKFLOWS]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_an_action_is_named_by_its_commit(path: Path) -> None:
    used = re.findall(r"uses: (\S+)(.*)", path.read_text(encoding="utf-8"))
    assert used
    for action, comment in used:
        ours = action.startswith("./")
        assert ours or re.search(r"@[0-9a-f]{40}$", action), action
        assert ours or re.fullmatch(r" # v\d+\.\d+\.\d+", comment), action


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_a_workflow_may_read_and_a_job_says_what_it_writes(path: Path) -> None:
    workflow = read(path)
    assert workflow["permissions"] == {"contents": "read"}
    assert "concurrency" in workflow
    for name, job in workflow["jobs"].items():
        assert "uses" in job or int(job["timeout-minutes"]) <= 120, name


def test_ci_gives_nobody_a_right_to_write() -> None:
    assert not [job for job in read(GITHUB / "workflows/ci.yml")["jobs"].values() if "permissions" in job]


def test_ci_runs_what_the_readme_prints_on_every_python() -> None:
    job = read(GITHUB / "workflows/ci.yml")["jobs"]["readme"]
    printed = re.findall(r"^(make \w+)  +#", (ROOT / "README.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert [step["run"] for step in job["steps"] if "run" in step] == printed
    assert job["strategy"]["matrix"]["python"] == ["3.11", "3.12", "3.13"]


def test_a_release_builds_every_image_for_both_processors_and_says_what_is_in_it() -> None:
    job = read(GITHUB / "workflows/release.yml")["jobs"]["images"]
    assert tuple(job["strategy"]["matrix"]["target"]) == TARGETS
    (build,) = [step["with"] for step in job["steps"] if "build-push-action" in step.get("uses", "")]
    assert build["platforms"] == "linux/amd64,linux/arm64"
    assert (build["sbom"], build["provenance"]) == ("true", "mode=max")
    for target in TARGETS:
        assert f" AS {target}\n" in (ROOT / "Dockerfile").read_text(encoding="utf-8")


def test_nothing_is_published_before_all_is_tested_and_built() -> None:
    jobs = read(GITHUB / "workflows/release.yml")["jobs"]
    assert set(jobs["pypi"]["needs"]) == {"checks", "packages", "images"}
    assert jobs["github"]["needs"] == ["pypi"]
    writers = {name for name, job in jobs.items() if "write" in job.get("permissions", {}).values()}
    assert writers == {"packages", "images", "pypi", "github"}


def test_every_image_that_is_named_is_kept_up_to_date() -> None:
    assert all(is_looked_at(path, "docker") for path in [ROOT / "Dockerfile", *ROOT.glob("deploy/**/Dockerfile")])
    files = [ROOT / "docker-compose.yml", *ROOT.glob("deploy/**/*.yml")]
    composed = [path for path in files if re.search(r"^    image: ", path.read_text(encoding="utf-8"), re.MULTILINE)]
    assert composed
    assert all(is_looked_at(path, "docker-compose") for path in composed)
    running = [path for path in ROOT.glob("deploy/kubernetes/**/*.yaml") if " image: docker.io" in path.read_text()]
    assert running
    assert all(is_looked_at(path, "docker") for path in running)


def test_every_lock_is_kept_up_to_date() -> None:
    locks = [path for path in ROOT.glob("tests/**/package-lock.json") if "node_modules" not in path.parts]
    assert locks
    assert all(is_looked_at(path, "npm") for path in locks)
    runs = [step.get("run") for step in read(GITHUB / "workflows/locks.yml")["jobs"]["renew"]["steps"]]
    assert "make lock UPGRADE=--upgrade" in runs


def test_hooks_run_the_tools_of_the_environment() -> None:
    (repository,) = read(ROOT / ".pre-commit-config.yaml")["repos"]
    assert repository["repo"] == "local"
    assert {hook["id"] for hook in repository["hooks"]} >= {"ruff-format", "ruff-check", "buf", "shellcheck", "pyright"}
    assert all(".venv/bin/" in hook["entry"] for hook in repository["hooks"])


def test_the_container_of_developers_is_set_up_by_a_target_that_exists() -> None:
    settings = json.loads((ROOT / ".devcontainer/devcontainer.json").read_text(encoding="utf-8"))
    target = settings["postCreateCommand"].removeprefix("make ")
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
