"""What holds of several trainings of one system."""

from dataclasses import replace

import numpy as np
import pytest
from tests.evaluation.test_comparison import cell, measured

from padstal.evaluation.grid import Cell
from padstal.evaluation.measure import Measured
from padstal.evaluation.trainings import draw_weights, over_trainings, pool

FIRST, METHOD = cell("none", w=7.0), cell("cads", 0.1, 7.0)


def trained(*vendi: float, gain: float = 1.0) -> dict[Cell, Measured]:
    """A system a value, whose method has `gain` more Vendi than that."""
    found = {}
    for number, one in enumerate(vendi):
        system = FIRST.system if number == 0 else f"seed{number}"
        found[Cell(system, FIRST.setting)] = measured(0.5, one)
        found[Cell(system, METHOD.setting)] = measured(0.4, one + gain)
    return found


def test_a_figure_is_the_mean_over_trainings_and_counts_all_samples() -> None:
    pooled = pool(trained(3, 4, 8), [FIRST.system, "seed1", "seed2"], 0)
    assert pooled[FIRST].values["vendi"] == pytest.approx(5)
    assert pooled[FIRST].values["mrecall"] is None
    assert "mrecall" not in pooled[FIRST].draws
    assert pooled[FIRST].clips == 3 * 24


def test_a_setting_that_one_training_lacks_is_left_out() -> None:
    cells = trained(3, 4)
    del cells[Cell("seed1", METHOD.setting)]
    assert list(pool(cells, [FIRST.system, "seed1"], 0)) == [FIRST]


def test_draws_of_trainings_have_the_variance_of_a_mean_of_so_many() -> None:
    value_K = np.array([3.0, 4.0, 8.0])
    weights_RK = draw_weights(3, 200_000, 0)
    assert weights_RK.sum(axis=1) == pytest.approx(1)
    assert (weights_RK @ value_K).var() == pytest.approx(value_K.var(ddof=1) / 3, rel=0.02)


def test_one_training_has_the_draws_that_it_had() -> None:
    moved_R, one = np.random.default_rng(0).normal(size=50), measured(0.5, 3)
    pooled = pool({FIRST: replace(one, draws=one.draws | {"vendi": moved_R})}, [FIRST.system], 0)
    assert pooled[FIRST].draws["vendi"] == pytest.approx(moved_R)


def test_what_all_trainings_share_leaves_the_interval_of_a_difference() -> None:
    [told] = over_trainings(trained(3, 4, 8, gain=0.5), {FIRST.system: ["seed1", "seed2"]}, 0.95, 0)
    assert told["trainings"] == [FIRST.system, "seed1", "seed2"]
    [row] = told["differences"]
    assert row["vendi"] == pytest.approx(0.5)
    assert row["intervals"]["vendi"] == pytest.approx([0.5, 0.5])
    low, high = told["sweep"][0]["intervals"]["vendi"]
    assert low < 4 < 6 < high, "trainings differ"


def test_a_system_without_samples_is_named() -> None:
    with pytest.raises(ValueError, match="no samples of seed7"):
        over_trainings(trained(3), {FIRST.system: ["seed7"]}, 0.95, 0)
