"""Every training of `scale: full`, at its published size and batch, fits 8 GPUs of 80 GB (docs/scaling.md)."""

from pathlib import Path

import pytest

from padstal.codecs import rehearsal as codecs
from padstal.codecs.config import CropForm, TextForm
from padstal.diffusion import rehearsal as diffusion
from padstal.stages.params import load_tree
from padstal.training.memory import step_memory

pytestmark = [pytest.mark.slow, pytest.mark.long]  # half a minute each and more
GPUS, LIMIT = 8, 70 * 2**30
FULL = load_tree(Path("params.yaml")).scales["full"]
T5 = TextForm(width=768, max_length=128, vocabulary=32128)
LATENTS = {
    "audio_dit": ((64, 1024), None),
    "tal_dit": ((96, 1024), None),
    "qa_mdt": ((8, 256, 16), None),
    "qa_unet": ((8, 256, 16), None),
    "discodiff_primary": ((72, 864), 8),
    "discodiff_secondary": ((72, 864), 8),
}
"""Shape of the codec's latent, 1,024 frames being the published 47.5 s; and channels of its first group."""


@pytest.mark.parametrize("name", ["audio", "tal"])
def test_an_autoencoder_fits(name: str) -> None:
    params = getattr(FULL.train_vae, name)
    text = T5 if name == "tal" else None
    form = CropForm(sample_rate=44_100, channels=2, frames=params.training.crop_frames, text=text)
    found = step_memory(lambda: codecs.rehearsal(params, form, params.training.batch // GPUS), params.training)
    assert 4 * 2**30 < found.peak <= LIMIT, found


@pytest.mark.parametrize("name", LATENTS)
def test_a_denoiser_fits(name: str) -> None:
    params = dict(FULL.train_diffusion)[name]
    (latent, first), text = LATENTS[name], (T5.max_length, T5.width)
    batch = params.training.batch // (GPUS * params.training.accumulate)
    found = step_memory(lambda: diffusion.rehearsal(params, latent, text, batch, first), params.training)
    assert 4 * 2**30 < found.peak <= LIMIT, found
