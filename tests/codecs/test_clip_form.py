"""Audio of a codec at another rate than the clips' comes out as long and as high as the clips are."""

import math

import pytest
import torch

from padstal.codecs.clip_form import in_clip_form
from padstal.codecs.latents.store import LatentConfig


def config(clip_rate: int = 0) -> LatentConfig:
    return LatentConfig("mel", "", 16_000, 1, 4, 8_000, (2, 4), {"z": (0, 2)}, clip_rate)


def test_at_the_clips_rate_nothing_changes() -> None:
    audio = torch.randn(2, 1, 8_000)
    assert torch.equal(in_clip_form(audio, config()), audio)
    assert config().clip_rate == 16_000


@pytest.mark.parametrize("clip_rate", [44_100, 22_050, 8_000])
def test_a_tone_keeps_its_pitch_and_the_clip_its_length(clip_rate: int) -> None:
    seconds, pitch = 0.5, 440.0
    tone = torch.sin(2 * math.pi * pitch * torch.arange(8_000) / 16_000).view(1, 1, -1)
    found = in_clip_form(tone, config(clip_rate))
    assert found.shape == (1, 1, round(seconds * clip_rate))
    peak = int(torch.fft.rfft(found[0, 0]).abs().argmax())
    assert peak / seconds == pytest.approx(pitch, abs=2)


def test_what_a_codec_decodes_too_long_or_too_short_becomes_a_clip() -> None:
    assert in_clip_form(torch.ones(1, 1, 8_100), config()).shape[-1] == 8_000
    short = in_clip_form(torch.ones(1, 1, 7_990), config())
    assert short.shape[-1] == 8_000
    assert not short[..., 7_990:].any()
