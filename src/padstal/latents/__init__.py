"""Latents on disk, their statistics, and batches of them."""
