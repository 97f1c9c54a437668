#!/usr/bin/env bash
# Makes this machine ready to build, run and test Baton. Does only what is lacking, so it may be
# called at any time; `make demo` and `make test` call it first.
#
# usage: deploy/dev/setup.sh [PART...]
#   system     Debian packages of packages.txt
#   bench      Debian packages of packages-bench.txt: what Baton is compared with
#   swift      looks for the Swift toolchain
#   langchain  .venv-langchain: the LangChain adapter, and what linting, types and tests need
#   crewai     .venv-crewai: the CrewAI adapter (about 1 GB)
#   model      .venv-model: a small local model with its server
#   peers      .venv-bench: the engines that Baton is compared with
# Without a part: all of them but bench and peers.
#
# BATON_PYTHON names the Python 3.11 to use; otherwise it is looked for.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
cd "$root"
swift_minimum=6.3

say() { printf 'setup [%4d s] %s\n' "$SECONDS" "$*"; }

fail() {
  printf 'setup: %s\n' "$@" >&2
  exit 1
}

# --- Debian packages ---------------------------------------------------------------------------

# missing_packages LIST
missing_packages() {
  local package
  sed 's/#.*//' "$here/$1" | while read -r package _; do
    [ -n "$package" ] || continue
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] \
      || echo "$package"
  done
}

set_up_system() { set_up_packages system packages.txt; }

set_up_bench() { set_up_packages bench packages-bench.txt; }

