#!/usr/bin/env bash
# Checks everything but behaviour; the machine must be set up (deploy/dev/setup.sh).
#
# usage: .ci/check.sh [PART...]
#   self        the checks' own tests: each must fail when something is wrong
#   format      swift format, ruff
#   types       mypy --strict
#   repository  secrets, left-overs, links between pages, long files, who imports whom in Python,
#               whether every rule of the contract has its tests
#   proto       buf: style of the .proto files, and changes that would break those who use them
#   generated   generated files are what the generators make of proto/
#   imports     who imports whom in Swift; builds everything, and warnings are errors
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
exec </dev/null
. .ci/parts.sh
tools=$root/.venv-langchain/bin

# Where Python is, besides what is generated.
python_folders=(adapters .ci benchmarks examples Tests/python/interop Tests/python/protobuf_peer
  Tests/python/hardening Tests/python/kill Tests/clients)

check_self() { "$tools/python" .ci/check/test_checks.py; }

check_format() {
  local status=0 files
  mapfile -t files < <(git -c "safe.directory=$root" ls-files --cached --others \
    --exclude-standard '*.swift')
  swift format lint --strict --parallel --configuration .swift-format "${files[@]}" || status=1
  "$tools/ruff" check --no-cache "${python_folders[@]}" || status=1
  "$tools/ruff" format --no-cache --check --exclude '*.md' "${python_folders[@]}" || status=1
  return $status
}

# types NAME ENVIRONMENT FOLDER ARGUMENT...
types() {
  local name=$1 environment=$2 folder=$3
  shift 3
  echo "types: $name"
  (cd "$folder" && "$root/$environment/bin/python" -m mypy --strict "$@")
}

check_types() {
  local status=0
  types shared .venv-langchain adapters/shared || status=1
  types langchain .venv-langchain adapters/langchain || status=1
  types crewai .venv-crewai adapters/crewai || status=1
  types model .venv-langchain adapters/model --ignore-missing-imports . || status=1
  types checks .venv-langchain .ci . || status=1
  types examples .venv-langchain . --exclude examples/clients examples || status=1
  # The client in Python imports what is generated from proto/.
  PYTHON=$tools/python examples/clients/build.sh python || status=1
  types "example client" .venv-langchain examples/clients python/client.py || status=1
  types clients .venv-langchain Tests/clients . || status=1
  types benchmarks .venv-langchain benchmarks/rpc . || status=1
  types "engine benchmarks" .venv-langchain benchmarks/engine --exclude peers . || status=1
  types interop .venv-langchain Tests/python interop || status=1
  types protobuf .venv-langchain Tests/python protobuf_peer || status=1
  types hardening .venv-langchain Tests/python hardening || status=1
  types kill .venv-langchain Tests/python kill || status=1
  return $status
}

check_repository() {
  local status=0 check
  for check in secrets_in_files leftovers links lengths adapter_imports semantics; do
    "$tools/python" ".ci/check/$check.py" || status=1
  done
  return $status
}

check_proto() { "$tools/python" .ci/check/protos.py; }

# same_stubs GENERATOR COMMITTED FRESH: whether the Python stubs are what their generator makes
same_stubs() {
  "$1" "$3" && diff -ru --exclude __pycache__ "$2" "$3" \
    || { echo "generated: $2 differs; run \`make generate\`" && return 1; }
}

check_generated() {
  local status=0 fresh
  swift build "${swift_options[@]}" --product protoc-gen-baton-swift || return 1
  PROTOC_GEN_BATON_SWIFT=$(swift build "${swift_options[@]}" --show-bin-path)/protoc-gen-baton-swift \
    codegen/check.sh || status=1
  fresh=$(mktemp -d)
  same_stubs adapters/generate.sh adapters/shared/src/baton_adapter/_generated "$fresh/adapters" \
    || status=1
  same_stubs Tests/python/interop/generate.sh Tests/python/interop/_generated "$fresh/interop" \
    || status=1
  rm -rf "$fresh"
  return $status
}

check_imports() {
  mkdir -p .cache/test-reports
  rm -f .cache/test-reports/imports.xml
  swift test "${swift_options[@]}" --disable-testable-imports --disable-xctest \
    --filter ArchitectureTests --xunit-output .cache/test-reports/imports.xml \
    && "$tools/python" .ci/count_tests.py imports .cache/test-reports/imports.xml
}

parts=("$@")
[ ${#parts[@]} -gt 0 ] || parts=(self format types repository proto generated imports)
run_parts check "${parts[@]}"
