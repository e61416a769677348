"""Named random streams: what is drawn depends on a seed, a step or an index, and the stream's number, on nothing else.

So a run that was killed and resumed, and a batch that is divided or put together otherwise, draw what they would have.
"""

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import torch


def generator(*name: int) -> "torch.Generator":
    """A fresh generator on the CPU of the stream that integers ≥ 0 name, e.g. (seed, step, NOISE_STREAM)."""
    import torch

    state = np.random.SeedSequence(name).generate_state(1, np.uint64)[0]
    return torch.Generator().manual_seed(int(state) % 2**63)
