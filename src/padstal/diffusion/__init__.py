"""Denoisers of latents: what they learn, from what, and how they are kept (PADS-TAL 2.3, Stable Audio Open)."""
