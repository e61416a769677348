#!/usr/bin/env bash
# Run the pipeline of a revision on this machine, in a worktree with this checkout's DVC cache, and tag what it gives as
# `reproduced-base`, so that a comparison has both sides from one machine. What head has in common with it, head then finds
# in the cache.
set -euo pipefail

root=$(git rev-parse --show-toplevel)
base=$root/.workspaces/reproduced-base
trap 'git -C "$root" worktree remove --force "$base"' EXIT
git worktree add --quiet --detach "$base" "$1"
cd "$base"
export PYTHONPATH=$base/src
dvc config --local cache.dir "$root/.dvc/cache"
padstal scan
dvc repro
git add --all
git -c user.name=padstal -c user.email=padstal@localhost commit --quiet --no-verify --allow-empty --message "Reproduce $1 here"
git tag --force reproduced-base
