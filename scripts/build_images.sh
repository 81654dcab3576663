#!/usr/bin/env bash
# Builds the container images: scripts/build_images.sh [image|audio|language|composer|client ...]; without names all.
#   ONLY="image composer"       the same as naming them
#   VARIANT=models              also what runs the large models (image and audio; the tag ends in -models)
#   POSTCARDS_REGISTRY=...      what their names begin with (postcards)
#   POSTCARDS_VERSION=...       their tag (what the file VERSION says); VERSION= is short for it
#   BASE=...                    the base image (docker.io/library/python:3.11-slim-bookworm)
#   PIP_EXTRA_INDEX_URL=...     where pip looks besides, e.g. for a torch without CUDA
set -euo pipefail
cd "$(dirname "$0")/.."
registry=${POSTCARDS_REGISTRY:-postcards}
version=${POSTCARDS_VERSION:-${VERSION:-$(<VERSION)}}
variant=${VARIANT:-light}
# BuildKit builds of the Dockerfile what a target needs, and keeps what pip has fetched.
export DOCKER_BUILDKIT=1

fail() { printf 'postcards: %s\n' "$1" >&2; exit 1; }

case $variant in
  light) all=(language composer client audio image) suffix='' ;;
  models) all=(audio image) suffix=-models ;;
  *) fail "no such variant: $variant (light or models)" ;;
esac
read -ra names <<<"${*:-${ONLY:-${all[*]}}}"
docker version >/dev/null 2>&1 || fail "needs a Docker engine that answers: see docker version"

for name in "${names[@]}"; do
  case " ${all[*]} " in *" $name "*) ;; *) fail "no such image of variant $variant: $name (${all[*]})" ;; esac
done

options=(--build-arg "VERSION=$version")
for argument in BASE PIP_EXTRA_INDEX_URL PIP_FIND_LINKS; do
  [ -z "${!argument:-}" ] || options+=(--build-arg "$argument=${!argument}")
done
for name in "${names[@]}"; do
  tag=$registry/$name:$version$suffix
  build=(docker build --target "$name$suffix" --tag "$tag" "${options[@]}")
  begun=$SECONDS
  "${build[@]}" --quiet . >/dev/null || fail "building $tag failed (all of it: ${build[*]} .)"
  printf '%-30s %4d MB %4d s\n' "$tag" $(($(docker image inspect --format '{{.Size}}' "$tag") / 1000000)) $((SECONDS - begun))
done
