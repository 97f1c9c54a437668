#!/usr/bin/env bash
# Generates the Python messages and stubs of Tests/Interop/proto as one importable package.
#
# usage: Tests/python/interop/generate.sh [OUTPUT]
#
# OUTPUT stands for Tests/python/interop/_generated, the default; a check gives another folder and
# compares. PYTHON names an interpreter that has grpcio-tools.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../../.." && pwd)
python=${PYTHON:-"$root/.venv-langchain/bin/python"}
out=${1:-"$here/_generated"}

rm -rf "$out"
mkdir -p "$out"
cd "$root/Tests/Interop/proto"
"$python" -m grpc_tools.protoc -I . \
  --python_out="$out" --pyi_out="$out" --grpc_python_out="$out" \
  grpc/testing/{empty,messages,test}.proto

# protoc imports by the path of the .proto file, which would be a part of the package grpc.
mv "$out"/grpc/testing/* "$out"
rm -r "$out/grpc"
sed -i -e 's/^from grpc\.testing import/from interop._generated import/' \
  -e 's/^import grpc\.testing\.\([a-z0-9_]*\)/import interop._generated.\1/' "$out"/*_pb2*.py*
echo '"""Generated from Tests/Interop/proto by generate.sh; not to be edited."""' \
  >"$out/__init__.py"
