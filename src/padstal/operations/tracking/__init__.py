"""The record of runs in Weights & Biases; the only package that imports `wandb`."""
