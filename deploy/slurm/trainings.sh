# shellcheck shell=bash
# Trainings of this Slurm job on this machine: who they are, and how to ask them for a checkpoint. To be sourced.

# Their process ids, whatever process group or session they have.
trainings() {
  local process
  for process in $(pgrep -u "$(id -u)" -f 'padstal\.stages\.train_' || true); do
    if tr '\0' '\n' 2>/dev/null <"/proc/$process/environ" | grep -qx "SLURM_JOB_ID=${SLURM_JOB_ID:?}"; then
      echo "$process"
    fi
  done
}

# SIGTERM to each; returns when all have ended, or after CHECKPOINT_SECONDS (longest time for a step and its checkpoint).
end_trainings() {
  local asked deadline=$((SECONDS + ${CHECKPOINT_SECONDS:-120}))
  asked=$(trainings)
  # shellcheck disable=SC2086 # one word a process
  [ -z "$asked" ] || kill -TERM $asked 2>/dev/null || true
  while [ -n "$(trainings)" ] && ((SECONDS < deadline)); do sleep 1; done
}
