"""How anything is trained: one loop, learning rates, averages, checkpoints, several processes."""
