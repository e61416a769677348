"""What all tests share."""

import os

from hypothesis import settings

import padstal  # noqa: F401 - sets how briefly OpenMP's threads wait for one another, before anything loads torch

if "PYTEST_XDIST_WORKER" in os.environ:
    # each worker has a core: threads beyond that would wait for one another, busily
    os.environ.setdefault("OMP_NUM_THREADS", "1")

# first calls compile kernels and import libraries, and CI's machines are busy: a time limit a call says nothing
settings.register_profile("padstal", deadline=None)
settings.load_profile("padstal")
