"""Stage `evaluate` on a world of tones, with fake models."""

import importlib
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from tests.evaluation.fakes import FakeClap, FakeEmbedder, FakePmos, FakeTagger, write_world

from padstal.core.data.content import sha256_file
from padstal.core.paths import Paths
from padstal.core.runtime import RuntimeParams, TrackingParams
from padstal.evaluation.config import EvaluateParams
from padstal.evaluation.hear import Ears
from padstal.foundation import embedders
from padstal.sampling.setting import Setting
from padstal.stages.evaluate import main, write
from padstal.stages.harness import Stage, StageError

PARAMS = EvaluateParams(
    seed=7,
    batch_clips=32,
    windows=(0.15, 0.5, 0.85),
    window_grid_seconds=0,
    recall_neighbours=3,
    latent_neighbours=3,
    reference_clips=100,
    latent_clips=100,
    draws=1000,
    set_draws=100,
    confidence=0.95,
    target_clap_f=None,
    target_position=0.5,
    retentions=(0.9, 0.5),
    widest_bracket=1.0,
    kept_clap_share=0.9,
    baseline=("audio_dit", "cads"),
)

RUNS = {
    "autoencoders": {"audio": {"needs": "foundation/text_encoder"}, "tal": {"needs": "vae/audio"}},
    "codecs": ["audio", "tal"],
    "denoisers": {
        f"{codec}_dit": {"codec": codec, "text": "text_encoder", "folder": f"{codec}_dit"} for codec in ("audio", "tal")
    },
    "systems": {
        f"{codec}_dit": {
            "kind": "pads_tal",
            "codec": codec,
            "text": "text_encoder",
            "denoiser": f"{codec}_dit",
            "grid": "pads_tal",
        }
        for codec in ("audio", "tal")
    },
}


def stage_in(root: Path, **world: object) -> Stage[EvaluateParams]:
    paths = Paths(root, "demo")
    write_world(paths.data, paths.models, **world)  # type: ignore[arg-type]
    paths.params.write_text(yaml.safe_dump({"scale": "demo", **RUNS}))
    runtime = RuntimeParams(device="cpu", workers=1, threads=1)
    tracking = TrackingParams(mode="disabled", project="test", entity=None)
    return Stage("evaluate", "", "demo", PARAMS, paths, runtime, tracking)


def run(root: Path, **world: object) -> dict:
    stage = stage_in(root, **world)
    write(stage, Ears(FakeClap(), FakeTagger(), FakePmos(), PARAMS.windows, PARAMS.window_grid_seconds))
    return json.loads(stage.paths.metrics("evaluate").read_text())


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("world")
    run(root)
    return root


@pytest.fixture(scope="module")
def metrics(world: Path) -> dict:
    return json.loads(Paths(world, "demo").metrics("evaluate").read_text())


def test_rows_are_one_per_system_and_method_with_all_metrics(metrics: dict) -> None:
    assert [(row["system"], row["method"]) for row in metrics["rows"]] == [
        (system, kind) for system in ("audio_dit", "tal_dit") for kind in ("none", "cads", "pads")
    ]
    for row in metrics["rows"] + metrics["sweep"]:
        assert row["n"] == 36
        assert all(row[name] is not None for name in ("clap_f", "vendi", "ibs", "mrecall", "kl", "fd", "pmos"))
        bounds = dict(row["intervals"])
        assert row["fad"] is bounds.pop("fad") is None  # no embedder of its own
        for name, (low, high) in bounds.items():
            assert low <= row[name] <= high
    assert len(metrics["sweep"]) == 14
    for row in metrics["rows"]:
        assert Setting.model_validate(row["record"]).id == row["setting"]
    assert metrics["rows"][2]["label"].startswith(f"pads s = {metrics['rows'][2]['strength']:g}, w = 4")
    assert "tune" in metrics["chosen_by"]


def test_a_stronger_method_lowers_alignment(metrics: dict) -> None:
    cads = [row["clap_f"] for row in metrics["sweep"] if (row["system"], row["method"]) == ("audio_dit", "cads")]
    assert cads[-1] < cads[0]


