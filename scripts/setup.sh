#!/usr/bin/env bash
# Makes the virtual environment from locked requirements: scripts/setup.sh embedded|dev
# Prints one line when it fails and keeps the whole story in .venv/setup.log.
set -uo pipefail
cd "$(dirname "$0")/.." || exit
kind=${1:?embedded or dev}
venv=.venv
log=$venv/setup.log

fail() { printf 'postcards: %s\n' "$1" >&2; exit 1; }

supported() { "$1" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null; }

find_python() {
  local candidate
  for candidate in ${PYTHON:-python3.11 python3.12 python3.13 python3 python}; do
    supported "$candidate" && { echo "$candidate"; return; }
  done
  return 1
}

python=$(find_python) || fail "needs Python 3.11, 3.12 or 3.13; found $("${PYTHON:-python3}" -V 2>&1 | head -1 || echo none). Name one with: make postcard PYTHON=/path/to/python3.11"

free_mb=$(df -Pm . | awk 'NR==2 {print $4}')
[ "${free_mb:-9999}" -ge 700 ] || fail "needs 700 MB of free disk space here, has $free_mb MB"

if [ ! -x $venv/bin/python ] || ! supported $venv/bin/python; then
  rm -rf $venv
  "$python" -m venv $venv 2>/dev/null || fail "$python cannot make a virtual environment (on Debian: apt-get install python3-venv)"
fi

pip() {
  $venv/bin/python -m pip --disable-pip-version-check --no-input --quiet "$@" >>$log 2>&1 ||
    fail "installing failed: $(grep -iE 'error|no space' $log | tail -1) (all of it: $log)"
}

: >$log
echo "Setting up ($kind packages, once) ..." >&2
pip install --require-hashes -r requirements/build.txt
pip install --require-hashes -r "requirements/$kind.txt"
pip install --no-deps --no-build-isolation \
  -e libs/stubs -e libs/species -e libs/serving -e libs/client \
  -e services/image -e services/audio -e services/language -e services/composer
