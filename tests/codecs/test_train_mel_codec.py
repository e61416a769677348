"""Training the small mel codec: what it learns is heard in clips that it did not see."""

from functools import partial

import numpy as np
import pytest
import torch
from tests.codecs.bursts import bursts as any_bursts

from padstal.codecs.mel_codec import load
from padstal.codecs.train_mel_codec import held_out, train
from padstal.demo.config import TrainedMelCodec
from padstal.foundation.mel_codec import small_config
from padstal.foundation.store import save

SECTION = TrainedMelCodec(
    kind="trained", clips=24, fit={"steps": 60, "batch": 8, "learning_rate": 2e-3, "seed": 0}, crop_frames=16, kl=0.001,
    fft_sizes=[512, 128], bands=16, window=512, hop=160, latent_channels=4, width=16, depth=1, vocoder_window=640,
    vocoder_width=32, vocoder_depth=1,
)  # fmt: skip
CLIP_SECONDS = 0.52
CPU = torch.device("cpu")


bursts = partial(any_bursts, seconds=CLIP_SECONDS, decay=5, quietest=-1)


@pytest.mark.slow
def test_the_loss_falls_and_new_clips_are_nearer_than_the_mean_spectrum(tmp_path):
    audio = bursts(24, 0)
    networks, losses = train(audio, SECTION, sample_rate=16_000, device=CPU)
    assert np.mean(losses[-6:]) < 0.7 * np.mean(losses[:3])
    save(tmp_path, networks, small_config(SECTION, 16_000, CLIP_SECONDS))
    report = held_out(load(tmp_path, CPU), audio, bursts(8, 1), CPU)
    assert report["held_out_n"] == 8
    assert report["held_out_mel_l1"] < 0.8 * report["held_out_mel_l1_mean_spectrum"]
    assert 0 < report["noise_share"] < 1


@pytest.mark.slow
def test_the_same_seed_gives_the_same_weights():
    short = TrainedMelCodec(**SECTION.model_dump() | {"fit": {**SECTION.fit.model_dump(), "steps": 2}})
    (first, losses), (second, _) = (train(bursts(8, 0), short, sample_rate=16_000, device=CPU) for _ in range(2))
    assert len(losses) == 2
    for name, value in first.state_dict().items():
        assert torch.equal(value, second.state_dict()[name]), name


def test_clips_shorter_than_a_crop_are_refused():
    with pytest.raises(ValueError, match="crop_frames = 16"):
        train(bursts(2, 0)[:, :1600], SECTION, sample_rate=16_000, device=CPU)
