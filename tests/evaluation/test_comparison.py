"""From measured cells to paths, rows and the matched table."""

from collections.abc import Mapping

import numpy as np
import pytest
from tests.evaluation.fakes import setting

from padstal.evaluation.comparison import PUBLISHED, as_json, choose, matched, row
from padstal.evaluation.grid import Cell
from padstal.evaluation.measure import Measured
from padstal.evaluation.metrics import METRICS
from padstal.evaluation.operating_points import Path, paths


def measured(clap_f: float, vendi: float) -> Measured:
    values: dict[str, float | None] = dict.fromkeys(METRICS, 1.5) | {"clap_f": clap_f, "vendi": vendi, "mrecall": None}
    draws = {name: np.full(100, value) for name, value in values.items() if value is not None}
    return Measured(values, draws, {}, 24, (0,), 1.0, 0.1, False)


def cell(*named: object, **changes: object) -> Cell:
    return Cell("audio_dit", setting(*named, **changes))  # type: ignore[arg-type]


SWEEP = {
    cell("none", w=7.0): measured(0.5, 3),
    cell("none", w=2.0): measured(0.2, 5),
    cell("cads", 0.1, 7.0): measured(0.46, 4),
    cell("cads", 0.3, 7.0): measured(0.3, 6),
    cell("pads", 0.1, 7.0): measured(0.48, 4),
    cell("pads", 0.3, 7.0): measured(0.4, 7),
}


def strengths(chosen: Mapping[Cell, Path]) -> dict[str, float]:
    return {path.label: one.setting.strength for one, path in chosen.items()}


def test_rows_show_the_most_diverse_strength_that_keeps_alignment_on_tune_prompts() -> None:
    chosen, rule = choose(paths(SWEEP), SWEEP, 0.9)
    assert strengths(chosen) == {"none": 0.0, "cads": 0.1, "pads": 0.1}
    assert [one.setting.w for one in chosen] == [7, 7, 7], "unperturbed where the others start"
    assert "90%" in rule
    assert strengths(choose(paths(SWEEP), SWEEP, 0.5)[0])["pads"] == 0.3


def test_without_tune_prompts_the_middle_strength_is_shown() -> None:
    chosen, rule = choose(paths(SWEEP), {}, 0.9)
    assert strengths(chosen)["cads"] == 0.1
    assert "no tune prompts" in rule


def test_methods_start_at_the_unperturbed_setting_and_the_unperturbed_system_goes_along_w() -> None:
    none, cads, pads = paths(SWEEP)
    for path in (cads, pads):
        assert [stop.cell.setting.strength for stop in path.stops] == [0.0, 0.1, 0.3]
    assert [stop.cell.setting.w for stop in none.stops] == [7.0, 2.0]
    assert as_json([pads])[0]["settings"] == [stop.cell.setting.id for stop in pads.stops]


@pytest.mark.parametrize(
    ("change", "labels"),
    [
        ({"tau1": 0.2}, ["pads τ1 = 0.5", "pads τ1 = 0.2"]),
        ({"solver": {"kind": "ddim"}}, ["pads solver.kind = dpmpp_2m", "pads solver.kind = ddim"]),
        ({"steps": 8}, ["pads steps = 16", "pads steps = 8"]),
    ],
)
def test_settings_that_differ_in_anything_but_strength_are_compared_as_paths_of_their_own(
    change: dict[str, object], labels: list[str]
) -> None:
    other = {cell("none", w=7.0, **change): measured(0.5, 3)}
    other |= {cell("pads", 0.1, 7.0, **change): measured(0.42, 5), cell("pads", 0.3, 7.0, **change): measured(0.3, 9)}
    found = [path for path in paths({**SWEEP, **other}) if path.method == "pads"]
    assert [path.label for path in found] == labels
    for path in found:
        assert [stop.cell.setting.strength for stop in path.stops] == [0.0, 0.1, 0.3]
        assert len({stop.cell.setting.steps for stop in path.stops}) == 1
    result = matched(
        paths({**SWEEP, **other}), fixed=None, position=0.5, seeds=3, baseline=("audio_dit", "pads"), level=0.9
    )
    assert [row["path"] for row in result["rows"] if row["method"] == "pads"] == labels
    assert result["baseline"]["path"] == labels[0]
    assert labels[1] in {difference["path"] for difference in result["differences"]}
    assert len(set(_labels(found, [*SWEEP, *other]))) == 4


def test_a_label_tells_nothing_that_its_system_always_has() -> None:
    pads = [path for path in paths(SWEEP) if path.method == "pads"]
    elsewhere = Cell("another", cell("pads", 0.1, 7.0, sigma_max=14.0).setting)
    assert _labels(pads, [*SWEEP, elsewhere]) == _labels(pads, list(SWEEP))
    assert not any("σ" in label for label in _labels(pads, [*SWEEP, elsewhere]))


def _labels(found: list[Path], among: list[Cell]) -> list[str]:
    some = SWEEP[cell("pads", 0.1, 7.0)]
    return [row(one, path, some, among, 0.9)["label"] for path in found for one in path.own]


def test_matched_has_rows_brackets_and_differences_against_the_baseline() -> None:
    how = {"position": 0.5, "seeds": 3, "baseline": ("audio_dit", "cads"), "level": 0.95}
    result = matched(paths(SWEEP), fixed=None, **how)  # type: ignore[arg-type]
    assert result["clap_f"] == pytest.approx(0.45)
    by_method = {row["method"]: row for row in result["rows"]}
    assert set(by_method) == {"cads", "pads", "none"}
    assert by_method["pads"]["vendi"] == pytest.approx(4 + 3 * 0.03 / 0.08)
    assert [end["clap_f"] for end in by_method["pads"]["bracket"]] == [0.48, 0.4]
    assert by_method["pads"]["tolerance"] == pytest.approx(0.03)
    assert by_method["pads"]["mrecall"] is None
    vendi = [d for d in result["differences"] if d["metric"] == "vendi" and d["method"] == "pads"]
    assert vendi[0]["difference"] == pytest.approx(by_method["pads"]["vendi"] - by_method["cads"]["vendi"])
    assert not [d for d in result["differences"] if d["method"] == "cads"]
    refused = matched(paths(SWEEP), fixed=None, **{**how, "seeds": 2})  # type: ignore[arg-type]
    assert refused["clap_f"] is None
    assert "2 sampling seeds" in refused["why"]
    assert refused["rows"] == []


def test_the_published_gains_are_those_of_the_slides() -> None:
    table = {(row["system"], row["method"]): row for row in PUBLISHED["rows"]}  # type: ignore[index]
    base, best = table["audio", "cads"], table["tal", "pads"]
    assert best["vendi"] / base["vendi"] - 1 == pytest.approx(0.154, abs=5e-4)
    assert best["mrecall"] / base["mrecall"] - 1 == pytest.approx(0.716, abs=2e-3)
