#!/usr/bin/env bash
# Shows what Baton does: a plan over CrewAI and LangChain with a real model, a server that is killed
# in the middle, and the same plan on either framework by one line of configuration.
#
# usage: examples/demo/run.sh        (`make demo`)
#
# OPENAI_BASE_URL, OPENAI_API_KEY   a model to use instead of a small local one
# OPENAI_MODEL                      its name (gpt-4o-mini)
# BATON                             a `baton` to use instead of building one
#
# Everything listens on free ports of this machine, keeps its files in demo/, and ends with the script.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
cd "$root"
folder=$root/demo

# Settings of the caller's own server would change what is shown.
for name in $(compgen -e BATON_); do
  [ "$name" = BATON_PYTHON ] || unset "$name"
done
export no_proxy="${no_proxy:+$no_proxy,}127.0.0.1,localhost"

if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then bold=$'\e[1m' plain=$'\e[0m'; else bold='' plain=''; fi
say() { printf '\n%s== %s%s\n' "$bold" "$*" "$plain"; }
note() { printf '   [%3d s] %s\n' "$SECONDS" "$*"; }
fail() {
  printf 'demo: %s\n' "$@" >&2
  exit 1
}

# --- Processes ---------------------------------------------------------------------------------

# Each is the leader of a process group, so that what it starts ends with it.
pids=()

# start NAME COMMAND...: its output goes to demo/NAME.out and demo/NAME.log; sets `started`.
start() {
  local name=$1
  shift
  # At once: what an earlier one printed must not be taken for this one's.
  : >"$folder/$name.out"
  setsid "$@" >>"$folder/$name.out" 2>>"$folder/$name.log" </dev/null &
  started=$!
  pids+=("$started")
}

# Whether the process, or anything it started, is there.
alive() { kill -0 "$1" 2>/dev/null || kill -0 -- "-$1" 2>/dev/null; }

# await_ready NAME PID: prints what follows READY.
await_ready() {
  local waited=0
  until grep -q '^READY ' "$folder/$1.out"; do
    if ! alive "$2"; then
      tail -n 20 "$folder/$1.log" >&2
      fail "$1 ended before it was ready; the end of demo/$1.log stands above."
    fi
    waited=$((waited + 1))
    [ $waited -lt 1200 ] || fail "$1 was not ready after two minutes; see demo/$1.log."
    sleep 0.1
  done
  sed -n 's/^READY //p' "$folder/$1.out"
}

# field NAME: one text of a flat JSON object on standard input
field() { sed -n "s/.*\"$1\": *\"\([^\"]*\)\".*/\1/p"; }

# end PID: SIGTERM, then SIGKILL for what is left of its group.
end() {
  local waited=0
  kill -TERM "$1" 2>/dev/null || true
  while alive "$1" && [ $waited -lt 150 ]; do
    waited=$((waited + 1))
    sleep 0.1
  done
  kill -KILL -- "-$1" 2>/dev/null || true
}

clean_up() {
  local status=$? pid
  trap - EXIT INT TERM HUP
  if [ -n "${watcher:-}" ]; then
    kill "$watcher" 2>/dev/null || true
    wait "$watcher" 2>/dev/null || true
  fi
  for pid in ${pids[@]+"${pids[@]}"}; do kill -TERM "$pid" 2>/dev/null || true; done
  for pid in ${pids[@]+"${pids[@]}"}; do end "$pid"; done
  for pid in ${pids[@]+"${pids[@]}"}; do
    if alive "$pid"; then
      echo "demo: process group $pid is still running" >&2
      status=1
    fi
  done
  if [ $status -ne 0 ]; then
    echo "demo: ended with exit code $status; everything was stopped, the logs are in demo/." >&2
  fi
  exit $status
}

# --- Preparation -------------------------------------------------------------------------------

say "Setting up"
deploy/dev/setup.sh
if [ -z "${BATON:-}" ]; then
  note "building baton (the first time takes some minutes)"
  options=(-c release --no-color-diagnostics -Xswiftc -enable-testing)
  swift build "${options[@]}"
  BATON=$(swift build "${options[@]}" --show-bin-path)/baton
fi
baton() { "$BATON" "$@"; }

rm -rf "$folder"
mkdir -p "$folder"
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

