"""Results come in order from any number of processes, and one item's crash is that item's alone.

Workers run `eval` of the standard library: a spawned process cannot import a test module.
"""

import os

import pytest

from padstal.audio.parallel import Workers, ordered_map

CRASH = "__import__('os')._exit(1)"


def test_one_process_maps_here():
    assert list(ordered_map(eval, ["1 + 1", "2 * 3"], workers=Workers(1))) == [2, 6]
    with pytest.raises(ZeroDivisionError):
        list(ordered_map(eval, ["1", "1 / 0"], workers=Workers(1)))


def test_a_crash_is_contained_and_order_and_threads_are_kept(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    items = ["1 + 1", CRASH, "__import__('time').sleep(0.05) or 3", "__import__('os').environ['OMP_NUM_THREADS']"]
    found = list(ordered_map(eval, items, workers=Workers(2), crashed=lambda item: f"crashed: {item}"))
    assert found == [2, f"crashed: {CRASH}", 3, "1"]
    assert os.environ["OMP_NUM_THREADS"] == "7"
