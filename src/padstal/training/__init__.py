"""How anything is trained: batches, streams, learning rates, averages, several processes."""
