#!/usr/bin/env bash
# Fuzzes what reads a peer's bytes, with libFuzzer and the address sanitizer; the machine must be set
# up (deploy/dev/setup.sh).
#
# usage: .ci/fuzz.sh [TARGET...]      all of Tests/Fuzz/Corpus, one after the other
#
# SECONDS_EACH says for how long, 600 unless told. An input that breaks something is kept in
# .cache/fuzz/TARGET/findings: put it into Tests/Fuzz/Corpus/TARGET, where `make test` replays it,
# and mend what it broke. With MERGE=1 the corpus is made anew at the end: a small set of inputs that
# reach all that was reached.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
exec </dev/null
. .ci/parts.sh
seconds=${SECONDS_EACH:-600}
# What takes more is a finding too.
limits=(-max_len=8192 -timeout=10 -rss_limit_mb=1024)
# A crash is told by libFuzzer.
export SWIFT_BACKTRACE=enable=no BATON_FUZZ=1

# Releases leave out the checks for overlapping access; here they are wanted.
# Both sanitizers in one flag: of two flags the compiler takes the last, and without the fuzzer's
# counters in our code libFuzzer sees nothing of what an input reaches.
options=(-c release --no-color-diagnostics -Xswiftc -enable-testing --scratch-path .build-fuzz
  --sanitize address --sanitize fuzzer -Xswiftc -sanitize=address,fuzzer
  -Xswiftc -enforce-exclusivity=checked)

# fuzz TARGET
fuzz() {
  local name=$1 corpus=$root/Tests/Fuzz/Corpus/$1 work=$root/.cache/fuzz/$1 status
  mkdir -p "$work"/{found,findings,seeds}
  (cd "$work" && FUZZ_TARGET=$name FUZZ_SEEDS=seeds \
    timeout --kill-after=10 $((seconds + 120)) "$program" "${limits[@]}" \
    -max_total_time="$seconds" -artifact_prefix=findings/ -print_final_stats=1 \
    found seeds "$corpus" >log 2>&1)
  status=$?
  echo "$name: $(grep -aoE 'cov: [0-9]+ ft: [0-9]+' "$work/log" | tail -1)," \
    "$(grep -aoE 'number_of_executed_units: [0-9]+' "$work/log" | tail -1)"
  [ $status -eq 0 ] || grep -aE 'Fatal error|ERROR: |SUMMARY' "$work/log" | cut -c 1-1000
  return $status
}

# merge TARGET: corpus, seeds and what was found, as the fewest and smallest files
merge() {
  local name=$1 corpus=$root/Tests/Fuzz/Corpus/$1 work=$root/.cache/fuzz/$1
  rm -rf "$work/merged"
  mkdir -p "$work/merged"
  (cd "$work" && FUZZ_TARGET=$name timeout 600 "$program" "${limits[@]}" -set_cover_merge=1 \
    merged "$corpus" seeds found >merge.log 2>&1) || return 1
  # What once broke something stays.
  find "$corpus" -type f ! -name 'regression-*' -delete
  cp "$work"/merged/* "$corpus/"
}

swift build "${options[@]}" --product fuzz || exit 1
program=$(swift build "${options[@]}" --show-bin-path)/fuzz
targets=("$@")
[ ${#targets[@]} -gt 0 ] || mapfile -t targets < <(ls Tests/Fuzz/Corpus)
status=0
for target in "${targets[@]}"; do
  fuzz "$target" || status=1
  if [ "${MERGE:-}" = 1 ]; then merge "$target" || status=1; fi
done
exit $status
