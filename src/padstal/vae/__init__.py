"""Autoencoders: audio alone (Stable Audio Open) and text-aware (PADS-TAL 2.2)."""
