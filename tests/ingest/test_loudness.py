"""Loudness is that of BS.1770: the standard's own tone, pyloudnorm, and gain in decibels."""

import numpy as np
import pyloudnorm
import pytest

from padstal.ingest.loudness import gain_to, integrated_loudness, k_weighting


def _music(rate: int, channels: int, seconds: float = 6.0) -> np.ndarray:
    rng = np.random.default_rng(0)
    t = np.arange(round(seconds * rate)) / rate
    swell = 0.05 + 0.5 * (np.sin(2 * np.pi * 0.2 * t) > 0)
    tones = sum(np.sin(2 * np.pi * f * t) / (1 + i) for i, f in enumerate((110, 440, 1500, 3100)))
    audio = np.stack([swell * (0.2 * tones + 0.02 * rng.standard_normal(len(t))) for _ in range(channels)], axis=1)
    return audio.astype(np.float32)


def test_a_full_scale_tone_of_997_hz_in_one_channel_is_at_minus_3_01_lufs():
    t = np.arange(10 * 48_000) / 48_000
    assert integrated_loudness(np.sin(2 * np.pi * 997 * t)[:, None], 48_000) == pytest.approx(-3.01, abs=0.01)


def test_the_filter_at_48_khz_has_the_standards_coefficients():
    sections = k_weighting(48_000)
    assert sections[0] == pytest.approx(
        [1.53512485958697, -2.69169618940638, 1.19839281085285, 1, -1.69065929318241, 0.73248077421585], abs=1e-7
    )
    assert sections[1] == pytest.approx([1, -2, 1, 1, -1.99004745483398, 0.99007225036621], abs=1e-7)


@pytest.mark.parametrize("rate", [16_000, 44_100])
@pytest.mark.parametrize("channels", [1, 2])
def test_pyloudnorm_agrees(rate, channels):
    audio = _music(rate, channels)
    meter = pyloudnorm.Meter(rate, filter_class="DeMan")
    assert integrated_loudness(audio, rate) == pytest.approx(meter.integrated_loudness(audio), abs=0.05)


def test_the_gates_leave_out_silence_and_what_is_quiet_beside_the_rest():
    loud = _music(16_000, 1)
    padded = np.concatenate([loud, np.zeros((16_000 * 20, 1), np.float32)])
    assert integrated_loudness(padded, 16_000) == pytest.approx(integrated_loudness(loud, 16_000), abs=0.3)


def test_loudness_follows_gain_and_silence_has_none():
    audio = _music(16_000, 1)
    base = integrated_loudness(audio, 16_000)
    assert integrated_loudness(audio * 0.5, 16_000) == pytest.approx(base - 6.02, abs=0.01)
    assert integrated_loudness(np.zeros((16_000, 1)), 16_000) == float("-inf")
    with pytest.raises(ValueError, match=r"0\.1"):
        integrated_loudness(audio[:1600], 16_000)


def test_gain_reaches_the_target_unless_the_peak_would_pass_the_ceiling():
    audio = _music(16_000, 1)
    base, peak = integrated_loudness(audio, 16_000), float(np.abs(audio).max())
    gain = gain_to(base - 3, base, peak)
    assert integrated_loudness(audio * gain, 16_000) == pytest.approx(base - 3, abs=0.01)
    assert gain_to(base + 60, base, peak, ceiling=0.98) * peak == pytest.approx(0.98)
    assert gain_to(-20, float("-inf"), 0.0) == 1.0