# set_up_packages PART LIST
set_up_packages() {
  local part=$1 list=$2 missing
  if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
    say "$part: no apt here; see deploy/dev/$list for what must be installed"
    return
  fi
  mapfile -t missing < <(missing_packages "$list")
  if [ ${#missing[@]} -eq 0 ]; then
    say "$part: every package is installed"
    return
  fi
  if [ "$(id -u)" -ne 0 ]; then
    fail "these Debian packages are missing, and only root may install them. Run" \
      "  sudo apt-get update && sudo apt-get install -y --no-install-recommends ${missing[*]}" \
      "and then the same command again."
  fi
  say "$part: installing ${missing[*]}"
  export DEBIAN_FRONTEND=noninteractive
  # The package lists may be absent or too old to install from.
  if ! install_packages "${missing[@]}"; then
    say "$part: updating the package lists"
    apt-get -o DPkg::Lock::Timeout=300 update </dev/null
    install_packages "${missing[@]}" \
      || fail "apt-get could not install ${missing[*]}; its own message stands above."
  fi
  say "$part: installed"
}

install_packages() {
  apt-get -o DPkg::Lock::Timeout=300 install -y -qq --no-install-recommends "$@" </dev/null
}

# --- Swift -------------------------------------------------------------------------------------

set_up_swift() {
  local version
  command -v swift >/dev/null || fail \
    "Swift $swift_minimum or later is needed and there is no swift on the PATH." \
    "Install a toolchain from https://www.swift.org/install and put its usr/bin on the PATH."
  version=$(swift --version 2>/dev/null | sed -n 's/.*Swift version \([0-9][0-9.]*\).*/\1/p')
  if [ "$(printf '%s\n' "$swift_minimum" "$version" | sort -V | head -n 1)" != "$swift_minimum" ]
  then
    fail "Swift $swift_minimum or later is needed; the one on the PATH says ${version:-nothing}." \
      "Install a toolchain from https://www.swift.org/install and put its usr/bin on the PATH."
  fi
  say "swift: $version"
}

# --- Python ------------------------------------------------------------------------------------

is_python_311() {
  "$1" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info[:2] != (3, 11))' \
    >/dev/null 2>&1
}

# Prints the interpreter. The system's own first: it stays where it is when version managers change.
find_python() {
  local candidate
  for candidate in ${BATON_PYTHON:+"$BATON_PYTHON"} \
    /usr/bin/python3.11 /usr/local/bin/python3.11 python3.11 python3; do
    if is_python_311 "$candidate"; then
      # The interpreter itself, not a version manager's wrapper around it.
      "$candidate" -c 'import os, sys; print(os.path.realpath(sys.executable))'
      return
    fi
  done
  fail "Python 3.11 with its venv module is needed and was not found." \
    "On Debian 12: apt-get install python3.11 python3-venv; or name one in BATON_PYTHON."
}

# What pip is configured to on this machine, for uv, which does not read pip's configuration.
# pip_setting PYTHON NAME
pip_setting() {
  local settings section value
  settings=$("$1" -m pip config list)
  for section in :env: install global; do
    value=$(sed -n "s/^$section\.$2=['\"]\(.*\)['\"]\$/\1/p" <<<"$settings")
    if [ -n "$value" ]; then
      sed 's/\\n/ /g' <<<"$value"
      return
    fi
  done
}

# use_pip_settings PYTHON: the variables of uv that are not set already
use_pip_settings() {
  local variable name value
  while read -r variable name; do
    [ -z "${!variable:-}" ] || continue
    value=$(pip_setting "$1" "$name")
    [ -z "$value" ] || export "$variable=$value"
  done <<'SETTINGS'
UV_DEFAULT_INDEX index-url
UV_INDEX extra-index-url
UV_FIND_LINKS find-links
UV_INSECURE_HOST trusted-host
SSL_CERT_FILE cert
SETTINGS
}

# set_up_environment NAME LOCK... -- PACKAGE...: the environment .venv-NAME holds exactly what the
# lock files say, and our own packages from their source folders.
set_up_environment() {
  local name=$1 environment=.venv-$1 python content editable=() locks=() pyprojects=()
  shift
  while [ $# -gt 0 ] && [ "$1" != -- ]; do locks+=("$1") && shift; done
  [ $# -eq 0 ] || shift
  for package in "$@"; do
    editable+=(--editable "$package")
    pyprojects+=("$package/pyproject.toml")
  done

  content=$(cat "${BASH_SOURCE[0]}" "$here/uv.txt" "${locks[@]}" \
    ${pyprojects[@]+"${pyprojects[@]}"} | sha256sum)
  if [ "$(cat "$environment/baton-place" 2>/dev/null)" = "$root" ] \
    && [ "$(cat "$environment/baton-stamp" 2>/dev/null)" = "$content" ] \
    && is_python_311 "$environment/bin/python"; then
    say "$name: up to date"
    return
  fi

  python=$(find_python)
  # Programs in an environment carry its path, and a stamp is written last: anything else is remade.
  if [ "$(cat "$environment/baton-place" 2>/dev/null)" != "$root" ] \
    || ! is_python_311 "$environment/bin/python"; then
    say "$name: making $environment with $python"
    rm -rf "$environment"
    "$python" -m venv "$environment"
    echo "$root" >"$environment/baton-place"
  fi
  rm -f "$environment/baton-stamp"
  python=$root/$environment/bin/python
  "$python" -m pip install --quiet --disable-pip-version-check --require-hashes \
    --requirement "$here/uv.txt" </dev/null
  say "$name: installing $(cat "${locks[@]}" | grep -c '^[A-Za-z0-9].*==') packages"
  (
    use_pip_settings "$python"
    export UV_NO_PROGRESS=1 UV_LINK_MODE=${UV_LINK_MODE:-copy}
    uv=(env -u VIRTUAL_ENV "$root/$environment/bin/uv")
    "${uv[@]}" pip sync --quiet --python "$python" --require-hashes "${locks[@]}" </dev/null
    if [ ${#editable[@]} -gt 0 ]; then
      "${uv[@]}" pip install --quiet --python "$python" --no-deps "${editable[@]}" </dev/null
    fi
  )
  echo "$content" >"$environment/baton-stamp"
  say "$name: ready"
}

# The lock with the tools for tests, which includes everything that running needs.
set_up_langchain() {
  set_up_environment langchain adapters/langchain/requirements-dev.txt \
    -- adapters/shared adapters/langchain
}

set_up_crewai() {
  set_up_environment crewai adapters/crewai/requirements-dev.txt \
    -- adapters/shared adapters/crewai
}

set_up_model() {
  set_up_environment model adapters/model/requirements.txt adapters/model/weights.txt
}

set_up_peers() { set_up_environment bench benchmarks/engine/peers/requirements.txt; }

# --- main --------------------------------------------------------------------------------------

parts=("$@")
[ ${#parts[@]} -gt 0 ] || parts=(system swift langchain crewai model)
for part in "${parts[@]}"; do
  case $part in
    system | bench | swift | langchain | crewai | model | peers) ;;
    *) fail "there is no part \"$part\"; known: system bench swift langchain crewai model peers" ;;
  esac
done

mkdir -p .cache
# Two at one time would write into the same environments.
if command -v flock >/dev/null; then
  exec 9>.cache/setup.lock
  flock 9
fi
for part in "${parts[@]}"; do "set_up_$part"; done
