#!/usr/bin/env bash
# Builds the source distribution and the wheel of every package, installs the wheels by name into an empty environment,
# and makes a postcard there: scripts/check_wheels.sh [FOLDER for what is built]
set -euo pipefail
cd "$(dirname "$0")/.."
built=${1:-}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
built=${built:-$work/dist}
mkdir -p "$built"

for package in libs/* services/*; do
  [ -f "$package/pyproject.toml" ] || continue
  # The wheel is built from the source distribution, so that neither can lack what the other needs.
  .venv/bin/uv build --quiet --offline --no-build-isolation --python .venv/bin/python --out-dir "$built" "$package" >"$work/log" 2>&1 || { tail -20 "$work/log"; exit 1; }
  .venv/bin/python scripts/compare_wheel.py "$package" "$built"
done

.venv/bin/python -m venv "$work/venv"
"$work/venv/bin/python" -m pip install --quiet --disable-pip-version-check --find-links "$built" \
  postcards-cli postcards-image postcards-audio postcards-language postcards-composer
cd "$work"
for module in postcards_species postcards_weights postcards_serving postcards_client postcards_cli \
  postcards_image.__main__ postcards_audio.__main__ postcards_language.__main__ postcards_composer.__main__; do
  venv/bin/python -c "import $module"
done
venv/bin/postcards --help >/dev/null
card=$(venv/bin/postcards create --start --seed 28 --out "$work/out" --port-base 56500 | tail -1)
[ -s "$card" ] || { echo "no card at: $card" >&2; exit 1; }
echo "$(find "$built" -name '*.whl' | wc -l) wheels build, install by name and make a postcard"
