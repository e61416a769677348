"""Augmentation is what it says."""

import torch

from padstal.demo.spec_augment import augment
from padstal.foundation.logmel import SCALE_DECIBELS


def generator() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def test_without_gain_and_masks_augmentation_only_rolls_in_time():
    mel = torch.randn(3, 8, 20, generator=generator())
    out = augment(mel, generator(), gain_decibels=0, band_mask=0, frame_mask=0)
    for row in range(3):
        assert any(torch.equal(mel[row].roll(shift, dims=-1), out[row]) for shift in range(20))


def test_a_gain_is_one_shift_a_clip_within_its_limit_and_the_input_is_untouched():
    mel = torch.zeros(16, 4, 6)
    out = augment(mel, generator(), gain_decibels=6, band_mask=0, frame_mask=0)
    assert torch.all(mel == 0)
    assert torch.all(out == out[:, :1, :1])
    gains = out[:, 0, 0] * SCALE_DECIBELS
    assert gains.abs().max() <= 6
    assert gains.unique().numel() == 16


def test_masks_cover_at_most_what_they_may():
    mel = torch.randn(32, 8, 20, generator=generator())
    out = augment(mel, generator(), gain_decibels=0, band_mask=3, frame_mask=5)
    for row in range(32):
        filled = torch.isclose(out[row], mel[row].mean(), atol=1e-6)
        assert int(filled.all(dim=1).sum()) <= 3
        assert int(filled.all(dim=0).sum()) <= 5
