import os
import subprocess
import sys

import pytest

FAULTS = """
import ctypes, resource
from padstal.core.allocation import keep_freed_memory
keep_freed_memory()
libc = ctypes.CDLL(None)
libc.malloc.restype, libc.free.argtypes = ctypes.c_void_p, [ctypes.c_void_p]
def step():
    block = libc.malloc(ctypes.c_size_t(64 * 2**20))
    ctypes.memset(block, 1, 64 * 2**20)
    libc.free(block)
step()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(10):
    step()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""
PAGES = 64 * 2**20 // os.sysconf("SC_PAGE_SIZE")


def faults(**variables: str) -> int:
    """Page faults of ten steps that each use a block of 64 MiB, after a first one."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("MALLOC_")}
    done = subprocess.run([sys.executable, "-c", FAULTS], env=clean | variables, capture_output=True, check=True)
    return int(done.stdout)


@pytest.mark.skipif(not hasattr(os, "confstr") or "glibc" not in str(os.confstr("CS_GNU_LIBC_VERSION")), reason="glibc")
def test_a_block_that_was_freed_costs_no_page_again_unless_a_variable_says_so() -> None:
    assert faults() < PAGES
    assert faults(MALLOC_TRIM_THRESHOLD_="131072") >= 10 * PAGES
