#!/usr/bin/env bash
# Generates Python code from protos/ into the folder given: scripts/generate_stubs.sh libs/stubs/src
set -euo pipefail
cd "$(dirname "$0")/.."
target=${1:?target folder}
bin=.venv/bin
fresh=$(mktemp -d)
trap 'rm -rf "$fresh"' EXIT
mapfile -t files < <(cd protos && find postcards -name '*.proto' | sort)
# The rules of the fields (protos/buf/validate) are for clients in other languages: Python code is made without them.
$bin/python -m grpc_tools.protoc -I protos --include_imports --include_source_info \
  --descriptor_set_out="$fresh/ruled" "${files[@]}"
$bin/python scripts/plain_descriptors.py "$fresh/ruled" "$fresh/plain"
$bin/python -m grpc_tools.protoc --descriptor_set_in="$fresh/plain" --python_out="$fresh" --grpc_python_out="$fresh" \
  --plugin=protoc-gen-mypy=$bin/protoc-gen-mypy --mypy_out=quiet,readable_stubs:"$fresh" \
  --plugin=protoc-gen-mypy_grpc=$bin/protoc-gen-mypy_grpc --mypy_grpc_out=quiet:"$fresh" "${files[@]}"
mkdir -p "$target"
cp -r "$fresh/postcards" "$target/"
(cd "$target" && find postcards -name '*_pb2*.py*' -not -name '*.pyc' | while read -r file; do [ -e "$fresh/$file" ] || rm "$file"; done)
# The types of the whole namespace are ours: PEP 561's mark lies at its root, where mypy and pyright both look.
touch "$target/postcards/py.typed"
