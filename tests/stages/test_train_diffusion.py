from pathlib import Path

import pandas as pd
import pytest
import torch
import yaml
from safetensors.torch import load_file, save_file
from tests.diffusion.fakes import CHANNELS, LATENT_SHAPE, FakeTextEncoder, latent_store
from tests.diffusion.together import params

from padstal.codecs.latents.statistics import LatentStatistics
from padstal.core.data.atomic import read_json
from padstal.core.data.content import sha256_file
from padstal.core.data.manifest import write_table
from padstal.core.data.track_ledger import read_ledger
from padstal.core.paths import Paths
from padstal.core.runtime import RuntimeParams, TrackingParams
from padstal.diffusion.checkpoint import load
from padstal.diffusion.config import DenoiserParams, TrainDiffusionParams
from padstal.stages import train_diffusion
from padstal.stages.harness import Stage, StageError

TRAINING = {
    "steps": 4,
    "batch": 4,
    "learning_rate": 1e-3,
    "rate": {"kind": "inverse", "warmup_steps": 2, "scale_steps": 1e6},
    "precision": "bf16-mixed",
    "seed": 3,
    "log_every": 2,
    "validate_every": 2,
    "checkpoint_every": 3,
}
MODEL = params(**TRAINING)
RUNS = {
    "autoencoders": {"audio": {"needs": "foundation/text_encoder"}, "tal": {"needs": "vae/audio"}},
    "codecs": ["audio", "tal"],
    "denoisers": {
        "audio_dit": {"codec": "audio", "text": "text_encoder", "folder": "audio_dit"},
        "tal_dit": {"codec": "tal", "text": "flan_t5", "folder": "tal_dit"},
    },
    "systems": {
        "tal_dit": {"kind": "pads_tal", "codec": "tal", "text": "flan_t5", "denoiser": "tal_dit", "grid": "pads_tal"}
    },
}


pytestmark = pytest.mark.slow  # imports lightning


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stage[TrainDiffusionParams]:
    return prepare(tmp_path, monkeypatch)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Stage[TrainDiffusionParams]:
    """Run once; nobody changes what it left."""
    with pytest.MonkeyPatch.context() as patch:
        made = prepare(tmp_path_factory.mktemp("trained"), patch)
        train_diffusion.main(made)
    return made


def prepare(root: Path, monkeypatch: pytest.MonkeyPatch, model: DenoiserParams = MODEL) -> Stage[TrainDiffusionParams]:
    monkeypatch.setattr(train_diffusion, "load_text_encoder", lambda folder, device: FakeTextEncoder())
    paths = Paths(root, "demo")
    paths.latents("tal").mkdir(parents=True)
    store = latent_store(paths.latents("tal"))
    LatentStatistics(torch.zeros(CHANNELS), torch.ones(CHANNELS)).save(paths.latents("tal") / "statistics.safetensors")
    for number, role in enumerate(("text_encoder", "flan_t5")):
        paths.foundation(role).mkdir(parents=True)
        save_file({"weight": torch.full((1,), number)}, paths.foundation(role) / "model.safetensors")
    paths.curate.mkdir(parents=True)
    dataset = store.index[["clip_id", "split", "caption"]].assign(offset_seconds=4.5, track_seconds=17.5)
    dataset["sha256"] = [f"{row % 3 + 3 * (split == 'train'):064x}" for row, split in enumerate(dataset["split"])]
    write_table(dataset, paths.curate / "dataset.parquet")
    (root / "params.yaml").write_text(yaml.safe_dump({"scale": "demo", **RUNS}), encoding="utf-8")
    runtime = RuntimeParams(device="cpu", workers=1, threads=1)
    tracking = TrackingParams(mode="disabled", project="test", entity=None)
    return Stage("train_diffusion", "tal_dit", "demo", TrainDiffusionParams(tal_dit=model), paths, runtime, tracking)


def test_the_model_knows_what_it_belongs_to_and_its_checkpoint_is_gone(trained: Stage[TrainDiffusionParams]) -> None:
    model = load(trained.paths.diffusion("tal_dit"), "cpu")
    assert model.config.latents.codec == "tal"
    assert model.config.latents.fingerprint == "a" * 64
    assert model.config.text_fingerprint == sha256_file(trained.paths.foundation("flan_t5") / "model.safetensors")
    assert model.config.latents.shape == LATENT_SHAPE
    assert model.config.seconds_total == 17.5
    assert not trained.paths.state("train_diffusion", "tal_dit").exists()


