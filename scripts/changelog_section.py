"""Prints what the changelog says of one version: changelog_section.py 0.2.0"""

import re
import sys
from pathlib import Path

CHANGELOG = Path(__file__).resolve().parents[1] / "CHANGELOG.md"


def section(changelog: str, version: str) -> str:
    """The text below the heading of a version, up to the next version's. Raises LookupError where there is none."""
    found = re.search(rf"^## \[{re.escape(version)}\][^\n]*\n(.*?)(?=^## \[|\Z)", changelog, re.MULTILINE | re.DOTALL)
    if found is None or not found[1].strip():
        raise LookupError(f"the changelog says nothing of {version}")
    return found[1].strip()


def main() -> None:
    """Prints the section that the command line names."""
    try:
        print(section(CHANGELOG.read_text(encoding="utf-8"), sys.argv[1]))
    except LookupError as fault:
        sys.exit(f"changelog_section: {fault}")


if __name__ == "__main__":
    main()
