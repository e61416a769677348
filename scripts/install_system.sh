#!/usr/bin/env bash
# Install what padstal takes from the distribution: Chromium (browser tests) and ffmpeg. Does nothing where both are there.
set -euo pipefail

missing=()
command -v chromium >/dev/null || missing+=(chromium)
command -v ffmpeg >/dev/null || missing+=(ffmpeg)
if [ ${#missing[@]} -eq 0 ]; then
  [ "${1:-}" = --quiet ] || echo "system packages: all there"
  exit 0
fi
if ! command -v apt-get >/dev/null; then
  echo "missing: ${missing[*]}; install them with your package manager" >&2
  exit 1
fi
as_root=()
[ "$(id -u)" -eq 0 ] || as_root=(sudo)
"${as_root[@]}" apt-get update -qq
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
echo "system packages: installed ${missing[*]}"
