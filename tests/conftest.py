"""What all tests share."""

import gc
import os
import pickle
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
import typer.testing
import yaml
from hypothesis import settings

import padstal  # noqa: F401 (before torch, so that it computes as in stages)
from padstal.core import params
from padstal.core.allocation import keep_freed_memory
from padstal.core.yaml_text import parse_yaml

if "PYTEST_XDIST_WORKER" in os.environ:
    # each worker has a core: threads beyond that would wait for one another, busily
    os.environ.setdefault("OMP_NUM_THREADS", "1")

keep_freed_memory()  # as stages do

# first calls compile kernels and import libraries, and CI's machines are busy: a time limit a call says nothing
settings.register_profile("padstal", deadline=None)
settings.load_profile("padstal")


# `params.yaml` as it is in the repository is read hundreds of times
_parsed = cache(lambda text: pickle.dumps(parse_yaml(text)))
params.parse_yaml = lambda text: pickle.loads(_parsed(text))
yaml.SafeLoader, yaml.SafeDumper = yaml.CSafeLoader, yaml.CSafeDumper
# and padstal's commands are called hundreds of times, each time made of all their functions' signatures
typer.testing._get_command = cache(typer.testing._get_command)  # type: ignore[attr-defined]


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """Modules and tests stay to the end: nobody looks for garbage among them, nor do copies of this process."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files that may take longest come first, so that no worker waits for another's last file."""
    longest: defaultdict[Path, float] = defaultdict(float)
    for item in items:
        if item.get_closest_marker("slow"):
            limit = item.get_closest_marker("timeout")
            longest[item.path] += limit.args[0] if limit else 1
    items.sort(key=lambda item: -longest[item.path])
