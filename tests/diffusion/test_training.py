from pathlib import Path

import pytest
import torch
from tests.diffusion.fakes import CHANNELS, SHAPE, FakeTextEncoder, latent_store

from padstal.diffusion.clips import CaptionStates, Clips
from padstal.diffusion.denoiser import Denoiser
from padstal.diffusion.training import CHECKPOINT, Plan, Trained, train
from padstal.latents.dataset import LatentDataset
from padstal.latents.statistics import LatentStatistics

PLAN = Plan(
    steps=24,
    batch=6,
    learning_rate=3e-3,
    schedule="cosine",
    warmup_steps=2,
    inverse_scale_steps=1e6,
    weight_decay=1e-3,
    gradient_clip=1.0,
    ema_decay=0.9,
    dropout=0.1,
    precision="32-true",
    seed=7,
    log_every=8,
    checkpoint_every=5,
    validation_clips=4,
)


class KilledError(RuntimeError):
    pass


def clips(folder: Path) -> tuple[Clips, Clips]:
    folder.mkdir(exist_ok=True)
    store = latent_store(folder)
    statistics = LatentStatistics(torch.zeros(CHANNELS), torch.ones(CHANNELS))
    states = CaptionStates.encode(store.index["caption"], FakeTextEncoder())
    seconds = dict.fromkeys(store.index["clip_id"], (0.0, 18.0))
    training, validation = (
        Clips(LatentDataset(store.only(split), statistics), states, seconds) for split in ("train", "validation")
    )
    return training, validation


def run(folder: Path, state: Path, *, die_at: int | None = None) -> Trained:
    def log(row: dict[str, float], step: int) -> None:
        if step == die_at:
            raise KilledError

    torch.manual_seed(0)
    training, validation = clips(folder)
    return train(Denoiser(SHAPE), training, validation, PLAN, device=torch.device("cpu"), state_folder=state, log=log)


def test_a_killed_run_resumes_to_the_same_weights_and_curves(tmp_path: Path) -> None:
    whole = run(tmp_path / "latents", tmp_path / "whole")
    with pytest.raises(KilledError):
        run(tmp_path / "latents", tmp_path / "killed", die_at=16)
    assert (tmp_path / "killed" / CHECKPOINT).exists()
    resumed = run(tmp_path / "latents", tmp_path / "killed")
    assert resumed.curves == whole.curves
    assert [row["step"] for row in whole.curves] == [8, 16, 24]
    weights = whole.denoiser.state_dict(), resumed.denoiser.state_dict()
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])


def test_training_lowers_the_loss_and_hands_back_averaged_weights(tmp_path: Path) -> None:
    trained = run(tmp_path / "latents", tmp_path / "state")
    assert trained.curves[-1]["validation_loss"] < trained.curves[0]["validation_loss"]
    assert trained.curves[-1]["learning_rate"] < trained.curves[0]["learning_rate"]
    checkpoint = torch.load(tmp_path / "state" / CHECKPOINT, weights_only=True)
    last = checkpoint["state_dict"]["denoiser.dit.project_out.weight"]
    average = trained.denoiser.state_dict()["dit.project_out.weight"]
    assert average.any()
    assert not torch.equal(average, last)