def test_methods_are_compared_at_shares_of_their_own_alignment(metrics: dict) -> None:
    starts = [row["retention"] for row in metrics["sweep"] if row["method"] == "none" and row["guidance"] == 4.0]
    assert starts == [1.0, 1.0]
    for row in metrics["retention"]["rows"]:
        low, high = row["intervals"]["vendi_within"] or (row["vendi_within"],) * 2
        assert low <= row["vendi_within"] <= high
    told = [(row["system"], row["retention"]) for part in ("rows", "refused") for row in metrics["retention"][part]]
    assert {("audio_dit", 0.9), ("tal_dit", 0.5)} <= set(told), "every sweep is there, or it is said why not"


def test_methods_are_compared_at_one_clap_f_inside_their_brackets(metrics: dict) -> None:
    matched = metrics["matched"]
    assert len(matched["rows"]) == 4
    for row in matched["rows"]:
        ends = sorted(end["clap_f"] for end in row["bracket"])
        assert ends[0] <= matched["clap_f"] <= ends[1]
        assert row["clap_f"] == pytest.approx(matched["clap_f"])
    assert {(d["system"], d["method"]) for d in matched["differences"]} == {
        ("audio_dit", "pads"), ("tal_dit", "cads"), ("tal_dit", "pads"),
    }  # fmt: skip
    assert matched["published"]["rows"][3]["mrecall"] == 0.407


def test_genre_lies_in_z_p_and_not_in_noise(metrics: dict) -> None:
    mean = {row["space"]: row for row in metrics["latent_space"]["spaces"] if row["pooling"] == "mean"}
    assert set(mean) == {"audio", "tal", "tal.w_m", "tal.z_p", "tal.z_m"}
    assert mean["tal.z_p"]["precision"] == 1
    for space in ("audio", "tal.w_m", "tal.z_m"):
        low, high = mean[space]["interval"]
        assert low < mean[space]["chance"] < high
    assert metrics["latent_space"]["labels"] == "truth"


def test_planted_faults_are_found(metrics: dict) -> None:
    truth = metrics["truth"]
    assert truth["captions"]["wrong"]["recall"] == 1
    assert truth["captions"]["genre_before"]["right_of_all"] < truth["captions"]["genre_after"]["right_of_all"] == 1
    assert truth["exact_duplicates"]["recall"] == 1
    near = truth["near_duplicates"]
    assert (near["planted"], near["flagged"], near["precision"], near["recall"]) == (2, 1, 1.0, 0.5)
    assert truth["left"]["near_duplicates"] == 1
    assert truth["foreign_licences"]["planted"] == 0
    assert truth["sound_files_kept"]["value"] == 1
    assert truth["quality"]["degraded"]["value"] == 1
    assert truth["quality"]["of_kind"]["noise"]["spearman"] == 1
    assert truth["captions"]["of_fault"]["wrong"]["genre_after"] == 1
    assert truth["unlikely"] is None
    foundation = metrics["foundation"]
    assert foundation["pmos_against_mos"]["spearman"] == 1
    assert foundation["pmos_against_severity"]["spearman_test"] == 1
    assert foundation["tagger_genre"]["times_chance"] > 3
    assert foundation["clap_recall_at_10"]["value"] > foundation["clap_recall_at_10"]["chance"]
    assert foundation["origin"]["clap"] == "a fake of the tests"


def test_reconstructions_that_are_copies_lose_nothing(metrics: dict) -> None:
    for figures in metrics["reconstruction"].values():
        assert figures["pmos"] == figures["pmos_of_originals"]
        assert figures["clap_f"] == figures["clap_f_of_originals"]


def test_without_truth_its_measures_are_none_and_the_tagger_names_genres(tmp_path: Path) -> None:
    metrics = run(tmp_path, with_truth=False)
    assert set(metrics["truth"].values()) == {None}
    assert metrics["foundation"]["clap_recall_at_10"] is None
    assert metrics["latent_space"]["labels"] == "tagger"
    assert len(metrics["rows"]) == 6


