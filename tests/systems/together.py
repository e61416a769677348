"""A small training of QA-MDT's transformer, two passes a step, one with hidden patches, by any number of processes."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from tests.diffusion.fakes import WIDTH, FakeTextEncoder
from tests.systems.test_qa_mdt import LATENTS, PARAMS, SHAPE

from padstal.codecs.latents.statistics import LatentStatistics
from padstal.codecs.latents.store import LatentStore, write_store
from padstal.diffusion.clips import CaptionStates, splits_of
from padstal.diffusion.config import DenoiserParams
from padstal.diffusion.denoiser import Denoiser
from padstal.diffusion.task import DenoiserTask
from padstal.training.config import TrainConfig

TRAINING = {"steps": 12, "batch": 8, "log_every": 4, "validate_every": 4}


def make(folder: Path, **training: Any) -> tuple[DenoiserTask, TrainConfig]:
    """A fresh task and how it is trained; its latents lie in `folder`."""
    torch.manual_seed(0)
    folder.mkdir(parents=True, exist_ok=True)
    index = pd.DataFrame({"clip_id": [f"clip{number}" for number in range(24)], "caption": ["", "jazz", "rock"] * 8})
    index["split"] = ["validation", "train", "train", "train"] * 6
    mean = np.random.default_rng(0).normal(size=(24, *SHAPE)).astype(np.float32)
    write_store(folder, index, LATENTS, [(mean, np.full_like(mean, 0.1))])
    store = LatentStore.open(folder)
    dataset = store.index.assign(quality_level=3.0, text=store.index["caption"])
    states = CaptionStates.encode(store.index["caption"], FakeTextEncoder())
    statistics = LatentStatistics(torch.zeros(SHAPE[0]), torch.ones(SHAPE[0]))
    splits = splits_of(dataset, store, statistics, states)
    asked = DenoiserParams.model_validate({**PARAMS, "training": {**PARAMS["training"], **TRAINING, **training}})
    denoiser = Denoiser(asked.form, SHAPE, WIDTH)
    return DenoiserTask(denoiser, splits["train"], splits["validation"], asked), asked.training
