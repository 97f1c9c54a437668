#!/usr/bin/env bash
# Builds the Swift tests with a sanitizer and runs them; the machine must be set up
# (deploy/dev/setup.sh).
#
# usage: .ci/test-sanitize.sh [thread|address...]
#
# Each sanitizer has a debug build of its own, in .build-tsan and .build-asan: kept, so that the next
# run compiles what has changed. The whole suite runs, the end-to-end, interop and hardening tests
# too: the programs that they start are of the same build. What a debug build cannot keep, response
# times and memory, the hardening tests leave out there.
#
# A report in any process fails the run, also in a server that a test started: reports go to files.
# Leaks are not looked for yet: the leak sanitizer does not find its way through the tables of weak
# references, and what it reports beside them has not been told apart. One test at a time: on a loaded
# machine instrumented programs miss the times that tests of timeouts wait for.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
exec </dev/null
root=$PWD
reports=$root/.cache/test-reports

# sanitize NAME: builds and runs
sanitize() {
  local name=$1 scratch=.build-${1:0:1}san found status=0
  local options=(--sanitize="$name" --scratch-path "$scratch" --no-color-diagnostics)
  swift build "${options[@]}" --build-tests || return 1
  rm -f "$reports/$name".*
  export TSAN_OPTIONS="log_path=$reports/$name.log"
  export ASAN_OPTIONS="log_path=$reports/$name.log detect_leaks=0"
  timeout --signal=INT --kill-after=60 3600 swift test "${options[@]}" --skip-build \
    --disable-xctest --no-parallel --xunit-output "$reports/$name.xml" || status=1
  for found in "$reports/$name".log.*; do
    [ -e "$found" ] || continue
    cat "$found"
    status=1
  done
  "$root/.venv-langchain/bin/python" .ci/count_tests.py "$name" "$reports/$name.xml" || status=1
  return $status
}

mkdir -p "$reports"
sanitizers=("$@")
[ ${#sanitizers[@]} -gt 0 ] || sanitizers=(thread address)
status=0 result=""
for name in "${sanitizers[@]}"; do
  started=$SECONDS
  echo "--- sanitize $name"
  if sanitize "$name"; then outcome=clean; else outcome=FAILED status=1; fi
  echo "--- sanitize $name: $outcome, $((SECONDS - started)) s"
  result+=" $name=$outcome"
done
tests=$(grep -c '<testcase' "$reports/${sanitizers[0]}.xml" 2>/dev/null || true)
echo "RESULT$result tests=${tests:-0}"
exit $status
