#!/usr/bin/env bash
# Kills `baton serve` at every boundary of its SQLite store and looks at what becomes of its plans
# (Tests/python/kill); the machine must be set up (deploy/dev/setup.sh). Linux only.
#
# usage: .ci/test-kill.sh [--at N] [--every N] [--jobs N]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
exec </dev/null
. .ci/parts.sh

for program in baton baton-mock-adapter; do
  swift build "${swift_options[@]}" --product "$program"
done
programs=$(swift build "${swift_options[@]}" --show-bin-path)
cd Tests/python
exec "$root/.venv-langchain/bin/python" -m kill.sweep --programs "$programs" "$@"
