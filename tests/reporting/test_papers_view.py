"""The two papers' own tables: quality levels, and the way from coarse to fine."""

import json
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
from tests.diffusion.fakes import setting

from padstal.core.paths import Paths
from padstal.reporting.ablations_view import ablations_table
from padstal.reporting.inputs import Inputs, SampleSet, read_inputs
from padstal.reporting.papers_view import coarse_tables, quality_correlations, quality_rows, quality_table
from padstal.reporting.results_view import results_table

SYSTEMS = {
    "qa_mdt": {"kind": "qa_mdt", "codec": "mel", "denoiser": "qa_mdt"},
    "discodiff": {"kind": "discodiff", "codec": "dac", "denoiser": "discodiff"},
}


def levels(*scores: float, guided: float | None = None) -> Inputs:
    """Settings that ask for level 1, 2, … and got these p-MOS; one more with other guidance."""
    told = [setting(attributes={"quality": float(level + 1)}) for level in range(len(scores))]
    rows = [
        {"system": "qa_mdt", "method": "none", "setting": one.id, "pmos": score, "n": 4}
        for one, score in zip(told, scores, strict=True)
    ]
    if guided is not None:
        told.append(setting(attributes={"quality": 5.0}, guidance={"kind": "quality", "w": 1.0}))
        rows.append({"system": "qa_mdt", "method": "none", "setting": told[-1].id, "pmos": guided, "n": 4})
    rows.append({"system": "audio_dit", "method": "none", "setting": "other", "pmos": 3.0, "n": 4})
    audio: Any = SimpleNamespace()
    sampled = SampleSet("qa_mdt", pd.DataFrame(), {one.id: one for one in told}, None, audio)
    return Inputs("demo", {}, {"evaluate": {"sweep": rows}}, {}, samples=(sampled,), systems=SYSTEMS)


def test_the_correlation_of_level_and_score_is_spearmans() -> None:
    for scores, rank in (((1.0, 2.0, 3.0), "1.00"), ((3.0, 2.0, 1.0), "−1.00"), ((2.0, 2.0, 2.0), "0.000")):
        [row] = quality_correlations(levels(*scores)).rows
        assert row[:2] == ("p-MOS", rank)
    assert quality_correlations(levels(1.0, 2.0)).rows == ()


def test_a_setting_with_other_guidance_is_no_further_level() -> None:
    table = quality_correlations(levels(1.0, 2.0, 3.0, guided=0.5))
    assert table.head == ("measure", "ρ", "level 1", "level 2", "level 3")
    assert table.rows == (("p-MOS", "1.00", "1.00", "2.00", "3.00"),)


def test_what_is_measured_of_the_signal_stands_beside_the_score() -> None:
    inputs = levels(1.0, 2.0, 3.0)
    for row, floor in zip(inputs.evaluation["sweep"], (-30.0, -40.0, -50.0), strict=False):
        row["noise_floor"] = floor
    assert [row[1] for row in quality_correlations(inputs).rows] == ["1.00", "−1.00"]
    assert "noise floor" in quality_table(inputs).head
    assert "noise floor" not in results_table(quality_rows(inputs)).head


def test_the_table_of_levels_has_the_quality_aware_systems_settings_alone() -> None:
    assert len(quality_table(levels(1.0, 2.0, 3.0)).rows) == 3


def test_a_published_ablation_has_this_runs_figures_where_it_is_the_same_system() -> None:
    rows = [
        {
            "system": "qa_mdt",
            "pmos": level + extra,
            "record": {"guidance": {"kind": kind}, "attributes": {"quality": level}},
        }
        for kind, extra in (("cfg", 0.0), ("quality", 0.5))
        for level in (1.0, 2.0)
    ]
    backbone = {"kind": "mdt", "patch": [4, 2], "overlap": [0, 0]}
    section = {"form": {"backbone": backbone}, "captions": "generated", "objective": {"high": 0.5}}
    inputs = Inputs(
        "demo", {"train_diffusion": {"qa_mdt": section}}, {"evaluate": {"sweep": rows}}, {}, systems=SYSTEMS
    )
    table = ablations_table(inputs)
    at = table.head.index("p-MOS")
    found = {row[:2]: row[at] for row in table.rows if row[at] != "–"}
    assert found == {
        ("captions (1)", "MDT, generated"): "2.00",
        ("patches (A.3)", "MDT, 4 frames × 2 bands, overlap 0 × 0"): "2.00",
        ("guidance (A.4)", "text alone"): "2.00",
        ("guidance (A.4)", "quality"): "2.50",
    }
    assert ablations_table(Inputs("demo", {}, {}, {})).rows == ()


def measured(value: float) -> Mapping[str, Any]:
    return {"value": value, "interval": [value - 0.1, value + 0.1]}


def test_each_step_from_coarse_to_fine_stands_beside_the_papers_figures() -> None:
    row = {name: measured(0.5) for name in ("fd", "clap_f", "mel_l1", "genre")}
    found = {"n": 60, "commonest_genre": 0.2, "kinds": {"round_trip": row, "primary_alone": row}}
    inputs = Inputs("demo", {}, {"evaluate": {"coarse_to_fine": {"discodiff": found}}}, {}, systems=SYSTEMS)
    [(caption, table)] = coarse_tables(inputs)
    assert "60 held-out clips" in caption
    first, second = table.rows
    assert first[0] == "the codec alone"
    assert first[-2:] == ("1.1", "0.46")
    assert second[-2:] == ("–", "–")


def test_two_denoisers_in_one_folder_are_two_models_of_their_system(tmp_path: Path) -> None:
    paths = Paths(tmp_path, "demo")
    (tmp_path / "params.yaml").write_text(json.dumps({"scale": "demo", "systems": SYSTEMS}))
    for name in ("discodiff/primary", "discodiff/secondary", "qa_mdt"):
        paths.diffusion(name).mkdir(parents=True)
        (paths.diffusion(name) / "config.json").write_text("{}")
    inputs = read_inputs(paths, {})
    assert [model.name for model in inputs.models] == ["discodiff_primary", "discodiff_secondary", "qa_mdt"]
    assert inputs.systems_with("discodiff_secondary") == ["discodiff"]
    assert inputs.systems_with("qa_mdt") == ["qa_mdt"]
