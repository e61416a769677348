"""Tiny stand-ins that follow the protocols, for tests of diffusion and sampling."""

from pathlib import Path

import numpy as np
import pandas as pd
import torch

from padstal.codecs.latents.statistics import LatentStatistics
from padstal.codecs.latents.store import LatentConfig, LatentStore, write_store
from padstal.core.protocols import TextStates
from padstal.diffusion.checkpoint import DenoiserConfig, TrainedDenoiser
from padstal.diffusion.denoiser import Denoiser
from padstal.diffusion.form import DenoiserForm
from padstal.sampling.setting import Setting
from padstal.systems.latent_system import LatentSystem, SamplingStage

POSITIONS, WIDTH, CHANNELS, FRAMES, RATIO = 16, 16, 6, 8, 4
LATENT_SHAPE = (CHANNELS, FRAMES)
FORM = DenoiserForm.model_validate(
    {
        "conditioner": {"kind": "text_timing"},
        "backbone": {"kind": "dit", "width": 32, "depth": 2, "heads": 2, "cross_heads": 1, "feed_forward": 2},
        "schedule": {"kind": "cosine"},
        "prediction": {"kind": "v"},
    }
)


class FakeTextEncoder:
    """One token a character, end of sequence counted; rows at padding are not zero, as a real encoder's are not."""

    width, max_length, vocabulary = WIDTH, POSITIONS, 128

    def tokenize(self, texts: list[str]) -> tuple[torch.Tensor, torch.Tensor]:
        ids = torch.zeros(len(texts), POSITIONS, dtype=torch.int64)
        for row, text in enumerate(texts):
            tokens = [*(2 + ord(letter) % 120 for letter in text[: POSITIONS - 1]), 1]
            ids[row, : len(tokens)] = torch.tensor(tokens)
        return ids, ids > 0

    def encode(self, texts: list[str]) -> TextStates:
        ids, mask = self.tokenize(texts)
        table = torch.randn(self.vocabulary, WIDTH, generator=torch.Generator().manual_seed(1))
        position = torch.randn(POSITIONS, WIDTH, generator=torch.Generator().manual_seed(2))
        return TextStates(table[ids] + position, mask)


class FakeCodec:
    """Decodes a latent by repeating its first channel's frames."""

    sample_rate, channels, ratio, latent_channels = 8_000, 1, RATIO, CHANNELS
    channel_groups = {"w_m": (0, 4), "z_p": (4, CHANNELS)}  # noqa: RUF012
    reads_text = True
    pools_groups = False

    def latent_shape(self, samples: int) -> tuple[int, ...]:
        return (CHANNELS, samples // RATIO)

    def encode(self, audio_BCS: torch.Tensor, texts: TextStates | None) -> tuple[torch.Tensor, torch.Tensor]:
        raise AssertionError("sampling never encodes")

    def decode(self, latent_BDT: torch.Tensor) -> torch.Tensor:
        return latent_BDT[:, :1].repeat_interleave(RATIO, dim=-1) / 8

    def probes(self, audio_BCS: torch.Tensor) -> dict[str, torch.Tensor]:
        return {}


def random_denoiser(seed: int = 0, form: DenoiserForm = FORM) -> Denoiser:
    """A denoiser whose every weight is random: zero-initialised branches would hide mistakes."""
    torch.manual_seed(seed)
    denoiser = Denoiser(form, LATENT_SHAPE, WIDTH)
    with torch.no_grad():
        for weight in denoiser.parameters():
            if weight.ndim > 1:
                weight.copy_(torch.randn_like(weight) / weight.shape[-1] ** 0.5)
    return denoiser.eval().requires_grad_(False)


def latent_config() -> LatentConfig:
    groups = {"w_m": (0, 4), "z_p": (4, CHANNELS)}
    return LatentConfig("tal", "a" * 64, 8_000, 1, RATIO, RATIO * FRAMES, LATENT_SHAPE, groups)


def config(**changes: object) -> DenoiserConfig:
    values: dict[str, object] = {
        "name": "tal_dit",
        "origin": "a test",
        "form": FORM,
        "text_width": WIDTH,
        "text_fingerprint": "b" * 64,
        "text_positions": POSITIONS,
        "latents": latent_config(),
        "seconds_total": 18.0,
    }
    return DenoiserConfig(**{**values, **changes})  # type: ignore[arg-type]


def model() -> TrainedDenoiser:
    statistics = LatentStatistics(torch.linspace(-1, 1, CHANNELS), torch.linspace(0.5, 2, CHANNELS))
    return TrainedDenoiser(random_denoiser(), statistics, config())


def system(name: str = "tal_dit") -> LatentSystem:
    """A system that plays a random denoiser."""
    usual = {"seconds_start": 0.0, "seconds_total": 18.0}
    return LatentSystem(name, (SamplingStage(model()),), FakeCodec(), FakeTextEncoder(), torch.device("cpu"), usual)


def setting(method: str | dict[str, object] = "none", w: float = 3.0, **changes: object) -> Setting:
    """A setting of few steps; a method's name stands for values that change much."""
    known: dict[str, dict[str, object]] = {
        "none": {"kind": "none"},
        "pads": {"kind": "pads", "strength": 0.6, "tau1": 0.3, "tau2": 0.9},
        "cads": {"kind": "cads", "strength": 0.6, "tau1": 0.3, "tau2": 0.9, "rescale": 1.0},
    }
    values = {
        "method": known[method] if isinstance(method, str) else method,
        "guidance": {"kind": "cfg", "w": w},
        "solver": {"kind": "dpmpp_2m"},
        "steps": 5,
        "sigma_min": 0.03,
        "sigma_max": 100.0,
    }
    return Setting.model_validate({**values, **changes})


def latent_store(folder: Path, clips: int = 24) -> LatentStore:
    """Latents of `clips` clips in two splits, with captions."""
    rng = np.random.default_rng(0)
    index = pd.DataFrame(
        {
            "clip_id": [f"clip{number}" for number in range(clips)],
            "split": ["validation" if number % 4 == 0 else "train" for number in range(clips)],
            "caption": [("", "jazz", "slow rock")[number % 3] for number in range(clips)],
        }
    )
    pattern = rng.normal(size=(3, CHANNELS, FRAMES))  # one a caption
    mean = (pattern[np.arange(clips) % 3] + 0.1 * rng.normal(size=(clips, CHANNELS, FRAMES))).astype(np.float32)
    std = np.full_like(mean, 0.1)
    write_store(folder, index, latent_config(), [(mean, std)])
    return LatentStore.open(folder)
