# Shared by check.sh and test.sh: the options of the one Swift build, and running named parts.

# The same for checks, tests and `make demo`, so that nothing is compiled twice. Whether diagnostics
# have colour is said, for otherwise a terminal changes the compiler's flags.
swift_options=(-c release --no-color-diagnostics -Xswiftc -enable-testing)
root=$PWD

# run_parts PREFIX PART...: runs the functions PREFIX_PART, all of them whatever fails, tells time
# and result of each at the end, and returns 1 if any failed.
run_parts() {
  local prefix=$1 part result started status=0 summary=""
  shift
  for part in "$@"; do
    if ! declare -F "${prefix}_$part" >/dev/null; then
      echo "$prefix: there is no part \"$part\"" >&2
      return 2
    fi
  done
  for part in "$@"; do
    started=$SECONDS
    echo "--- $prefix $part"
    if "${prefix}_$part"; then result=passed; else result=FAILED status=1; fi
    summary+=$(printf '%-5s %-12s %5d s  %s' "$prefix" "$part" $((SECONDS - started)) "$result")
    summary+=$'\n'
  done
  printf -- '---\n%s' "$summary"
  return $status
}
