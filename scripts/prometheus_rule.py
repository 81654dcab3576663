"""Writes the rules of deploy/prometheus/rules as one PrometheusRule, as the Prometheus operator takes them.

kustomize reads no file outside its own folder, so that the rules are there twice; a test keeps them equal.
"""

from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[1]
RULES = ROOT / "deploy/prometheus/rules"
TARGET = ROOT / "deploy/kubernetes/components/monitoring/rules.yaml"
HEADING = "# Generated from deploy/prometheus/rules by scripts/prometheus_rule.py: edit there.\n"


class _Dumper(yaml.SafeDumper):
    """Writes expressions of several lines as such."""


def _string(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style="|" if "\n" in value else None)


_Dumper.add_representer(str, _string)


def resource(folder: Path) -> dict[str, Any]:
    """The groups of every rule file in `folder`, in the order of the file names, as a PrometheusRule."""
    groups = [group for path in sorted(folder.glob("*.yml")) for group in yaml.safe_load(path.read_text())["groups"]]
    return {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PrometheusRule",
        "metadata": {"name": "postcards", "labels": {"app.kubernetes.io/part-of": "postcards"}},
        "spec": {"groups": groups},
    }


def text(folder: Path) -> str:
    """The file that holds them."""
    return HEADING + yaml.dump(resource(folder), Dumper=_Dumper, sort_keys=False, width=120, allow_unicode=True)


if __name__ == "__main__":
    TARGET.write_text(text(RULES))