@pytest.mark.slow
def test_two_runs_give_the_same_bytes_and_the_stage_loads_each_model_from_its_folder(
    world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = stage_in(tmp_path)
    for role, fake in (("clap", FakeClap), ("tagger", FakeTagger), ("pmos", FakePmos)):
        module = importlib.import_module(f"padstal.foundation.{role}")
        monkeypatch.setattr(module, "load", lambda folder, device, role=role, fake=fake: {role: fake}[folder.name]())
    main(stage)
    digests = []
    for root in (world, tmp_path):
        paths = Paths(root, "demo")
        files = [*sorted(paths.evaluate.iterdir()), paths.metrics("evaluate")]
        digests.append({file.name: sha256_file(file) for file in files})
    assert digests[0] == digests[1]
    assert set(digests[0]) >= {"per_setting.parquet", "per_prompt.parquet", "latent_space.parquet", "clap.npy"}


@pytest.fixture(scope="module")
def of_two_seeds(tmp_path_factory: pytest.TempPathFactory) -> dict:
    """Heard by an embedder that params name, once it is there."""
    weights = {"repository": "checkpoints/vggish", "revision": "unverified", "sha256": {"vggish.pth": "unverified"}}
    params = PARAMS.model_dump() | {"embedders": {"fad": {"kind": "vggish", "weights": weights}}}
    stage = stage_in(tmp_path_factory.mktemp("two_seeds"), seeds=2)
    stage = replace(stage, params=EvaluateParams.model_validate(params))
    with pytest.MonkeyPatch.context() as patch:
        for role, fake in (("clap", FakeClap), ("tagger", FakeTagger), ("pmos", FakePmos)):
            module = importlib.import_module(f"padstal.foundation.{role}")
            patch.setattr(module, "load", lambda folder, device, fake=fake: fake())
        with pytest.raises(
            StageError, match=r"evaluate\.embedders: checkpoints/vggish is a folder of this machine: fetch"
        ):
            main(stage)
        patch.setattr(embedders, "load", lambda published, folder, device: FakeEmbedder())
        main(stage)
    return json.loads(stage.paths.metrics("evaluate").read_text())


def test_embedders_of_params_are_loaded_measured_with_and_named(of_two_seeds: dict) -> None:
    assert all(row["fad"] > 0 for row in of_two_seeds["rows"])
    assert of_two_seeds["foundation"]["origin"]["fad"] == "vggish of checkpoints/vggish@unverified"


def test_two_seeds_are_too_few_to_match(of_two_seeds: dict) -> None:
    assert of_two_seeds["matched"]["clap_f"] is None
    assert "2 sampling seeds" in of_two_seeds["matched"]["why"]
    assert of_two_seeds["matched"]["published"]["rows"]


def test_a_sample_without_its_sound_stops_the_stage(tmp_path: Path) -> None:
    stage = stage_in(tmp_path)
    file = stage.paths.samples("tal_dit") / "audio.npy"
    np.save(file, np.load(file)[:-1])
    with pytest.raises(StageError, match="samples of tal_dit: 336 rows for 335 sounds"):
        write(stage, Ears(FakeClap(), FakeTagger(), FakePmos(), PARAMS.windows, PARAMS.window_grid_seconds))


@pytest.mark.parametrize("share", [0.5, 1.0])
def test_prompts_without_a_clip_of_their_own_have_no_kl_and_all_else(tmp_path: Path, share: float) -> None:
    stage = stage_in(tmp_path)
    for system in ("audio_dit", "tal_dit"):
        file = stage.paths.samples(system) / "prompts.parquet"
        prompts = pd.read_parquet(file)
        asked = prompts.index[prompts["role"] == "test"]
        prompts.loc[asked[: round(share * len(asked))], "clip_id"] = ""
        prompts.to_parquet(file)
    write(stage, Ears(FakeClap(), FakeTagger(), FakePmos(), PARAMS.windows, PARAMS.window_grid_seconds))
    metrics = json.loads(stage.paths.metrics("evaluate").read_text())
    for row in metrics["rows"]:
        assert row["kl"] is None
        assert all(row[name] is not None for name in ("clap_f", "vendi", "mrecall", "fd", "pmos"))
    assert metrics["reference"]["n"] == round((1 - share) * len(asked))
    assert ("clap_f" in metrics["reference"]) is (share < 1)
    genres = pd.read_parquet(stage.paths.evaluate / "per_prompt.parquet")
    assert (genres["genre"] == genres["prompt"].str.split(",").str[0]).all()
