#!/bin/bash
# Generates everything that comes from the proto files:
#   proto/ and google/protobuf/{any,duration}.proto
#     -> Sources/CMessages (C structs, by protoc-c), Sources/Messages/Generated (value types),
#        Sources/Stubs/Generated (clients and servers), docs/api.md
#   codegen/kinds/kinds.proto (for tests) -> codegen/CKinds, Tests/MessagesTests/Generated
#   Tests/Interop/proto (for tests) -> Tests/Interop/{CInteropMessages,InteropMessages,InteropStubs}
#   google/protobuf/{descriptor,compiler/plugin}.proto -> codegen/CDescriptor (for the plugin)
#
# Usage: codegen/generate.sh [OUTPUT_ROOT]     (default: the repository)
#   PROTOC_GEN_BATON_SWIFT   a built plugin; without it the plugin is built with `swift build`
#   PYTHON                   an interpreter with grpcio-tools, for adapters/generate.sh; without
#                            one the stubs in Python are left as they are
# Files that are no longer generated are removed from the folders above.
set -euo pipefail
repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
output=${1:-$repository}
mkdir -p "$output"
output=$(cd "$output" && pwd)
cd "$repository"

missing=()
command -v protoc >/dev/null || missing+=(protobuf-compiler)
command -v protoc-c >/dev/null || missing+=(protobuf-c-compiler)
[ -f /usr/include/google/protobuf/any.proto ] || missing+=(libprotobuf-dev)
[ -f /usr/include/google/protobuf/compiler/plugin.proto ] || missing+=(libprotoc-dev)
if [ ${#missing[@]} -gt 0 ]; then
  echo "generate: protoc, protoc-c or their files are missing; install them with" >&2
  echo "  apt-get install ${missing[*]}" >&2
  exit 1
fi
command -v swift >/dev/null || {
  echo "generate: the Swift compiler is missing (swift, 6.3 or later)" >&2
  exit 1
}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export LC_ALL=C
includes=/usr/include
well_known=(google/protobuf/any.proto google/protobuf/duration.proto)
mapfile -t protos < <(cd proto && find . -name '*.proto' | sed 's|^\./||' | sort)

mapfile -t interop < <(cd Tests/Interop/proto && find . -name '*.proto' | sed 's|^\./||' | sort)

# Descriptors. Those of the system's files carry no comments.
protoc -I $includes --descriptor_set_out="$work/well_known.pb" "${well_known[@]}"
protoc -I proto -I $includes --include_source_info --descriptor_set_out="$work/baton.pb" \
  "${protos[@]}"
protoc -I Tests/Interop/proto --include_source_info --descriptor_set_out="$work/interop.pb" \
  "${interop[@]}"
protoc -I codegen/kinds --include_source_info --descriptor_set_out="$work/kinds.pb" kinds.proto
protoc -I $includes --include_imports --descriptor_set_out="$work/descriptor.pb" \
  google/protobuf/descriptor.proto google/protobuf/compiler/plugin.proto

# descriptors_as_text FILE...: a FileDescriptorSet in protobuf's text format.
descriptors_as_text() {
  cat "$@" | protoc -I $includes --decode=google.protobuf.FileDescriptorSet \
    google/protobuf/descriptor.proto
}

# strings_as_bytes FROM... TO: `string` becomes `bytes`, the same on the wire, so that the C
# structs hold text with its length and not up to the first NUL. protoc refuses maps with keys of
# bytes, so maps become the lists of entries that they are on the wire.
strings_as_bytes() {
  descriptors_as_text "${@:1:$#-1}" \
    | sed -e 's/^\( *\)type: TYPE_STRING$/\1type: TYPE_BYTES/' -e '/^ *map_entry: true$/d' \
    | protoc -I $includes --encode=google.protobuf.FileDescriptorSet \
      google/protobuf/descriptor.proto >"${!#}"
}

# generate_c DESCRIPTORS TARGET FILE...: sources into TARGET, headers into TARGET/include.
generate_c() {
  local descriptors=$1 target=$2 file
  shift 2
  rm -rf "$work/c" && mkdir -p "$work/c" "$target/include"
  protoc-c --descriptor_set_in="$descriptors" --c_out="$work/c" "$@"
  find "$target" -name '*.pb-c.[ch]' -delete
  while read -r file; do
    case $file in
      *.h) install -D -m 644 "$work/c/$file" "$target/include/$file" ;;
      *) install -D -m 644 "$work/c/$file" "$target/$file" ;;
    esac
  done < <(cd "$work/c" && find . -type f)
}

