#!/usr/bin/env bash
# Installs what the tests need and this machine lacks, builds the solution, runs all tests.
# Arguments go to dotnet test, such as: ./test.sh --filter-class '*Drain*'
set -euo pipefail
cd "$(dirname "$0")"

say() { printf '\n== %s\n' "$*"; }

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi
}

install_debian_packages() {
  say "Installing $* (Debian packages)"
  as_root apt-get update -q && as_root env DEBIAN_FRONTEND=noninteractive apt-get install -yq --no-install-recommends "$@"
}

# Node.js of the version the packages need is one of them; the machine's own only installs.
install_node_packages() {
  local installed=tests/npm/node_modules/.package-lock.json
  [ "$installed" -nt tests/npm/package-lock.json ] && return
  say 'Installing tests/npm (npm ci)'
  npm ci --prefix tests/npm --no-audit --no-fund --loglevel=error
  touch "$installed"
}

missing=()
command -v node >/dev/null || missing+=(nodejs)
command -v npm >/dev/null || missing+=(npm)
command -v redis-server >/dev/null || command -v valkey-server >/dev/null || missing+=(redis-server)
if [ ${#missing[@]} -gt 0 ] && command -v apt-get >/dev/null; then
  install_debian_packages "${missing[@]}" || say "Could not install ${missing[*]}: tests that need them are skipped (with CI=true they fail)"
fi
if command -v npm >/dev/null; then
  install_node_packages
else
  say 'No npm: tests that need Node.js are skipped (with CI=true they fail)'
fi

say 'Building Agents.sln'
dotnet build Agents.sln --nologo -v quiet

say 'Running the tests'
# One module at a time: many start processes and wait for them, and would starve each other on a small machine.
# A module that hangs fails after 15 minutes.
dotnet test --solution Agents.sln --no-build --max-parallel-test-modules 1 --timeout 15m --ignore-exit-code 8 "$@"