say "Starting the server, both adapters and a model"
cp examples/demo/*.yaml "$folder"
if [ -n "${OPENAI_BASE_URL:-}${OPENAI_API_KEY:-}" ]; then
  model=${OPENAI_MODEL:-gpt-4o-mini}
  sed -i "s|^\( *model:\) openai/smollm2$|\1 openai/$model|" "$folder"/{crewai,langchain}.yaml
  note "the model is $model at ${OPENAI_BASE_URL:-its provider}"
else
  start model .venv-model/bin/python adapters/model/serve.py
  model_pid=$started
fi

serve() {
  start server "$BATON" serve --config "$folder/baton.yaml" --listen "$1" --http 127.0.0.1:0 \
    --store "sqlite:$folder/baton.db" --lease 6s
}
serve 127.0.0.1:0
server_pid=$started
BATON_SERVER=$(await_ready server "$server_pid" | field grpc)
export BATON_SERVER
note "the server listens on $BATON_SERVER (process $server_pid)"

if [ -n "${model_pid:-}" ]; then
  OPENAI_BASE_URL=$(await_ready model "$model_pid" | field url)
  export OPENAI_BASE_URL OPENAI_API_KEY=none
  note "a small local model answers at $OPENAI_BASE_URL (process $model_pid)"
fi

# start_adapter NAME
start_adapter() {
  start "$1" env PYTHONPATH="$root" ".venv-$1/bin/baton-$1" --config "$folder/$1.yaml" \
    --orchestrator "$BATON_SERVER" --listen 127.0.0.1:0 --http 127.0.0.1:0 \
    --data "$folder/$1-data" --shutdown-grace 5s
}
start_adapter crewai
crewai_pid=$started
start_adapter langchain
langchain_pid=$started
for name in langchain crewai; do
  pid=${name}_pid
  await_ready "$name" "${!pid}" >/dev/null
  note "the $name adapter is ready (process ${!pid})"
done

# await_adapters: until both have registered with the server
await_adapters() {
  local waited=0
  until [ "$(baton adapters -o json | grep -o '"health":"alive"' | wc -l)" -eq 2 ]; do
    waited=$((waited + 1))
    [ $waited -lt 150 ] || fail "the adapters did not register; see demo/crewai.log."
    sleep 0.2
  done
}
await_adapters
baton adapters

# --- A plan over both frameworks, and a kill in the middle ---------------------------------------

# kill_in_the_middle WATCHER: kills the server once a task has succeeded, and starts it again at the
# same address.
kill_in_the_middle() {
  local plan='' events=''
  until grep -q '"kind":"task_succeeded"' <<<"$events"; do
    kill -0 "$1" 2>/dev/null || return 0
    sleep 0.2
    plan=$(baton list --name briefing -o json | field plan_id)
    [ -z "$plan" ] || events=$(baton trace "$plan" -o json)
  done
  killed_pid=$server_pid
  # Said below a live table, for a line in the middle of one would spoil it.
  [ -t 1 ] || note "the server is killed (SIGKILL, process $killed_pid) and started again"
  kill -KILL "$killed_pid"
  # Waited for, so that the shell does not report it in the middle of the table.
  wait "$killed_pid" 2>/dev/null || true
  serve "$BATON_SERVER"
  server_pid=$started
  await_ready server "$server_pid" >/dev/null
}

say "examples/briefing.yaml: agents, a crew and a graph on two frameworks; the server is killed midway"
echo "   \$ baton submit examples/briefing.yaml --watch"
# Not through the function: the pid must be the program's own.
"$BATON" submit examples/briefing.yaml --watch &
watcher=$!
kill_in_the_middle "$watcher"
wait "$watcher"
watcher=''
[ -n "${killed_pid:-}" ] || fail "the plan ended before the server was killed."
[ ! -t 1 ] || note "in the middle the server was killed (SIGKILL, process $killed_pid) and started again"
plan=$(baton list --name briefing -o json | field plan_id)

say "How it came about"
echo "   \$ baton trace $plan --server $BATON_SERVER"
baton trace "$plan"
# Every task succeeded once, and none was handed out again after that.
baton trace "$plan" -o json >"$folder/briefing.jsonl"
twice=$(sed -n 's/.*"kind":"task_succeeded","task_id":"\([^"]*\)".*/\1/p' "$folder/briefing.jsonl" \
  | sort | uniq -d)
[ -z "$twice" ] || fail "these tasks succeeded twice: $twice"
note "the server was killed (process $killed_pid) and went on as process $server_pid;"
note "every task succeeded exactly once"

# --- One plan, two frameworks -------------------------------------------------------------------

# outcome PLAN: the state of each task, then the committed event kinds of each task, in order
outcome() {
  baton get "$1" -o json | grep -o '"id":"[^"]*","type":"[^"]*","status":"[^"]*"'
  baton trace "$1" -o json \
    | sed 's/.*"kind":"\([^"]*\)"\(,"task_id":"\([^"]*\)"\)\{0,1\}.*/\3 \1/' | sort -s -k 1,1
}

# run_portable NAME: sets `portable_plan`
run_portable() {
  echo "   \$ baton submit examples/portable.yaml --watch"
  baton submit examples/portable.yaml --watch
  portable_plan=$(baton list --name portable --limit 1 -o json | field plan_id)
  outcome "$portable_plan" >"$folder/outcome-$1.txt"
  adapters_used=$(baton get "$portable_plan" -o json | grep -o '"adapter":"[^"]*"' | sort -u \
    | sed 's/.*:"\(.*\)"/\1/' | paste -s -d ' ')
}

say "examples/portable.yaml: a plan that names no framework, on CrewAI"
run_portable crewai
first_adapters=$adapters_used

say "The same plan on LangChain: one line of the server's configuration changes"
cp "$folder/baton.yaml" "$folder/baton.before.yaml"
sed -i 's/^routes: .*/routes: {default: [langchain, crewai]}/' "$folder/baton.yaml"
diff --unified=0 "$folder/baton.before.yaml" "$folder/baton.yaml" | tail -n +3 || true
end "$server_pid"
serve "$BATON_SERVER"
server_pid=$started
await_ready server "$server_pid" >/dev/null
await_adapters
run_portable langchain

say "Compared"
[ "$first_adapters" != "$adapters_used" ] \
  || fail "both runs used $adapters_used, so nothing was swapped."
if ! diff "$folder/outcome-crewai.txt" "$folder/outcome-langchain.txt"; then
  fail "the two runs differ; the lines above say where."
fi
note "the first run was on $first_adapters and the second on $adapters_used"
note "both runs had the same task states and the same committed event kinds"

say "Done in $SECONDS s; everything is stopped now, and the logs are in demo/"
