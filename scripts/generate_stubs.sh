#!/usr/bin/env bash
# Generates Python code from protos/ into the folder given: scripts/generate_stubs.sh libs/stubs/src
set -euo pipefail
cd "$(dirname "$0")/.."
target=${1:?target folder}
bin=.venv/bin
fresh=$(mktemp -d)
trap 'rm -rf "$fresh"' EXIT
mapfile -t files < <(cd protos && find postcards -name '*.proto' | sort)
$bin/python -m grpc_tools.protoc -I protos --python_out="$fresh" --grpc_python_out="$fresh" \
  --plugin=protoc-gen-mypy=$bin/protoc-gen-mypy --mypy_out=quiet,readable_stubs:"$fresh" \
  --plugin=protoc-gen-mypy_grpc=$bin/protoc-gen-mypy_grpc --mypy_grpc_out=quiet:"$fresh" "${files[@]}"
mkdir -p "$target"
cp -r "$fresh/postcards" "$target/"
(cd "$target" && find postcards -name '*_pb2*.py*' -not -name '*.pyc' | while read -r file; do [ -e "$fresh/$file" ] || rm "$file"; done)
# The types of the whole namespace are ours: PEP 561's mark lies at its root, where mypy and pyright both look.
touch "$target/postcards/py.typed"