strings_as_bytes "$work/well_known.pb" "$work/baton.pb" "$work/messages_c.pb"
strings_as_bytes "$work/kinds.pb" "$work/kinds_c.pb"
generate_c "$work/messages_c.pb" "$output/Sources/CMessages" "${well_known[@]}" "${protos[@]}"
generate_c "$work/kinds_c.pb" "$output/codegen/CKinds" kinds.proto
strings_as_bytes "$work/interop.pb" "$work/interop_c.pb"
generate_c "$work/interop_c.pb" "$output/Tests/Interop/CInteropMessages" "${interop[@]}"
generate_c "$work/descriptor.pb" "$output/codegen/CDescriptor" \
  google/protobuf/descriptor.proto google/protobuf/compiler/plugin.proto

plugin=${PROTOC_GEN_BATON_SWIFT:-}
if [ -z "$plugin" ]; then
  swift build --no-color-diagnostics --product protoc-gen-baton-swift >&2
  plugin=$(swift build --show-bin-path)/protoc-gen-baton-swift
fi

# generate_swift DESCRIPTORS OPTIONS TARGET FILE...
generate_swift() {
  local descriptors=$1 options=$2 target=$3
  shift 3
  rm -rf "$work/swift" && mkdir -p "$work/swift" "$target"
  protoc --descriptor_set_in="$descriptors" --plugin="protoc-gen-baton-swift=$plugin" \
    --baton-swift_out="$work/swift" --baton-swift_opt="$options" "$@"
  if [ "$options" != mode=docs ]; then
    swift format --in-place --recursive --configuration .swift-format "$work/swift"
    find "$target" -name '*.swift' -delete
  fi
  cp "$work"/swift/* "$target"
}

both=$work/well_known.pb:$work/baton.pb
generate_swift "$both" mode=messages "$output/Sources/Messages/Generated" \
  "${well_known[@]}" "${protos[@]}"
generate_swift "$both" mode=stubs "$output/Sources/Stubs/Generated" "${protos[@]}"
# The page begins with what callers look for.
mapfile -t others < <(printf "%s\n" "${protos[@]}" | grep -v "^baton/v1/orchestrator.proto$")
generate_swift "$both" mode=docs "$output/docs" baton/v1/orchestrator.proto \
  "${others[@]}" "${well_known[@]}"
generate_swift "$work/kinds.pb" mode=messages,c_module=CKinds,support=Messages,visibility=internal \
  "$output/Tests/MessagesTests/Generated" kinds.proto
generate_swift "$work/interop.pb" \
  mode=messages,c_module=CInteropMessages,support=Messages,views=no \
  "$output/Tests/Interop/InteropMessages/Generated" "${interop[@]}"
generate_swift "$work/interop.pb" \
  mode=stubs,messages_module=InteropMessages,files_type=InteropProtoFiles \
  "$output/Tests/Interop/InteropStubs/Generated" "${interop[@]}"

# Stubs in Python have a script of their own, whose argument is the folder that it fills.
python=${PYTHON:-$repository/.venv-langchain/bin/python}
if "$python" -c 'import grpc_tools' 2>/dev/null; then
  PYTHON=$python adapters/generate.sh "$output/adapters/shared/src/baton_adapter/_generated"
else
  echo "generate: stubs in Python are left out, $python has no grpcio-tools" >&2
fi
