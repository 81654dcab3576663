#!/usr/bin/env bash
# Renews requirements/*.txt from requirements/*.in, for Python 3.11 to 3.13 on every platform.
set -euo pipefail
cd "$(dirname "$0")/.."
ours=(stubs species serving client image audio language composer)
for kind in build embedded dev; do
  .venv/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
    --no-emit-index-url --no-emit-find-links "${ours[@]/#/--no-emit-package=postcards-}" \
    "requirements/$kind.in" --output-file "requirements/$kind.txt"
done
