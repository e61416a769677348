import torch

from padstal.codecs.mel import BANDS, filterbank, log_mel


def test_every_band_sums_to_one():
    torch.testing.assert_close(filterbank(16_000).sum(1), torch.ones(BANDS))


def test_a_tone_peaks_in_the_band_that_holds_it():
    time = torch.arange(16_000) / 16_000
    loudest = [
        int(log_mel(torch.sin(2 * torch.pi * f * time)[None], 16_000)[0, :, 30].argmax()) for f in (300, 1000, 4000)
    ]
    for band, hertz in zip(loudest, (300, 1000, 4000), strict=True):
        assert filterbank(16_000)[band, round(hertz / 16_000 * 1024)] > 0
    assert loudest == sorted(loudest)


def test_ten_times_the_amplitude_is_two_bels():
    noise = torch.randn(1, 8000, generator=torch.Generator().manual_seed(0))
    difference = log_mel(noise, 16_000) - log_mel(0.1 * noise, 16_000)
    torch.testing.assert_close(difference, torch.full_like(difference, 2.0), atol=1e-3, rtol=0)
