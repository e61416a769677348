"""`train_vae` and `encode` on a dozen clips of noise, with the smallest models; the text encoder is a fake."""

import json
import sys

import numpy as np
import pandas as pd
import pytest
import torch
import yaml
from safetensors.torch import load_file
from tests.codecs.fakes import FakeTextEncoder

from padstal.codecs.any_codec import load as load_codec
from padstal.codecs.latents.statistics import LatentStatistics
from padstal.codecs.latents.store import LatentStore
from padstal.core.data.content import sha256_file
from padstal.core.data.manifest import read_table, write_table
from padstal.core.data.track_ledger import read_ledger
from padstal.stages.harness import run_stage

pytestmark = pytest.mark.slow  # imports lightning
SAMPLES, RATE = 4096, 8000

BACKBONE = {"kind": "spectral", "width": 8, "n_fft": 64, "hop": 32, "stride": 4, "depth": 1, "deep_depth": 1}
SCHEDULE = {"kind": "cosine", "warmup_steps": 1, "floor": 0.05}
TRAINING = {
    "steps": 4,
    "batch": 2,
    "crop_frames": 16,
    "learning_rate": 1e-3,
    "rate": SCHEDULE,
    "weight_decay": 0.0,
    "clip": 1.0,
    "ema_decay": 0.9,
    "precision": "32-true",
    "seed": 0,
    "log_every": 2,
    "validate_every": 2,
    "validation_clips": 2,
    "checkpoint_every": 2,
    "keep_every": 2,
}
COMMON = {
    "mrstft": {"fft_sizes": [64], "a_weighting": False},
    "discriminator": {
        "network": {"kind": "stft", "fft_sizes": [64], "filters": 2},
        "loss": "hinge",
        "start": 2,
        "frames": 8,
        "learning_rate": 1e-3,
        "rate": {"kind": "constant", "warmup_steps": 1},
        "clip": 1.0,
    },
}
AUDIO_WEIGHTS = {"adversarial": 0.1, "feature_matching": 1.0, "mrstft": 1.0, "waveform": 0.0, "kl": 1e-4}
KLS = dict.fromkeys(("kl_z_m", "kl_z_p", "kl_w_m", "kl_w_t"), 1e-4)
TAL_WEIGHTS = {"adversarial": 0.1, "feature_matching": 1.0, "mrstft": 1.0, "waveform": 0.0, "ce": 0.3, "alignment": 0.1}
DEMO = {
    "train_vae": {
        "audio": {
            **COMMON,
            "codec": {"kind": "audio_vae", "latent_channels": 3, "backbone": BACKBONE},
            "weights": AUDIO_WEIGHTS,
            "training": TRAINING,
        },
        "tal": {
            **COMMON,
            "codec": {
                "kind": "tal_vae",
                "private_channels": 3,
                "shared_channels": 2,
                "initial_std": 0.5,
                "z_layout": "resampled",
                "backbone": BACKBONE,
                "shared_width": 8,
                "pool_width": 64,
                "text_width": 8,
                "text_heads": 2,
                "text_feedforward": 8,
            },
            "private_dropout": 0.0,
            "precompute_text": True,
            "weights": {**TAL_WEIGHTS, **KLS},
            "training": {**TRAINING, "crop_frames": 32},
        },
    },
    "encode": {"batch_clips": 5, "reconstructions": 2, "measured_clips": 3},
}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    params = {
        "scale": "demo",
        "autoencoders": {"audio": {"needs": "foundation/text_encoder"}, "tal": {"needs": "vae/audio"}},
        "codecs": ["audio", "tal"],
        "runtime": {"device": "cpu", "workers": 1, "threads": 1},
        "tracking": {"mode": "disabled", "project": "test", "entity": None},
        "scales": {"demo": DEMO},
    }
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(params), encoding="utf-8")
    shards = tmp_path / "data/demo/ingest/shards"
    shards.mkdir(parents=True)
    rng = np.random.default_rng(0)
    np.save(shards / "00000.npy", rng.integers(-9000, 9000, (12, SAMPLES, 1), dtype=np.int16))
    curate = tmp_path / "data/demo/curate"
    curate.mkdir(parents=True)
    dataset = pd.DataFrame(
        {
            "clip_id": [f"clip{i}" for i in range(12)],
            "track_id": [f"track{i // 2}" for i in range(12)],
            "sha256": [f"{i // 2:064x}" for i in range(12)],
            "split": (["train"] * 8 + ["validation"] * 2 + ["test"] * 2),
            "caption": ["jazz", "rock", ""] * 4,
            "shard": 0,
            "row": np.arange(12),
            "clip_seconds": SAMPLES / RATE,
        }
    )
    write_table(dataset, curate / "dataset.parquet")
    text = tmp_path / "models/demo/foundation/text_encoder"
    text.mkdir(parents=True)
    (text / "model.safetensors").write_bytes(b"stands in for weights")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("padstal.foundation.text_encoder.load", lambda folder, device: FakeTextEncoder())
    yield tmp_path
    torch.use_deterministic_algorithms(False)


