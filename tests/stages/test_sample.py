import importlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import save_file
from tests.diffusion.fakes import FRAMES, RATIO, FakeCodec, FakeTextEncoder, config, latent_config, random_denoiser

from padstal.codecs.latents.statistics import LatentStatistics
from padstal.core.data.atomic import read_json
from padstal.core.data.content import sha256_file
from padstal.core.data.manifest import write_table
from padstal.core.model_folder import fingerprint
from padstal.core.paths import Paths
from padstal.core.runtime import RuntimeParams, TrackingParams
from padstal.diffusion.checkpoint import save
from padstal.sampling.config import SampleParams
from padstal.sampling.setting import Setting
from padstal.stages.harness import Stage, StageError
from padstal.stages.sample import main

ANNEALED = {"tau1": 0.5, "tau2": 1.0}
CFG = {"kind": "cfg", "w": 3.0}
GRID: dict[str, Any] = {
    "sampler": {"solver": {"kind": "dpmpp_2m"}, "steps": 3, "sigma_min": 0.1, "sigma_max": 50.0},
    "sweeps": {
        "unperturbed": {"method": {"kind": "none"}, "guidance": {"kind": "cfg", "w": [1.0, 3.0]}},
        "cads": {"method": {"kind": "cads", "strength": [0.1, 0.5], "rescale": 1.0, **ANNEALED}, "guidance": CFG},
        "pads": {"method": {"kind": "pads", "strength": [0.0, 0.5], **ANNEALED}, "guidance": CFG},
    },
}
PARAMS: dict[str, Any] = {
    "tune_prompts": 1,
    "test_prompts": 2,
    "prompt_seed": 0,
    "seeds": (5, 6),
    "samples_per_seed": 2,
    "refined_clips": 2,
    "batch": 5,
    "precision": "32-true",
    "grids": {"pads_tal": GRID},
}
RUNS = """
scale: demo
autoencoders: {tal: {needs: foundation/text_encoder}}
codecs: [tal]
denoisers: {tal_dit: {codec: tal, text: text_encoder, folder: tal_dit}}
systems: {tal_dit: {kind: pads_tal, codec: tal, text: text_encoder, denoiser: tal_dit, grid: pads_tal}}
"""


