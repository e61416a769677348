"""padstal: from a pile of music to a text-to-music model whose quality, alignment and diversity are measured."""

import os

__version__ = "0.1.0"

# OpenMP's threads wait for one another in a loop, and on a busy machine the one that is waited for gets no core: a
# training step took 1,811 ms in place of 193. The library reads this when it is loaded, so it comes before torch.
if not {"GOMP_SPINCOUNT", "OMP_WAIT_POLICY"} & os.environ.keys():
    os.environ["GOMP_SPINCOUNT"] = "1000"
