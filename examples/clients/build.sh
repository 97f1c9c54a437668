#!/usr/bin/env bash
# Generates clients from proto/ and builds the examples, into .cache/clients. The one in Swift is
# built with this package.
#
# usage: examples/clients/build.sh [LANGUAGE...]     python cpp go; without one: all
#
# Nothing is downloaded. Python needs grpcio, grpcio-tools and googleapis-common-protos (PYTHON
# names the interpreter); C++ and Go need Debian packages: make g++ pkg-config libgrpc++-dev
# protobuf-compiler protobuf-compiler-grpc, and golang-go golang-google-grpc-dev
# golang-goprotobuf-dev protobuf-compiler.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
root=$(cd ../.. && pwd)
out=$root/.cache/clients
contract=(baton/v1/plan.proto baton/v1/orchestrator.proto)

build_python() {
  mkdir -p "$out/python"
  # google.rpc, the details of errors, comes with googleapis-common-protos.
  "${PYTHON:-$root/.venv-langchain/bin/python}" -m grpc_tools.protoc -I "$root/proto" \
    --python_out="$out/python" --pyi_out="$out/python" --grpc_python_out="$out/python" \
    "${contract[@]}"
}

build_cpp() {
  make --silent --directory cpp --jobs "$(nproc)" OUT="$out/cpp" "$out/cpp/client"
}

build_go() {
  local workspace=$out/go
  mkdir -p "$workspace/src"
  protoc -I "$root/proto" --go_out=plugins=grpc:"$workspace/src" "${contract[@]}"
  # Debian keeps Go packages in /usr/share/gocode. Elsewhere a go.mod names grpc and protobuf.
  GO111MODULE=off GOPATH=$workspace:/usr/share/gocode GOCACHE=$workspace/cache GOFLAGS=-p=$(nproc) \
    go build -o "$workspace/client" go/client.go
}

languages=("$@")
[ ${#languages[@]} -gt 0 ] || languages=(python cpp go)
for language in "${languages[@]}"; do
  SECONDS=0
  "build_$language"
  echo "clients: $language built in $SECONDS s"
done
