#!/bin/sh
# Generates the Python messages and stubs of proto/baton/v1 as one importable package.
#
# usage: adapters/generate.sh [OUTPUT_ROOT]
#
# OUTPUT_ROOT stands for adapters/shared/src/baton_adapter/_generated, the default; a check gives
# another folder and compares. PYTHON names an interpreter that has grpcio-tools.
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
python=${PYTHON:-"$root/.venv-langchain/bin/python"}
out=${1:-"$root/adapters/shared/src/baton_adapter/_generated"}
package=baton_adapter._generated

rm -rf "$out"
mkdir -p "$out"
cd "$root/proto"
"$python" -m grpc_tools.protoc -I . \
  --python_out="$out" --pyi_out="$out" --grpc_python_out="$out" \
  baton/v1/plan.proto baton/v1/orchestrator.proto baton/v1/adapter.proto baton/v1/registry.proto

# protoc imports by the path of the .proto file; here the files live inside a package.
find "$out" -name '*_pb2*.py*' | LC_ALL=C sort | while read -r file; do
  sed "s/^from baton\.v1 import/from $package.baton.v1 import/" "$file" > "$file.new"
  mv "$file.new" "$file"
done
for folder in "$out" "$out/baton" "$out/baton/v1"; do
  echo '"""Generated from proto/ by adapters/generate.sh; not to be edited."""' \
    > "$folder/__init__.py"
done
