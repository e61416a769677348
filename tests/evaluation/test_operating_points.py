"""Comparison at matched CLAP-f."""

import numpy as np
import pytest
from tests.evaluation.fakes import setting

from padstal.evaluation.grid import Cell
from padstal.evaluation.measure import Measured
from padstal.evaluation.operating_points import Path, Stop, contrast, crossing, match


def path(method: str, clap_f: list[float], vendi: list[float], noise: float = 0.0, draws: int = 400) -> Path:
    """Settings whose draws are the values plus noise shared by all paths (a draw's prompts are hard for all)."""
    shared = noise * np.random.default_rng(0).standard_normal(draws)
    own = np.random.default_rng(len(method)).standard_normal((len(clap_f), draws)) * noise
    stops = []
    for number, (c, v) in enumerate(zip(clap_f, vendi, strict=True)):
        draws_of = {"clap_f": c + 0.1 * shared, "vendi": v + shared + 0.1 * own[number]}
        measured = Measured({"clap_f": c, "vendi": v, "mrecall": None}, draws_of, {}, 12, (), 1.0, 0.0, False)
        cell = Cell("audio_dit", setting(method, 0.1 * number) if number else setting())
        stops.append(Stop(cell, measured))
    return Path(method, tuple(stops))


def test_a_metric_is_interpolated_linearly_between_the_bracketing_settings() -> None:
    paths = [path("cads", [0.4, 0.3, 0.1], [2, 4, 8]), path("pads", [0.4, 0.2], [3, 5])]
    result = match(paths, 0.25, 0.5, seeds=3)
    cads, pads = result.points
    assert cads.values["vendi"] == pytest.approx(5)
    assert pads.values["vendi"] == pytest.approx(4.5)
    assert cads.values["clap_f"] == pytest.approx(0.25)
    assert [end.clap_f for end in cads.bracket] == [0.3, 0.1]
    assert "mrecall" not in cads.values


def test_each_draw_is_interpolated_as_the_estimate_is() -> None:
    point = match([path("cads", [0.4, 0.3, 0.1], [2, 4, 8])], 0.35 + 0.025, 0.5, seeds=3).points[0]
    assert point.values["vendi"] == pytest.approx(2.5)
    np.testing.assert_allclose(point.draws["vendi"], 2.5)
    assert point.bracketed_share == 1


def test_a_measured_setting_at_the_target_is_taken_as_it_is() -> None:
    result = match([path("cads", [0.4, 0.3, 0.1], [2, 4, 8])], 0.3, 0.5, seeds=3)
    assert result.points[0].values["vendi"] == pytest.approx(4)


def test_nothing_is_extrapolated() -> None:
    paths = [path("cads", [0.4, 0.3], [2, 4]), path("pads", [0.28, 0.2], [3, 5])]
    result = match(paths, None, 0.5, seeds=3)
    assert result.target is None
    assert "audio_dit cads spans [0.3000, 0.4000]" in result.why
    fixed = match(paths, 0.35, 0.5, seeds=3)
    assert [point.path.method for point in fixed.points] == ["cads"]
    assert "does not reach 0.3500" in fixed.why
    assert match(paths, 0.9, 0.5, seeds=3).target is None


def test_the_target_lies_in_the_range_that_all_paths_span() -> None:
    paths = [path("cads", [0.4, 0.1], [2, 4]), path("pads", [0.36, 0.26], [3, 5])]
    for position, target in ((0, 0.26), (0.5, 0.31), (1, 0.36)):
        result = match(paths, None, position, seeds=3)
        assert result.target == pytest.approx(target)
        assert len(result.points) == 2


def test_fewer_than_three_seeds_or_two_settings_are_refused() -> None:
    good = path("cads", [0.4, 0.1], [2, 4])
    assert "at least 3" in match([good], None, 0.5, seeds=2).why
    assert "at least 2" in match([good, path("pads", [0.3], [2])], None, 0.5, seeds=3).why


def test_a_path_that_turns_back_is_read_at_its_weakest_crossing() -> None:
    j, u = crossing(np.array([[0.4, 0.2, 0.4, 0.1]]), np.array([0.3]))
    assert (j[0], u[0]) == (0, pytest.approx(0.5))


def test_crossings_agree_with_numpys_interpolation_on_falling_paths() -> None:
    generator = np.random.default_rng(2)
    clap = np.sort(generator.random((200, 5)), axis=1)[:, ::-1]
    target = clap[:, -1] + generator.random(200) * (clap[:, 0] - clap[:, -1])
    j, u = crossing(clap, target)
    oracle = [np.interp(-t, -c, np.arange(5)) for c, t in zip(clap, target, strict=True)]
    np.testing.assert_allclose(j + u, oracle)


def test_differences_are_paired() -> None:
    cads, pads = path("cads", [0.5, 0.1], [2, 4], noise=0.5), path("pads", [0.5, 0.1], [3, 5], noise=0.5)
    result = match([cads, pads], 0.3, 0.5, seeds=3)
    base, other = result.points
    found = contrast(other, base, "vendi", 0.95)
    assert found is not None
    assert found.difference == pytest.approx(1)
    assert found.share == pytest.approx(1 / 3)
    alone, together = other.interval("vendi", 0.95), found.interval
    assert alone is not None
    assert together is not None
    assert together[1] - together[0] < 0.5 * (alone[1] - alone[0])
    assert together[0] > 0


def test_no_interval_where_many_draws_miss_the_target() -> None:
    result = match([path("cads", [0.4, 0.3], [2, 4], noise=2.0)], 0.31, 0.5, seeds=3)
    point = result.points[0]
    assert point.bracketed_share < 0.9
    assert point.interval("vendi", 0.95) is None
    assert contrast(point, point, "mrecall", 0.95) is None
