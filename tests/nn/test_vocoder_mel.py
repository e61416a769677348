"""Log-mels as HiFi-GAN reads them: torchaudio's STFT, librosa's filters, whole frames, magnitudes and their floor."""

import librosa
import numpy as np
import pytest
import torch
import torchaudio

from padstal.nn.vocoder_mel import FLOOR, filters, vocoder_mel


def test_the_spectrogram_is_that_of_torchaudios_stft_and_librosas_filters():
    audio = 0.1 * torch.randn(1, 16_000, generator=torch.Generator().manual_seed(0))
    audio += torch.sin(torch.arange(16_000) * 0.2)
    spectrogram = torchaudio.transforms.Spectrogram(n_fft=1024, hop_length=160, power=1, center=False)
    magnitude = spectrogram(torch.nn.functional.pad(audio, (432, 432), mode="reflect"))
    bands = torch.from_numpy(librosa.filters.mel(sr=16_000, n_fft=1024, n_mels=64, fmin=0, fmax=8000)) @ magnitude
    expected = bands.clamp(min=1e-5).log().transpose(1, 2)
    torch.testing.assert_close(vocoder_mel(audio, 16_000, 1024, 160, 64), expected, atol=1e-4, rtol=0)


def test_full_scales_clip_has_1024_frames_of_64_bands():
    assert vocoder_mel(torch.zeros(1, 163_840), 16_000, 1024, 160, 64).shape == (1, 1024, 64)


def test_silence_is_at_the_floor_and_ten_times_the_amplitude_is_ln_10():
    assert torch.allclose(vocoder_mel(torch.zeros(1, 1600), 16_000, 1024, 160, 64).exp(), torch.tensor(FLOOR))
    noise = torch.randn(1, 3200, generator=torch.Generator().manual_seed(0))
    louder, softer = (vocoder_mel(gain * noise, 16_000, 1024, 160, 64) for gain in (1.0, 0.1))
    torch.testing.assert_close(louder - softer, torch.full_like(louder, np.log(10.0)), atol=1e-4, rtol=0)


def test_a_part_of_a_hop_is_refused():
    with pytest.raises(ValueError, match="1601 samples"):
        vocoder_mel(torch.zeros(1, 1601), 16_000, 1024, 160, 64)


def test_filters_are_of_equal_area_but_for_the_rounding_of_bins():
    area = filters(16_000, 1024, 64).sum(0) * 16_000 / 1024
    torch.testing.assert_close(area[20:], torch.ones(44), atol=0.03, rtol=0)
