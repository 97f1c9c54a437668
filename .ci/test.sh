#!/usr/bin/env bash
# Runs the tests; the machine must be set up (deploy/dev/setup.sh).
#
# usage: .ci/test.sh [PART...]      parts: build swift shared langchain crewai examples
#
# One release build serves the tests and `make demo`. The Swift tests include the end-to-end tests.
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

test_swift() {
  rm -f "$reports/swift.xml"
  limited 1500 swift test "${swift_options[@]}" --disable-testable-imports --disable-xctest \
    --xunit-output "$reports/swift.xml" \
    && counted swift "$reports/swift.xml"
}

# test_python NAME ENVIRONMENT FOLDER
test_python() {
  rm -f "$reports/$1.xml"
  (cd "$3" && limited 900 "$root/$2/bin/python" -m pytest --junitxml "$reports/$1.xml") \
    && counted "$1" "$reports/$1.xml"
}

test_shared() { test_python shared .venv-langchain adapters/shared; }
test_langchain() { test_python langchain .venv-langchain adapters/langchain; }
test_crewai() { test_python crewai .venv-crewai adapters/crewai; }
test_examples() { test_python examples .venv-langchain examples; }

parts=("$@")
[ ${#parts[@]} -gt 0 ] || parts=(build swift shared langchain crewai examples)
run_parts test "${parts[@]}"
