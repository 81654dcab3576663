"""Writes the dashboards of `boards` as JSON into the folder `dashboards`: `python deploy/grafana/generate.py`.

With `--check` it writes nothing, and its exit code is 1 if a file there is not what it would write.
"""

import json
import sys
from pathlib import Path

from boards import composer, overview, parts

FOLDER = Path(__file__).parent / "dashboards"


def files() -> dict[Path, str]:
    """What belongs into each file."""
    pages = [overview.page(), composer.page(), *parts.pages()]
    return {
        FOLDER / f"{page.name}.json": json.dumps(page.json(), indent=2, ensure_ascii=False) + "\n" for page in pages
    }


def main(arguments: list[str]) -> int:
    """Writes or checks; the exit code."""
    wanted = files()
    present = {path: path.read_text() for path in FOLDER.glob("*.json")}
    stale = sorted(path.name for path in wanted.keys() | present.keys() if wanted.get(path) != present.get(path))
    if "--check" in arguments:
        if stale:
            print(f"not as deploy/grafana/generate.py writes them: {', '.join(stale)}", file=sys.stderr)
        return int(bool(stale))
    for path in present.keys() - wanted.keys():
        path.unlink()
    for path, text in wanted.items():
        path.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
