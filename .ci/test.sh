#!/usr/bin/env bash
# Runs the tests; the machine must be set up (deploy/dev/setup.sh).
#
# usage: .ci/test.sh [PART...]      parts: build swift hardening e2e kill clients shared langchain crewai
#                                          examples
#
# One release build serves the tests and `make demo`.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
exec </dev/null
. .ci/parts.sh
reports=$root/.cache/test-reports
mkdir -p "$reports"

# limited SECONDS COMMAND...: a test that hangs ends as a failure. On SIGINT it ends its servers.
limited() { timeout --signal=INT --kill-after=60 "$@"; }

counted() { "$root/.venv-langchain/bin/python" .ci/count_tests.py "$@"; }

test_build() { swift build "${swift_options[@]}" --build-tests; }

# test_package NAME OPTION...: tests of the Swift package
test_package() {
  local name=$1
  shift
  rm -f "$reports/$name.xml"
  limited 1200 swift test "${swift_options[@]}" --disable-testable-imports --disable-xctest \
    --xunit-output "$reports/$name.xml" "$@" \
    && counted "$name" "$reports/$name.xml"
}

# One at a time: many of them give the other side a fraction of a second, on two cores.
test_swift() {
  test_package swift --skip EndToEndTests --skip HardeningTests --no-parallel
}

# Alone: it attacks a server, and measures its memory.
test_hardening() { test_package hardening --filter HardeningTests --no-parallel; }

# One at a time: each starts servers, adapters and a model.
test_e2e() { test_package e2e --filter EndToEndTests --no-parallel; }

# A part of `make test-kill`.
test_kill() { limited 600 .ci/test-kill.sh --every 10; }

# test_python NAME ENVIRONMENT FOLDER
test_python() {
  rm -f "$reports/$1.xml"
  (cd "$3" && limited 900 "$root/$2/bin/python" -m pytest --junitxml "$reports/$1.xml") \
    && counted "$1" "$reports/$1.xml"
}

test_shared() { test_python shared .venv-langchain adapters/shared; }
test_langchain() { test_python langchain .venv-langchain adapters/langchain; }
test_crewai() { test_python crewai .venv-crewai adapters/crewai; }
# Clients in other languages, and tools that look at a server, call the server that was built.
test_clients() {
  BATON_BIN=$(swift build "${swift_options[@]}" --show-bin-path) || return 1
  export BATON_BIN
  test_python clients .venv-langchain Tests/clients
}
test_examples() { test_python examples .venv-langchain examples; }

parts=("$@")
[ ${#parts[@]} -gt 0 ] || parts=(build swift hardening e2e kill clients shared langchain crewai examples)
run_parts test "${parts[@]}"
