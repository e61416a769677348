#!/usr/bin/env bash
# Install what padstal's tests take from the distribution: Chromium, for the browser test. Does nothing where it is there.
set -euo pipefail

if command -v chromium >/dev/null; then
  [ "${1:-}" = --quiet ] || echo "system packages: all there"
  exit 0
fi
if ! command -v apt-get >/dev/null; then
  echo "missing: chromium; install it with your package manager" >&2
  exit 1
fi
as_root=()
[ "$(id -u)" -eq 0 ] || as_root=(sudo)
"${as_root[@]}" apt-get update -qq
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
  chromium fonts-dejavu-core >/dev/null
echo "system packages: installed chromium"
