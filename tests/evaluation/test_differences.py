"""Each setting against the one that it departs from."""

from dataclasses import replace

import numpy as np
import pytest
from tests.evaluation.test_comparison import cell, measured

from padstal.evaluation.differences import departs_from, differences
from padstal.evaluation.grid import Cell


def test_a_method_departs_from_its_own_model_unperturbed() -> None:
    first, weak, method = cell("none", w=7.0), cell("none", w=2.0), cell("cads", 0.1, 2.0)
    assert departs_from(method, [first, method, weak]) == weak


def test_a_guidance_departs_from_the_one_before_it_at_the_same_w() -> None:
    first, told, negative, quality = (
        cell("none", w=w, guidance={"kind": kind, "w": w})
        for w, kind in ((2.0, "cfg"), (1.0, "cfg"), (1.0, "negative_prompt"), (1.0, "quality"))
    )
    order = [first, negative, quality]
    assert departs_from(quality, order) == negative
    assert departs_from(negative, order) == first
    assert departs_from(quality, [first, told, negative, quality]) == told


def test_all_else_departs_from_the_systems_first_which_departs_from_nothing() -> None:
    first, level = (cell("none", w=2.0, attributes={"quality": one}) for one in (5.0, 1.0))
    other = Cell("other", first.setting)
    assert departs_from(level, [other, first, level]) == first
    assert departs_from(first, [other, first, level]) is None


def test_a_difference_is_paired_so_that_what_all_prompts_share_leaves_its_interval() -> None:
    moved_R = np.random.default_rng(0).normal(size=100)
    first, method = (
        replace(one, draws=one.draws | {"vendi": one.values["vendi"] + moved_R})
        for one in (measured(0.5, 3), measured(0.4, 5))
    )
    cells = {cell("none", w=7.0): first, cell("cads", 0.1, 7.0): method}
    [row] = differences(cells, 0.95)
    assert row["vendi"] == 2
    assert row["clap_f"] == pytest.approx(-0.1)
    assert "mrecall" not in row
    low, high = row["intervals"]["vendi"]
    assert high - low == pytest.approx(0)
    assert row["label"] == "cads s = 0.1, w = 7 against none w = 7"
