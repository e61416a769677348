"""From settings to rows and the matched table."""

import numpy as np
import pytest

from padstal.evaluation.comparison import PUBLISHED, choose, matched, paths
from padstal.evaluation.grid import Key
from padstal.evaluation.measure import METRICS, Measured


def measured(clap_f: float, vendi: float) -> Measured:
    values: dict[str, float | None] = dict.fromkeys(METRICS, 1.5) | {"clap_f": clap_f, "vendi": vendi, "mrecall": None}
    draws = {name: np.full(100, value) for name, value in values.items() if value is not None}
    return Measured(values, draws, {}, 24, (0,), 1.0, False)


SWEEP = {
    Key("audio_dit", "none", 0.0, 7.0): measured(0.5, 3),
    Key("audio_dit", "none", 0.0, 2.0): measured(0.2, 5),
    Key("audio_dit", "cads", 0.1, 7.0): measured(0.46, 4),
    Key("audio_dit", "cads", 0.3, 7.0): measured(0.3, 6),
    Key("audio_dit", "pads", 0.1, 7.0): measured(0.48, 4),
    Key("audio_dit", "pads", 0.3, 7.0): measured(0.4, 7),
}


def test_rows_show_the_most_diverse_strength_that_keeps_alignment_on_tune_prompts() -> None:
    chosen, rule = choose(SWEEP, list(SWEEP), 0.9)
    assert {method[1]: key.strength for method, key in chosen.items()} == {"none": 0.0, "cads": 0.1, "pads": 0.1}
    assert chosen["audio_dit", "none"].guidance == 7
    assert "90%" in rule
    assert choose(SWEEP, list(SWEEP), 0.5)[0]["audio_dit", "pads"].strength == 0.3


def test_without_tune_prompts_the_middle_strength_is_shown() -> None:
    chosen, rule = choose({}, list(SWEEP), 0.9)
    assert chosen["audio_dit", "cads"].strength == 0.1
    assert "no tune prompts" in rule


def test_methods_start_at_the_unperturbed_setting_and_the_unperturbed_model_goes_along_guidance() -> None:
    compared, others = paths(SWEEP)
    assert [[s.strength for s in path.settings] for path in compared] == [[0.0, 0.1, 0.3], [0.0, 0.1, 0.3]]
    assert [s.guidance for s in others[0].settings] == [7.0, 2.0]


def test_matched_has_rows_brackets_and_differences_against_the_baseline() -> None:
    how = {"position": 0.5, "seeds": 3, "baseline": ("audio_dit", "cads"), "level": 0.95}
    result = matched(SWEEP, fixed=None, **how)  # type: ignore[arg-type]
    assert result["clap_f"] == pytest.approx(0.45)
    by_method = {row["perturbation"]: row for row in result["rows"]}
    assert set(by_method) == {"cads", "pads", "none"}
    assert by_method["pads"]["vendi"] == pytest.approx(4 + 3 * 0.03 / 0.08)
    assert [end["clap_f"] for end in by_method["pads"]["bracket"]] == [0.48, 0.4]
    assert by_method["pads"]["tolerance"] == pytest.approx(0.03)
    assert by_method["pads"]["mrecall"] is None
    vendi = [d for d in result["differences"] if d["metric"] == "vendi" and d["perturbation"] == "pads"]
    assert vendi[0]["difference"] == pytest.approx(by_method["pads"]["vendi"] - by_method["cads"]["vendi"])
    assert not [d for d in result["differences"] if d["perturbation"] == "cads"]
    refused = matched(SWEEP, fixed=None, **{**how, "seeds": 2})  # type: ignore[arg-type]
    assert refused["clap_f"] is None
    assert "2 sampling seeds" in refused["why"]
    assert refused["rows"] == []


def test_the_published_gains_are_those_of_the_slides() -> None:
    table = {(row["model"], row["perturbation"]): row for row in PUBLISHED["rows"]}  # type: ignore[index]
    base, best = table["audio", "cads"], table["tal", "pads"]
    assert best["vendi"] / base["vendi"] - 1 == pytest.approx(0.154, abs=5e-4)
    assert best["mrecall"] / base["mrecall"] - 1 == pytest.approx(0.716, abs=2e-3)