def test_the_ledger_lists_the_tracks_of_the_training_split(trained: Stage[TrainDiffusionParams]) -> None:
    dataset = pd.read_parquet(trained.paths.curate / "dataset.parquet")
    ledger = trained.paths.ledger("train_diffusion", "tal_dit")
    tracks = set(dataset.loc[dataset["split"] == "train", "sha256"])
    assert read_ledger(ledger.read_bytes()) == tracks < set(dataset["sha256"])
    root = read_json(trained.paths.diffusion("tal_dit") / "tracks.json")
    assert root == {"tracks": len(tracks), "sha256": sha256_file(ledger)}


def test_curves_and_metrics_hold_the_losses(trained: Stage[TrainDiffusionParams]) -> None:
    curves = pd.read_csv(trained.paths.curves("train_diffusion", "tal_dit"))
    assert curves["step"].tolist() == [2, 4]
    assert curves["loss"].between(0.1, 10).all()
    metrics = read_json(trained.paths.metrics("train_diffusion", "tal_dit"))
    assert metrics["scale"] == "demo"
    assert metrics["steps"] == 4
    assert metrics["loss"] == pytest.approx(curves["loss"].iloc[-1], rel=1e-4)
    assert metrics["validation_loss"] == pytest.approx(curves["validation_loss"].iloc[-1], rel=1e-4)


def test_two_runs_give_the_same_bytes(stage: Stage[TrainDiffusionParams], trained: Stage[TrainDiffusionParams]) -> None:
    train_diffusion.main(stage)
    digests = []
    for paths in (stage.paths, trained.paths):
        files = [*sorted(paths.diffusion("tal_dit").iterdir()), paths.curves(stage.name, stage.item)]
        digests.append([(file.name, sha256_file(file)) for file in [*files, paths.metrics(stage.name, stage.item)]])
    assert digests[0] == digests[1]


def test_a_caption_that_the_latents_were_not_made_with_stops_the_stage(stage: Stage[TrainDiffusionParams]) -> None:
    file = stage.paths.curate / "dataset.parquet"
    dataset = pd.read_parquet(file)
    dataset.loc[3, "caption"] = "something else"
    write_table(dataset, file)
    with pytest.raises(StageError, match=r"1 clips have another caption .* clip3; run the stage encode"):
        train_diffusion.main(stage)


def test_training_clips_are_drawn_by_the_weights_of_curation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trained: Stage[TrainDiffusionParams]
) -> None:
    weights = [sha256_file(trained.paths.diffusion("tal_dit") / "model.safetensors")]
    for first in (1.0, 100.0):
        stage = prepare(tmp_path / str(first), monkeypatch)
        file = stage.paths.curate / "dataset.parquet"
        dataset = pd.read_parquet(file).assign(weight=1.0)
        dataset.loc[dataset.index[dataset["split"] == "train"][0], "weight"] = first
        write_table(dataset, file)
        train_diffusion.main(stage)
        weights.append(sha256_file(stage.paths.diffusion("tal_dit") / "model.safetensors"))
    assert weights[0] == weights[1] != weights[2]


def test_kept_weights_come_with_the_model_and_another_training_starts_from_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    first = prepare(tmp_path / "first", monkeypatch, params(**TRAINING, keep_every=1))
    train_diffusion.main(first)
    folder = first.paths.diffusion("tal_dit")
    kept = sorted(file.name for file in (folder / "kept").iterdir())
    assert kept == ["1.safetensors", "2.safetensors", "3.safetensors"]
    weights = load_file(folder / "model.safetensors")
    assert load_file(folder / "kept" / "3.safetensors").keys() == weights.keys()

    # a rate of next to nothing: what comes out is what went in, in the units that it was learned in
    statistics = load_file(folder / "statistics.safetensors")
    save_file({"mean": statistics["mean"] + 1, "std": statistics["std"]}, folder / "statistics.safetensors")
    changes = {**TRAINING, "learning_rate": 1e-30, "weight_decay": 0.0, "init_from": str(folder)}
    second = prepare(tmp_path / "second", monkeypatch, params(**changes))
    train_diffusion.main(second)
    assert f"{len(weights)} of {len(weights)} tensors are those of {folder}" in capsys.readouterr().out
    found = load_file(second.paths.diffusion("tal_dit") / "model.safetensors")
    assert all(torch.equal(weight, weights[name]) for name, weight in found.items())
    kept_statistics = load_file(second.paths.diffusion("tal_dit") / "statistics.safetensors")
    assert torch.equal(kept_statistics["mean"], statistics["mean"] + 1)
