#!/bin/bash
# Fails if the committed generated files are not what codegen/generate.sh generates.
set -euo pipefail
repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
fresh=$(mktemp -d)
trap 'rm -rf "$fresh"' EXIT
"$repository/codegen/generate.sh" "$fresh"

python_stubs=adapters/shared/src/baton_adapter/_generated

# Generated files of one root, as paths; hand-written ones beside them are left out, and the stubs
# in Python where they were not generated.
generated_files() {
  (
    cd "$1"
    if [ -d "$fresh/$python_stubs" ]; then
      find $python_stubs -type f -not -path '*/__pycache__/*' 2>/dev/null || true
    fi
    find Sources/Messages/Generated Sources/Stubs/Generated Tests/MessagesTests/Generated \
      Tests/Interop/InteropMessages/Generated Tests/Interop/InteropStubs/Generated \
      docs/api.md -type f 2>/dev/null || true
    find Sources/CMessages codegen/CKinds codegen/CDescriptor Tests/Interop -name '*.pb-c.[ch]' \
      2>/dev/null || true
  ) | sort
}

status=0
while read -r file; do
  if ! diff -u --label "committed/$file" --label "generated/$file" \
    "$repository/$file" "$fresh/$file"; then
    status=1
  fi
done < <({ generated_files "$repository"; generated_files "$fresh"; } | sort -u)
if [ $status -ne 0 ]; then
  echo "check: generated files differ from the proto files; run \`make generate\`" >&2
fi
exit $status
