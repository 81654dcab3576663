#!/usr/bin/env bash
# Renews requirements/*.txt from requirements/*.in, for Python 3.11 to 3.13 on every platform. What is locked stays
# where it still fits; scripts/lock.sh --upgrade takes the newest of everything.
set -euo pipefail
cd "$(dirname "$0")/.."
upgrade=(${1:+"$1"})
ours=(stubs species weights serving client cli image audio language composer)

resolve() {
  local kind=$1
  shift
  .venv/bin/uv pip compile --quiet --universal --python-version 3.11 --no-header --no-annotate \
    "${upgrade[@]}" --no-emit-index-url --no-emit-find-links "${ours[@]/#/--no-emit-package=postcards-}" "$@" "requirements/$kind.in"
}

lock() { resolve "$@" --generate-hashes --output-file "requirements/$1.txt"; }

builds_of_torch() { resolve "$@" | grep -oE '^(torch|triton|cuda|nvidia)( |=|-[a-z])[a-z0-9-]*' | grep -oE '^[a-z0-9-]+'; }

lock build
lock embedded
lock dev
# One environment holds all of these, so each agrees with those before it on what both use. What makes up one build of
# torch (torch itself, CUDA) stays out: requirements/torch.txt says why.
together=(--constraints requirements/dev.txt --constraints requirements/torch.txt)
for kind in train models servers; do
  mapfile -t build < <(builds_of_torch "$kind" "${together[@]}")
  lock "$kind" "${together[@]}" "${build[@]/#/--no-emit-package=}"
  together+=(--constraints "requirements/$kind.txt")
done
lock measure --no-deps
lock stable-audio --no-deps

# Each image holds what its own service needs, in the versions that the tests ran with.
for image in image audio language composer client; do
  lock "images/$image" --constraints requirements/dev.txt
done
for image in image-models audio-models; do
  mapfile -t build < <(builds_of_torch "images/$image" "${together[@]}")
  lock "images/$image" "${together[@]}" "${build[@]/#/--no-emit-package=}"
done
