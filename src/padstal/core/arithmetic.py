"""How processors compute: the same instructions on each, and threads that do not wait in the way of others.

Sums depend on the width of vectors. Held to AVX2 (and to float32 by params, since bf16 is emulated there), x86-64
machines agree as far as they can; without, one commit gave models whose CLAP-f was 0.35 on one machine and 0.27 on
another. Threads that wait actively starve each other as soon as a machine has other work. A variable that is set
already wins.
"""

import os
import platform
from collections.abc import MutableMapping

INSTRUCTIONS = {"ATEN_CPU_CAPABILITY": "avx2", "ONEDNN_MAX_CPU_ISA": "AVX2", "MKL_CBWR": "AVX2,STRICT"}
"""What PyTorch, oneDNN and MKL read at their first call; strict: a row of a product is the same in any place of it."""
SPIN_COUNT = "1000"
"""Rounds that a thread of OpenMP waits actively: beside four busy processes a training step took 0.2 s, not 1.8 s."""


def settle(environment: MutableMapping[str, str] = os.environ) -> None:
    """Set what is not set yet; only right before torch is imported."""
    if platform.machine().lower() in ("x86_64", "amd64"):
        for name, value in INSTRUCTIONS.items():
            environment.setdefault(name, value)
    if "OMP_WAIT_POLICY" not in environment:
        environment.setdefault("GOMP_SPINCOUNT", SPIN_COUNT)
