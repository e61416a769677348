"""Log-mel spectrograms against a sine's closed form and torchaudio's MelSpectrogram."""

import numpy as np
import pytest
import torch
import torchaudio

from padstal.foundation.logmel import CENTRE_DECIBELS, SCALE_DECIBELS, LogMel, filterbank

MEL = LogMel(16_000)


def test_it_is_torchaudios_melspectrogram_up_to_the_stated_scale():
    audio = torch.randn(2, 16_384, generator=torch.Generator().manual_seed(0)) * 0.1
    reference = torchaudio.transforms.MelSpectrogram(16_000, n_fft=1024, hop_length=256, n_mels=64)(audio)
    window = torch.hann_window(1024).sum()
    decibels = 10 * torch.log10(reference[..., :64] * (2 / window) ** 2)
    torch.testing.assert_close(MEL(audio), (decibels - CENTRE_DECIBELS) / SCALE_DECIBELS, atol=1e-3, rtol=1e-3)


def test_twice_the_amplitude_is_6_decibels_more_everywhere():
    audio = torch.randn(1, 16_384, generator=torch.Generator().manual_seed(1)) * 0.1
    difference = (MEL(2 * audio) - MEL(audio)) * SCALE_DECIBELS
    torch.testing.assert_close(difference, torch.full_like(difference, 6.0206), atol=1e-3, rtol=0)


def test_a_full_sine_is_loudest_in_its_own_band_at_about_0_decibels():
    filters = filterbank(16_000, 1024, 64)
    bins = 128  # 2 kHz
    sine = torch.sin(2 * torch.pi * 2000 * torch.arange(16_384) / 16_000)[None]
    mel = MEL(sine)[0, :, 10:-10].mean(dim=1) * SCALE_DECIBELS + CENTRE_DECIBELS
    assert int(mel.argmax()) == int(filters[:, bins].argmax())
    assert float(mel.max()) == pytest.approx(0, abs=2)


def test_silence_is_the_floor_and_a_chunk_is_as_the_whole():
    audio = np.random.default_rng(0).standard_normal((5, 8192)).astype(np.float32) * 0.1
    audio[2] = 0
    whole = MEL.of(audio)
    assert torch.equal(whole, MEL.of(audio, chunk=2))
    assert torch.all(whole[2] == (-90 - CENTRE_DECIBELS) / SCALE_DECIBELS)
    assert whole.shape == (5, 64, 32)


def test_stereo_or_too_short_audio_is_refused():
    with pytest.raises(ValueError, match="mono"):
        MEL(torch.zeros(1, 2, 4096))
    with pytest.raises(ValueError, match="1000 samples"):
        MEL(torch.zeros(1, 1000))
