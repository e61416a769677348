"""Alignment, diversity and quality of generated music, and their comparison at equal alignment (PADS-TAL 3)."""
