"""Sweeps at equal shares of their system's alignment, and the setting to choose."""

from dataclasses import replace

import numpy as np
import pytest
from tests.evaluation.fakes import setting

from padstal.evaluation.grid import Cell
from padstal.evaluation.measure import Measured
from padstal.evaluation.operating_points import paths
from padstal.evaluation.retention import at_retention, choose_setting, retentions

CHANCE = 0.1


def measured(clap_f: float, within: float, noise: float = 0.0) -> Measured:
    shared = noise * np.random.default_rng(0).standard_normal(200)
    values: dict[str, float | None] = {"clap_f": clap_f, "vendi_within": within, "fd": 100.0}
    draws = {"clap_f": clap_f + shared, "vendi_within": within + shared, "fd": np.full(200, 100.0)}
    return Measured(values, draws, {}, 24, (), 1.0, CHANCE, False)


def cell(system: str, method: str = "none", strength: float = 0.0, w: float = 4.0) -> Cell:
    return Cell(system, setting(method, strength, w))


# two models whose CLAP-f do not compare: .5 and .3 unperturbed, at the same chance
SWEEP = {
    cell("audio_dit"): measured(0.5, 1.0),
    cell("audio_dit", w=8.0): measured(0.52, 0.9),
    cell("audio_dit", w=1.0): measured(0.3, 2.0),
    cell("audio_dit", "pads", 0.1): measured(0.4, 2.0),
    cell("audio_dit", "pads", 0.3): measured(0.2, 4.0),
    cell("tal_dit"): measured(0.3, 1.0),
    cell("tal_dit", "pads", 0.1): measured(0.25, 3.0),
    cell("tal_dit", "pads", 0.3): measured(0.1, 5.0),
}


def test_retention_is_one_without_a_method_and_zero_at_chance() -> None:
    found = retentions(paths(SWEEP))
    assert found[cell("audio_dit")] == found[cell("tal_dit")] == 1
    assert found[cell("audio_dit", "pads", 0.1)] == pytest.approx(0.75)
    assert found[cell("tal_dit", "pads", 0.3)] == 0
    assert cell("audio_dit", w=8.0) not in found, "more guidance than where methods start is no way down"


def test_another_kind_of_guidance_is_held_against_the_systems_first_setting() -> None:
    weak = Cell("audio_dit", setting("none", 0.0, 2.0, guidance={"kind": "autoguidance", "w": 2.0}))
    assert retentions(paths({**SWEEP, weak: measured(0.4, 3.0)}))[weak] == pytest.approx(0.75)


def test_sweeps_of_models_whose_clap_f_differ_meet_at_a_share_of_their_own() -> None:
    found = at_retention(paths(SWEEP), [0.75], 1.0, 0.9)
    by_name = {(row["system"], row["method"]): row for row in found["rows"]}
    assert set(by_name) == {("audio_dit", "none"), ("audio_dit", "pads"), ("tal_dit", "pads")}
    assert by_name["audio_dit", "pads"]["vendi_within"] == pytest.approx(2.0)
    assert by_name["audio_dit", "none"]["vendi_within"] == pytest.approx(1.5), "guidance is a sweep as well"
    assert by_name["tal_dit", "pads"]["vendi_within"] == pytest.approx(3.0)
    (alone,) = [row for row in found["refused"] if row["system"] == "tal_dit"]
    assert "100%" in alone["why"], "one setting leads nowhere"


def test_a_wide_bracket_is_refused_and_names_its_settings() -> None:
    found = at_retention(paths(SWEEP), [0.9], 0.2, 0.9)
    assert found["rows"] == []
    why = [row["why"] for row in found["refused"] if row["system"] == "tal_dit" and row["method"] == "pads"]
    assert why == ["none w = 4 and pads s = 0.1, w = 4 lie 25% apart, more than 20%: sweep values between them"]


def test_the_area_is_the_mean_over_the_whole_way_down_to_half() -> None:
    area = at_retention(paths(SWEEP), [0.9], 1.0, 0.9)["area"]
    by_name = {(row["system"], row["method"]): row for row in area if row["metric"] == "vendi_within"}
    # 1 at r = 1, 2 at .75, 3 at .5 along straight lines
    assert by_name["audio_dit", "pads"]["value"] == pytest.approx(2.0)
    assert ("tal_dit", "none") not in by_name


def test_each_draw_has_the_alignment_of_its_own_prompts() -> None:
    noisy = {one: replace(own, draws=measured(own.values["clap_f"] or 0, own.values["vendi_within"] or 0, 0.02).draws)
             for one, own in SWEEP.items()}  # fmt: skip
    found = at_retention(paths(noisy), [0.75], 1.0, 0.9)
    low, high = next(row["intervals"]["vendi_within"] for row in found["rows"] if row["method"] == "pads")
    assert low < 2.0 < high


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"clap_f_chance": 0.6}, "not above chance"),
        ({"clap_f_chance": None}, "chance needs two"),
    ],
)
def test_a_system_without_alignment_of_its_own_is_refused(change: dict[str, float | None], why: str) -> None:
    sweep = {one: replace(own, **change) for one, own in SWEEP.items()}
    found = at_retention(paths(sweep), [0.9], 1.0, 0.9)
    assert found["rows"] == []
    assert all(why in row["why"] for row in found["refused"])


ROWS = [
    {"system": "a", "retention": 1.0, "vendi_within": 1.0, "ibs": 0.9, "setting": "plain"},
    {"system": "a", "retention": 0.92, "vendi_within": 2.0, "ibs": 0.5, "setting": "weak"},
    {"system": "a", "retention": 0.6, "vendi_within": 5.0, "ibs": 0.2, "setting": "strong"},
    {"system": "b", "retention": 0.95, "vendi_within": 9.0, "ibs": 0.1, "setting": "other"},
]


def test_the_most_diverse_setting_that_keeps_enough_comes_first() -> None:
    assert [row["setting"] for row in choose_setting({"sweep": ROWS}, "a", 0.9, "vendi_within")] == ["weak", "plain"]
    assert choose_setting({"sweep": ROWS}, "a", 0.5, "ibs")[0]["setting"] == "strong", (
        "less similarity is more diversity"
    )


@pytest.mark.parametrize(
    ("system", "retain", "by", "message"),
    [
        ("c", 0.9, "vendi", r"'c'.*dvc repro evaluate"),
        ("a", 1.1, "vendi_within", r"keeps 110%.*most is 100%"),
        ("a", 0.9, "fd", r"'fd'.*expected one of coverage, ibs, mrecall, vendi, vendi_within"),
    ],
)
def test_what_cannot_be_chosen_is_said(system: str, retain: float, by: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        choose_setting({"sweep": ROWS}, system, retain, by)