def write_system(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    """A random denoiser with a fake codec and text encoder that belong to it."""
    for module, fake in (
        ("padstal.foundation.text_encoder", FakeTextEncoder),
        ("padstal.codecs.any_codec", FakeCodec),
    ):
        monkeypatch.setattr(importlib.import_module(module), "load", lambda folder, device, fake=fake: fake())
    for folder in (paths.vae("tal"), paths.foundation("text_encoder"), paths.diffusion("tal_dit")):
        folder.mkdir(parents=True)
    save_file({"weight": torch.ones(1)}, paths.vae("tal") / "model.safetensors")
    save_file({"weight": torch.zeros(1)}, paths.foundation("text_encoder") / "model.safetensors")
    belongs = config(
        latents=replace(latent_config(), fingerprint=fingerprint(paths.vae("tal"))),
        text_fingerprint=fingerprint(paths.foundation("text_encoder")),
    )
    statistics = LatentStatistics(torch.zeros(6), torch.ones(6))
    save(paths.diffusion("tal_dit"), random_denoiser(), statistics, belongs)


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stage[SampleParams]:
    paths = Paths(tmp_path, "demo")
    write_system(paths, monkeypatch)
    paths.curate.mkdir(parents=True)
    paths.params.write_text(RUNS)
    clips = 12
    dataset = pd.DataFrame(
        {
            "clip_id": [f"clip{number:02d}" for number in range(clips)],
            "track_id": [f"track{number:02d}" for number in range(clips)],
            "split": ["train", "validation", "test"] * 4,
            "caption": [f"jazz, {number}" for number in range(clips)],
            "decision": "kept",
            "path": [f"{number}.wav" for number in range(clips)],
            "offset_seconds": 2.0,
            "track_seconds": 18.0,
        }
    )
    write_table(dataset, paths.curate / "dataset.parquet")
    runtime = RuntimeParams(device="cpu", workers=1, threads=1)
    tracking = TrackingParams(mode="disabled", project="test", entity=None)
    return Stage("sample", "tal_dit", "demo", SampleParams(**PARAMS), paths, runtime, tracking)


def test_every_setting_has_the_same_prompts_seeds_and_indices(stage: Stage[SampleParams]) -> None:
    main(stage)
    folder = stage.paths.samples("tal_dit")
    samples, prompts = pd.read_parquet(folder / "samples.parquet"), pd.read_parquet(folder / "prompts.parquet")
    audio = np.load(folder / "audio.npy")
    assert sorted(prompts["role"]) == ["test", "test", "tune"]
    records = {name: Setting.model_validate(one) for name, one in read_json(folder / "settings.json").items()}
    assert all(setting.id == name for name, setting in records.items())
    assert {(one.method_name, one.strength, one.w) for one in records.values()} == {
        ("none", 0.0, 1.0),
        ("none", 0.0, 3.0),
        ("cads", 0.1, 3.0),
        ("cads", 0.5, 3.0),
        ("pads", 0.0, 3.0),
        ("pads", 0.5, 3.0),
    }
    assert set(samples["system"]) == {"tal_dit"}
    cells = samples.groupby("setting")
    assert set(cells.groups) == set(records)
    drawn = [part[["prompt_id", "prompt", "seed", "index"]].to_numpy().tolist() for _, part in cells]
    assert all(rows == drawn[0] for rows in drawn)
    assert len(drawn[0]) == 3 * 2 * 2
    assert samples["row"].tolist() == list(range(len(audio)))
    assert audio.shape == (6 * 12, FRAMES * RATIO, 1)
    assert audio.dtype == np.int16


def test_pads_of_strength_0_is_in_the_grid_and_equals_unperturbed(stage: Stage[SampleParams]) -> None:
    main(stage)
    folder = stage.paths.samples("tal_dit")
    samples, audio = pd.read_parquet(folder / "samples.parquet"), np.load(folder / "audio.npy")

    def of(method: str, strength: float) -> np.ndarray:
        wanted = (method, strength, 3.0)
        chosen = {
            one.id for one in stage.params.settings_on("pads_tal") if (one.method_name, one.strength, one.w) == wanted
        }
        return audio[samples.loc[samples["setting"].isin(chosen), "row"]]

    assert np.array_equal(of("pads", 0.0), of("none", 0.0))
    assert not np.array_equal(of("pads", 0.5), of("none", 0.0))
    assert not np.array_equal(of("cads", 0.5), of("none", 0.0))


def test_metrics_say_how_much_padding_there_is_and_what_a_strength_is_read_against(stage: Stage[SampleParams]) -> None:
    main(stage)
    metrics = read_json(stage.paths.metrics("sample", "tal_dit"))
    assert metrics["samples"] == 72
    assert 0 < metrics["padding_share"] < 1
    assert metrics["salient_rms"] > 0


def test_a_published_set_gives_the_test_prompts(stage: Stage[SampleParams], tmp_path: Path) -> None:
    table = tmp_path / "baseline_melbench.csv"
    table.write_text("ytid,start_s,end_s,aspect_list,original_filename\n1,0,45,\"['jazz', '90 bpm']\",Vocal_Jazz_x\n")
    asked = {"kind": "melbench", "path": str(table), "sha256": sha256_file(table), "text": "tags", "prompts": 3}
    main(replace(stage, params=SampleParams(**{**PARAMS, "test_prompts": asked})))
    prompts = pd.read_parquet(stage.paths.samples("tal_dit") / "prompts.parquet").set_index("role")
    assert prompts.loc["test", ["prompt", "clip_id", "seconds_total"]].tolist() == ["jazz, 90 bpm", "", 45.0]
    assert len(prompts) == 2
    metrics = read_json(stage.paths.metrics("sample", "tal_dit"))
    assert metrics["prompt_set"] == {"kind": "melbench", "licence": "MIT", "sha256": asked["sha256"], "with_clip": 0}
    table.unlink()
    with pytest.raises(StageError, match=r"sample.test_prompts: .*baseline_melbench.csv: not found"):
        main(replace(stage, params=SampleParams(**{**PARAMS, "test_prompts": asked})))


def test_a_grid_may_ask_for_longer_takes_and_each_is_told_its_length(stage: Stage[SampleParams]) -> None:
    longer = 2 * FRAMES * RATIO / FakeCodec().sample_rate
    main(replace(stage, params=SampleParams(**{**PARAMS, "grids": {"pads_tal": {**GRID, "seconds": longer}}})))
    folder = stage.paths.samples("tal_dit")
    assert np.load(folder / "audio.npy").shape == (6 * 12, 2 * FRAMES * RATIO, 1)
    told = pd.read_parquet(folder / "prompts.parquet")[["seconds_start", "seconds_total"]].drop_duplicates()
    assert told.to_numpy().tolist() == [[0.0, longer]]


def test_two_runs_give_the_same_bytes(stage: Stage[SampleParams]) -> None:
    digests = []
    for _ in range(2):
        main(stage)
        digests.append([(file.name, sha256_file(file)) for file in sorted(stage.paths.samples("tal_dit").iterdir())])
    assert digests[0] == digests[1]
    assert [name for name, _ in digests[0]] == ["audio.npy", "prompts.parquet", "samples.parquet", "settings.json"]


def test_an_autoencoder_that_was_trained_again_stops_the_stage(stage: Stage[SampleParams]) -> None:
    save_file({"weight": torch.full((1,), 2.0)}, stage.paths.vae("tal") / "model.safetensors")
    with pytest.raises(StageError, match="tal_dit was trained with"):
        main(stage)


def test_without_a_held_out_caption_the_stage_says_so(stage: Stage[SampleParams]) -> None:
    file = stage.paths.curate / "dataset.parquet"
    write_table(pd.read_parquet(file).assign(caption=""), file)
    with pytest.raises(StageError, match="no clip of the test split has a caption"):
        main(stage)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"grids": {"g": {**GRID, "sampler": {**GRID["sampler"], "sigma_min": 60.0}}}},
            "sigma_min = 60.0 must be below sigma_max = 50.0",
        ),
        ({"seeds": (1, 1)}, "must differ"),
    ],
)
def test_impossible_params_are_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        SampleParams(**{**PARAMS, **change})