def _run(monkeypatch, name, item):
    from importlib import import_module

    module = import_module(f"padstal.stages.{name}")
    section = {"train_vae": "TrainVaeParams", "encode": "EncodeParams"}[name]
    monkeypatch.setattr(sys, "argv", [name, item])
    run_stage(name, getattr(module, section), module.main, items=("audio", "tal"))


@pytest.mark.parametrize("item", ["audio", "tal"])
def test_clips_become_a_model_and_latents(folder, monkeypatch, item):
    _run(monkeypatch, "train_vae", item)
    curves = pd.read_csv(folder / f"reports/demo/curves/train_vae_{item}.csv")
    assert curves["step"].tolist() == [2, 4]
    assert curves.iloc[-1].notna().all()
    metrics = json.loads((folder / f"reports/demo/metrics/train_vae_{item}.json").read_text())
    assert metrics["clips"] == 8
    assert metrics["held_out_n"] == 2
    ledger = folder / f"reports/demo/ledger/train_vae_{item}.json"
    assert read_ledger(ledger.read_bytes()) == {f"{i:064x}" for i in range(4)}, "the tracks of the training split"
    root = json.loads((folder / f"models/demo/vae/{item}/tracks.json").read_text())
    assert root == {"tracks": 4, "sha256": sha256_file(ledger)}
    model = folder / f"models/demo/vae/{item}"
    assert load_file(model / "kept/2.safetensors").keys() == load_file(model / "model.safetensors").keys()
    assert not (folder / f".state/demo/train_vae_{item}").exists()

    _run(monkeypatch, "encode", item)
    out = folder / f"data/demo/latents/{item}"
    store = LatentStore.open(out)
    channels, frames = {"audio": 3, "tal": 5}[item], 32
    assert store.latents_NE.shape == (12, 2 * channels, frames)
    assert store.index["clip_id"].tolist() == [f"clip{i}" for i in range(12)]
    assert store.config.channel_groups == {"audio": {"z": (0, 3)}, "tal": {"w_m": (0, 3), "z_p": (3, 5)}}[item]
    mean, std = store.posterior(np.arange(8))  # the training split
    statistics = LatentStatistics.load(out / "statistics.safetensors")
    np.testing.assert_allclose(statistics.mean_D, mean.mean((0, 2)), atol=1e-4)
    np.testing.assert_allclose(statistics.std_D, np.sqrt(mean.var((0, 2)) + (std**2).mean((0, 2))), rtol=1e-3)
    assert (out / "z_m.npy").exists() == (item == "tal")
    assert np.load(out / "reconstructions.npy").shape == (2, SAMPLES, 1)
    assert read_table(out / "reconstructions.parquet")["clip_id"].tolist() == ["clip10", "clip11"]
    assert (out / "swapped.parquet").exists() == (item == "tal")
    if item == "tal":
        swapped = read_table(out / "swapped.parquet")
        assert swapped["clip_id"].tolist() == ["clip10", "clip11"]
        assert swapped["text_of"].tolist() == ["clip11", "clip10"]
        codec = load_codec(folder / "models/demo/vae/tal", torch.device("cpu"))
        mean_BDT = torch.from_numpy(store.posterior(np.array([10, 11]))[0])
        mixed_BDT = torch.cat([mean_BDT[:, :3], mean_BDT.flip(0)[:, 3:]], dim=1)
        heard = np.load(out / "swapped.npy")[..., 0] / 32767
        np.testing.assert_allclose(heard, codec.decode(mixed_BDT)[:, 0].clip(-1, 1), atol=1e-4)
    metrics = json.loads((folder / f"reports/demo/metrics/encode_{item}.json").read_text())
    assert metrics["split"] == "test"
    assert metrics["n"] == 2


def test_two_runs_give_the_same_bytes(folder, monkeypatch):
    files = [
        "models/demo/vae/tal/model.safetensors",
        "models/demo/vae/tal/config.json",
        "reports/demo/curves/train_vae_tal.csv",
        "data/demo/latents/tal/latents.npy",
        "data/demo/latents/tal/reconstructions.npy",
        "data/demo/latents/tal/statistics.safetensors",
        "reports/demo/metrics/train_vae_tal.json",
        "reports/demo/metrics/encode_tal.json",
    ]
    contents = []
    for _ in range(2):
        _run(monkeypatch, "train_vae", "tal")
        _run(monkeypatch, "encode", "tal")
        contents.append([(folder / file).read_bytes() for file in files])
    for file, one, two in zip(files, *contents, strict=True):
        assert one == two, file
