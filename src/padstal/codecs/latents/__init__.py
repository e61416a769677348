"""Latents on disk: one array, an index, statistics that normalise it, and batches of it."""
