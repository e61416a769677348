#!/usr/bin/env bash
# What each node of train-nodes.sbatch does; Slurm's number of the node becomes Lightning's.
set -euo pipefail

: "${STAGE:?}" "${ITEM:?}" "${MASTER_ADDR:?}" "${MASTER_PORT:?}"
export NODE_RANK="${SLURM_NODEID:?}"
if [ "$NODE_RANK" -ne 0 ]; then
  exec python -m "padstal.stages.$STAGE" "$ITEM"
fi

# On the first node DVC must outlive the training, or Slurm would end the step before the checkpoint is written: SIGTERM
# goes to the training alone, and DVC ends with it.
# shellcheck source=deploy/slurm/trainings.sh
source deploy/slurm/trainings.sh
dvc --wait-for-lock repro --single-item --force "$STAGE@$ITEM" &
repro=$!
trap end_trainings TERM
status=0
wait "$repro" || status=$?
while kill -0 "$repro" 2>/dev/null; do # a signal interrupts `wait`
  status=0
  wait "$repro" || status=$?
done
exit "$status"
