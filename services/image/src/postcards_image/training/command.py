"""`postcards-train`: from a folder of photographs to a model that draws postcards."""

import json
import signal
import sys
from importlib.util import find_spec

from postcards_image.training.choices import INSTALL, NEEDED, StoppedAtOnce, UsageError


def main() -> None:
    """The entry point: every expected failure is one line and an exit code, and with --json an object too."""
    try:
        # Even the options need a library that only training brings.
        from postcards_image.training.options import app

        app(standalone_mode=True)
    except ModuleNotFoundError as fault:
        sys.exit(_fail("NOT_INSTALLED", _not_installed(fault), 2))
    except UsageError as fault:
        sys.exit(_fail("CANNOT_TRAIN", " ".join(str(fault).split()), 2))
    except StoppedAtOnce:
        print(file=sys.stderr)
        sys.exit(_fail("INTERRUPTED", "stopped at once", 128 + signal.SIGINT))


def _not_installed(fault: ModuleNotFoundError) -> str:
    """Names all that is missing, not only what was looked for first."""
    missing = [name for name in NEEDED if find_spec(name) is None] or [str(fault.name)]
    return f"training needs {', '.join(missing)}, which {'is' if len(missing) == 1 else 'are'} not installed: {INSTALL}"


def _fail(reason: str, message: str, code: int) -> int:
    print(f"postcards-train: {message}", file=sys.stderr)
    if "--json" in sys.argv[1:]:
        print(json.dumps({"error": {"reason": reason, "message": message}}))
    return code


if __name__ == "__main__":
    main()
