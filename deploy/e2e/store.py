"""Runs SeaweedFS as the store: its keys come from files, it keeps what it has in /data and serves S3 on port 9000.

`store.py check` asks whether it serves: exit code 0 or 1.
"""

import os
import sys
import urllib.error
import urllib.request
from pathlib import Path

KEYS = Path("/run/store-keys")
FLAGS = (
    "-dir=/data",
    "-ip=127.0.0.1",
    "-ip.bind=0.0.0.0",
    "-s3.port=9000",
    "-master.telemetry=false",
    "-webdav=false",
    "-admin.ui=false",
    "-s3.port.iceberg=0",
    "-s3.port.lance=0",
    "-s3.allowDeleteBucketNotEmpty=false",
)


def serve() -> None:
    """Becomes the server."""
    keys = {
        "AWS_ACCESS_KEY_ID": (KEYS / "access-key").read_text().strip(),
        "AWS_SECRET_ACCESS_KEY": (KEYS / "secret-key").read_text().strip(),
    }
    os.execvpe("weed", ["weed", "mini", *FLAGS], os.environ | keys)  # noqa: S606, S607


def check() -> int:
    """0 where S3 answers, be it that we are not let in."""
    try:
        urllib.request.urlopen("http://127.0.0.1:9000/", timeout=5).close()
    except urllib.error.HTTPError as answer:
        return 0 if answer.code < 500 else 1
    except OSError:
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(check() if sys.argv[1:] == ["check"] else serve())
