"""Memory where models run: what a step frees is kept for the next one.

A step allocates and frees the same large blocks over and over. glibc hands each back to the system and asks for it
anew, page by page: up to a quarter of a training step on 2 quiet virtual cores, and half of it on busy ones.
"""

import ctypes
import os

TRIM_THRESHOLD = -1
"""`M_TRIM_THRESHOLD` of glibc's mallopt; its value −1 never hands back the top of the heap."""
MMAP_MAX = -4
"""`M_MMAP_MAX`: how many blocks may be mapped for themselves, outside the heap."""


def keep_freed_memory() -> None:
    """Have malloc keep what is freed. Nothing changes where a variable sets it already, nor in other C libraries."""
    if any(name.startswith("MALLOC_") for name in os.environ):
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(TRIM_THRESHOLD, -1)
        mallopt(MMAP_MAX, 0)
