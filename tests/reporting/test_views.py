"""What the sections show."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from tests.evaluation.fakes import setting

from padstal.core.data.atomic import write_json
from padstal.core.paths import Paths
from padstal.evaluation.metrics import METRICS
from padstal.reporting import captions_view, checks_view, data_view, listen_view, results_view, training_view
from padstal.reporting.inputs import Inputs, read_inputs
from padstal.reporting.text import words


def test_a_difference_is_strong_where_its_interval_leaves_out_0() -> None:
    intervals = {"fd": [-6.0, -4.0], "vendi": [-0.1, 0.5]}
    row = {"system": "audio_dit", "method": "cads", "n": 4, "fd": -5.0, "vendi": 0.2, "intervals": intervals}
    tables = [table for _, table in results_view.differences_tables({"differences": [row]})]
    cells = [cell for table in tables for cell in zip(table.head, table.rows[0], strict=True)]
    looks = {name: getattr(cell, "look", "") for name, cell in cells}
    assert (looks["FD"], looks["Vendi"]) == ("strong", "")


def test_every_metric_is_in_one_of_the_tables_of_differences() -> None:
    row = {"system": "audio_dit", "method": "cads", **dict.fromkeys(METRICS, 0.1)}
    heads = [table.head[3:-1] for _, table in results_view.differences_tables({"differences": [row]})]
    assert sorted(name for head in heads for name in head) == sorted(words(name) for name in METRICS)
    assert max(len(head) for head in heads) <= 8, "more beside each other are wider than the page"


def test_what_trainings_have_in_common_is_told_as_settings_and_as_differences(inputs: Inputs) -> None:
    found = results_view.trainings_tables(inputs.evaluation)
    of, among = "TAL DiT, mean of 2 trainings", "with intervals over trainings and prompts"
    assert [caption for caption, _ in found] == [
        f"{of}, {among}",
        f"{of}: differences in alignment and diversity, paired over both, {among}",
        f"{of}: differences in fidelity, quality, novelty and signal, paired over both, {among}",
    ]
    assert [len(table.rows) for _, table in found] == [1, 1, 1]
    assert results_view.trainings_tables({}) == []


def test_every_decision_is_among_the_captions_shown(inputs: Inputs) -> None:
    assert inputs.captions is not None
    shown = captions_view.caption_rows(inputs, len(set(inputs.captions["decision"])))
    assert {row.decision for row in shown} == set(inputs.captions["decision"])


def test_caption_shares_effect_and_detection_are_told_with_intervals(inputs: Inputs) -> None:
    shares, effect = captions_view.shares_table(inputs), captions_view.effect_table(inputs)
    assert shares.rows[0][2:5] == ("1.5 %", "8.9 %", "0.17×")
    assert "far from the paper's" in shares.rows[0][5]
    assert shares.rows[1][5] == ""
    assert [row[0] for row in effect.rows] == ["all", "captioned", "replaced"]
    assert effect.rows[0][2:] == ("0.373 [0.360, 0.380]", "0.402 [0.390, 0.410]", "0.030 [0.020, 0.040]")
    assert effect.rows[1][4] == "not measured"
    assert captions_view.detection_chart(inputs).count("<circle") == 2
    assert captions_view.refusals_table(inputs).rows == (("does not fit the music", "4"), ("a link or an address", "1"))
    assert captions_view.licences_table(inputs).rows == (("CC-BY-NC-4.0", "7"),)


def test_captions_without_measures_leave_empty_tables(empty: Inputs) -> None:
    views = (captions_view.shares_table, captions_view.effect_table, captions_view.refusals_table)
    assert not any(view(empty).rows for view in views)


def test_counts_add_up(inputs: Inputs) -> None:
    *splits, total = data_view.counts(inputs).rows
    before = [int(row[1].split(" → ")[0]) for row in splits]
    assert sum(before) == int(total[1].split(" → ")[0]) == 48


def test_broken_expectations_come_first(inputs: Inputs) -> None:
    assert [row[1] for row in data_view.outcomes(inputs.verdict).rows] == ["broken", "holds", "holds"]


def test_the_verdicts_on_both_data_sets_are_told_together(tmp_path: Path) -> None:
    paths = Paths(tmp_path, "demo")
    row = {"name": "few are lost", "column": "x", "severity": "critical", "observed": "1", "expected": "0"}
    for item, success in (("ingest", True), ("curate", False)):
        verdict = {"expectations": [{**row, "table": "clips", "success": success}]}
        write_json(paths.validate(item) / "verdict.json", verdict)
    shown = data_view.outcomes(read_inputs(paths, {}).verdict)
    assert [(outcome, outcome.look, name.below) for name, outcome, *_ in shown.rows] == [
        ("broken", "bad", "x of clips of curate, critical"),
        ("holds", "good", "x of clips of ingest, critical"),
    ]


def test_chosen_settings_are_played(inputs: Inputs) -> None:
    strong = setting("pads", 0.5, 7.0)
    one = replace(inputs, samples=inputs.samples[:1])
    [(_, _, sources)] = listen_view.sample_rows(one, 1, {("audio_dit", strong.id), ("tal_dit", "another")})
    assert [(source.label, source.detail) for source in sources] == [
        ("audio DiT · unperturbed", "w = 7"),
        ("audio DiT · CADS", "s = 0.25, w = 7"),
        ("audio DiT · PADS", "s = 0.5, w = 7"),
    ]


def test_clips_are_cut_until_the_page_is_small(inputs: Inputs) -> None:
    rows = listen_view.sample_rows(inputs, 1)
    whole, cut = listen_view.encode(rows, limit=10_000_000)
    assert cut is None
    size = sum(len(clip.audio) for row in whole for clip in row.clips)
    short, cut = listen_view.encode(rows, limit=int(size * 0.8))
    assert cut is not None
    assert all(clip.seconds <= cut for row in short for clip in row.clips)
    assert sum(len(clip.audio) for row in short for clip in row.clips) <= size * 0.8


def test_thinning_keeps_the_mean_and_drops_gaps() -> None:
    value = np.arange(1000.0)
    value[10] = np.nan
    step, thin = training_view.thinned(np.arange(1000.0), value, 100)
    assert len(step) == 100
    assert thin.mean() == pytest.approx(np.nanmean(value), rel=0.01)


def test_curves_of_both_models_share_a_chart(inputs: Inputs) -> None:
    charts = dict(training_view.training_charts(inputs.curves, "train_vae"))
    assert list(charts) == ["loss", "loss_kl", "loss_mrstft"]
    assert charts["loss"].count('class="series') == 2


def test_a_curve_without_steps_is_left_out() -> None:
    assert training_view.training_charts({"train_vae_audio": pd.DataFrame({"loss": [1.0]})}, "train_vae") == []


def test_the_best_value_is_marked_only_where_it_is_alone() -> None:
    rows = [
        {"system": "a", "method": p, "vendi": v, "kl": k}
        for p, v, k in (("x", 2.0, 1.0), ("y", 3.0, 0.5), ("z", 3.0, 2.0))
    ]
    table = results_view.results_table(rows)
    assert table.head == ("system", "method", "setting", "Vendi", "KL", "n")
    assert [[cell.look for cell in row[3:5]] for row in table.rows] == [["", ""], ["", "strong"], ["", ""]]


def test_lines_start_at_the_unperturbed_model(inputs: Inputs) -> None:
    drawn = results_view.frontier(inputs.evaluation["sweep"], inputs.evaluation["paths"], "vendi", 0.27)
    assert drawn.count('class="series') == 6
    marks = [part.count('class="mark') for part in drawn.split('class="series')[1:]]
    assert marks == [2, 4, 4, 2, 4, 4]  # none over two guidances; others from none over three strengths


def test_sweeps_of_one_method_have_looks_of_their_own() -> None:
    named = ("none", "pads", "pads τ1 = 0.3")
    paths = [{"system": s, "method": p.split()[0], "path": p, "settings": []} for s in ("one", "two") for p in named]
    found = results_view.looks(paths)
    assert len(set(found.values())) == 6
    assert found["one", "pads"].style == "c2 dashed"
    assert found["two", "pads"].style == "c2"
    assert [name for name, _ in results_view.legend(paths)][2] == "one · PADS τ1 = 0.3"


def test_checks_carry_chance_and_count() -> None:
    section = {
        "tagger_genre": {"value": 0.5, "chance": 0.125, "n": 8},
        "pmos": {"spearman": 0.9, "n": 30, "spearman_test": None, "n_test": 4},
        "origin": {"clap": "text"},
        "captions": None,
    }
    found = {row[0]: row[1:] for row in checks_view.checks_table(section).rows}
    assert found["tagger genre"] == ("0.500", "0.125", "4.0×", "8")
    assert found["p-MOS › Spearman test"] == ("not measured", "–", "–", "4")
    assert found["captions"][0] == "not measured"
    assert not [name for name in found if "origin" in name]


def test_samples_of_a_row_are_of_a_seed_that_all_models_have(inputs: Inputs) -> None:
    first, second = inputs.samples
    second = replace(second, table=second.table[second.table["seed"] == 12])
    for _, note, sources in listen_view.sample_rows(replace(inputs, samples=(first, second)), 2):
        assert note == "seed 12"
        assert len(sources) == 6
        for source in sources:
            played = first if source.label.startswith(words(first.system)) else second
            same = [np.array_equal(source.pcm_SC, sound) for sound in played.audio_NSC]
            assert 12 in set(played.table[played.table["row"].isin(np.flatnonzero(same))]["seed"])


def test_the_ledger_says_what_became_of_every_file(inputs: Inputs) -> None:
    counts = {"in": 20, "kept": 14, "quarantined": 3, "duplicates": 2, "filtered": 1}
    told = replace(inputs, metrics={"curate": {"ledger": {"all_files": counts}}})
    [row] = data_view.ledger(told).rows
    assert row == ("files, both together", "20", "14", "3", "2", "1")
    assert data_view.ledger(inputs).rows == ()


def test_the_genres_that_lost_most_come_first_and_those_that_lost_nothing_not_at_all(inputs: Inputs) -> None:
    of_tag = {"rock": {"tracks": 10, "lost": 0.1}, "folk": {"tracks": 4, "lost": 0.5}, "jazz": {"tracks": 9, "lost": 0}}
    lost = {"tracks_before": 23, "tracks_after": 20, "entropy_before": 3.0, "entropy_after": 2.0, "of_tag": of_tag}
    told = replace(inputs, metrics={"curate": {"genre_loss": lost}})
    assert data_view.genre_loss(told).rows == (("folk", "4", "50.0 %"), ("rock", "10", "10.0 %"))
    assert "from 3.00 to 2.00 bits, as if 8.00 and 4.00 tags" in data_view.genre_entropy(told)
    assert data_view.genre_entropy(inputs) == ""
