import auraloss
import pytest
import torch

from padstal.codecs.mrstft import MultiResolutionStft, a_weight

SIZES = (512, 128)


def _pair(channels):
    generator = torch.Generator().manual_seed(3)
    return tuple(torch.randn(3, channels, 4096, generator=generator) * 0.3 for _ in range(2))


def _ours(channels, ours, target):
    loss = MultiResolutionStft(SIZES, channels, a_weighting=False, sample_rate=16_000)
    return loss(ours, loss.target(target))


def _auraloss():
    return auraloss.freq.MultiResolutionSTFTLoss(SIZES, [size // 4 for size in SIZES], SIZES)


def test_mono_equals_auraloss():
    ours, target = _pair(1)
    torch.testing.assert_close(_ours(1, ours, target), _auraloss()(ours, target), rtol=1e-4, atol=1e-5)


def test_stereo_is_sum_and_difference_plus_half_of_left_and_half_of_right():
    ours, target = _pair(2)
    sides = auraloss.freq.SumAndDifferenceSTFTLoss(SIZES, [size // 4 for size in SIZES], SIZES)(ours, target)
    left, right = (_auraloss()(ours[:, [side]], target[:, [side]]) for side in (0, 1))
    torch.testing.assert_close(_ours(2, ours, target), sides + 0.5 * left + 0.5 * right, rtol=1e-4, atol=1e-5)


def test_a_perfect_copy_costs_nothing():
    _, target = _pair(1)
    assert float(_ours(1, target, target)) == 0


def test_a_weighting_follows_the_standards_table():
    decibels = 20 * a_weight(10 ** torch.tensor([1.5, 2.0, 3.0, 3.6, 4.2])).log10()
    torch.testing.assert_close(decibels, torch.tensor([-39.4, -19.1, 0.0, 1.0, -6.6]), atol=0.1, rtol=0)


def test_a_weighting_forgives_bass():
    time = torch.arange(4096) / 16_000
    target = (0.1 * torch.randn(4096, generator=torch.Generator().manual_seed(0)))[None, None]
    bass, middle = (target + 0.3 * torch.sin(2 * torch.pi * f * time) for f in (60.0, 2000.0))
    loss = MultiResolutionStft(SIZES, 1, a_weighting=True, sample_rate=16_000)
    assert float(loss(bass, loss.target(target))) < float(loss(middle, loss.target(target)))


def test_it_stays_in_float32_under_autocast():
    ours, target = _pair(1)
    with torch.autocast("cpu", torch.bfloat16):
        inside = _ours(1, ours, target)
    torch.testing.assert_close(inside, _ours(1, ours, target), rtol=0, atol=0)


def test_another_number_of_channels_is_named():
    with pytest.raises(ValueError, match="2 channels"):
        _ours(1, *_pair(2))


def test_a_weighting_stays_where_its_frequencies_are():
    """Within a model that transformers reads, `torch.linspace` ignores the device that others are made on."""
    with torch.device("meta"):
        assert a_weight(torch.linspace(10, 20_000, 8, device="cpu")).device.type == "cpu"
