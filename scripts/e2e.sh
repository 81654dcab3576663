#!/usr/bin/env bash
# Builds the images and runs the whole system in containers: scripts/e2e.sh [what pytest shall do besides, e.g. -x -k scale]
#   POSTCARDS_REGISTRY, POSTCARDS_VERSION, BASE: as for scripts/build_images.sh
#   KEEP_IMAGES=1: takes the images that are there
set -euo pipefail
cd "$(dirname "$0")/.."
registry=${POSTCARDS_REGISTRY:-postcards}
version=${POSTCARDS_VERSION:-$(<VERSION)}

if ! docker version >/dev/null 2>&1 || ! docker compose version >/dev/null 2>&1; then
  echo "postcards: needs a Docker engine that answers, and Compose: see docker version, docker compose version" >&2
  exit 1
fi
if [ -z "${KEEP_IMAGES:-}" ]; then
  scripts/build_images.sh
  options=(--tag "$registry/store-e2e:$version" --file deploy/e2e/Dockerfile)
  [ -z "${BASE:-}" ] || options+=(--build-arg "BASE=$BASE")
  DOCKER_BUILDKIT=1 docker build --quiet "${options[@]}" . >/dev/null
fi
POSTCARDS_CONTAINERS=1 .venv/bin/python -m pytest -q tests/containers "$@"
