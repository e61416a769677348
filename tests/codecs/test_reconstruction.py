import numpy as np
import pytest
import torch

from padstal.codecs.reconstruction import Quality, log_spectral_distance, mean_spectrum_distance, quality, si_sdr


def _noise(seed, scale=0.3):
    return torch.randn(2, 1, 8192, generator=torch.Generator().manual_seed(seed)) * scale


def test_si_sdr_is_the_ratio_of_orthogonal_parts_whatever_the_scale():
    time = torch.arange(8000) / 8000
    target, error = torch.sin(2 * torch.pi * 10 * time)[None], torch.sin(2 * torch.pi * 20 * time)[None]
    for scale in (1.0, 7.0):
        assert float(si_sdr(scale * (target + 0.1 * error), target)) == pytest.approx(20, abs=1e-3)


def test_log_spectral_distance_of_half_the_amplitude_is_six_decibels():
    target = _noise(0)[:, 0]
    torch.testing.assert_close(log_spectral_distance(0.5 * target, target), torch.full((2,), 6.0206), atol=0.01, rtol=0)


def test_a_perfect_copy_is_perfect_and_a_worse_one_worse():
    target = _noise(0)
    perfect, near, far = (quality(target + error, target, 16_000) for error in (0, 0.1 * _noise(1), _noise(1)))
    assert perfect.mel_l1.tolist() == [0, 0]
    assert perfect.mrstft.tolist() == [0, 0]
    assert (near.si_sdr > far.si_sdr).all()
    assert (near.mel_l1 < far.mel_l1).all()
    assert (near.mrstft < far.mrstft).all()


def test_a_clips_values_do_not_depend_on_its_neighbours():
    target, output = _noise(0), _noise(1)
    whole = quality(output, target, 16_000)
    alone = Quality.join([quality(output[i : i + 1], target[i : i + 1], 16_000) for i in range(2)])
    np.testing.assert_allclose(whole.mrstft, alone.mrstft, rtol=1e-5)
    np.testing.assert_allclose(whole.mel_l1, alone.mel_l1, rtol=1e-5)
    assert whole.summary()["n"] == 2


def test_the_mean_spectrum_is_a_good_guess_of_stationary_noise_only():
    time = torch.arange(8192) / 16_000
    swept = torch.sin(2 * torch.pi * (200 + 5000 * time) * time)[None, None]
    assert mean_spectrum_distance(_noise(0), _noise(1), 16_000) < mean_spectrum_distance(swept, swept, 16_000)
