#!/usr/bin/env bash
# Install what padstal's tests take from the distribution: Chromium, for the browser test, and PostgreSQL, for the Prefect
# server's. Does nothing where they are there.
set -euo pipefail

if command -v chromium >/dev/null && { command -v initdb || ls /usr/lib/postgresql/*/bin/initdb; } >/dev/null 2>&1; then
  [ "${1:-}" = --quiet ] || echo "system packages: all there"
  exit 0
fi
if ! command -v apt-get >/dev/null; then
  echo "missing: chromium or postgresql; install them with your package manager" >&2
  exit 1
fi
as_root=()
[ "$(id -u)" -eq 0 ] || as_root=(sudo)
"${as_root[@]}" apt-get update -qq
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
  chromium fonts-dejavu-core postgresql >/dev/null
echo "system packages: installed chromium and postgresql"
