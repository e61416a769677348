"""Compiled kernels give what their own Python gives, bit by bit: no vectoriser changes a result."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.signal import sosfilt

from padstal.ingest import kernels
from padstal.ingest.blocks import BLOCK
from padstal.ingest.loudness import MEMORY_SECONDS, k_weighting
from padstal.ingest.resample import resample
from padstal.ingest.standardise import resampled
from padstal.ingest.waveform import waveform

SAMPLES = 1_003


def audio(channels: int) -> np.ndarray:
    rng = np.random.default_rng(channels)
    return (0.3 * rng.standard_normal((SAMPLES, channels))).astype(np.float32)


@pytest.mark.parametrize("channels", [1, 2])
def test_loops_over_samples_give_the_same_bits_as_python(channels):
    audio_SC = audio(channels)
    rows_RL, sections = audio(4).astype(np.float64), k_weighting(44_100)
    states = np.zeros((2, 6, 4))
    kernels.filter_rows(rows_RL, sections, states[0])
    kernels.filter_rows.py_func(rows_RL, sections, states[1])
    assert (states[0] == states[1]).all()
    edges = np.array([0, 1, 400, 401, SAMPLES])
    for signal_SC in (audio_SC, audio_SC.astype(np.float64)):
        found, peak = kernels.energies(signal_SC, sections, edges, 100)
        expected, expected_peak = kernels.energies.py_func(signal_SC, sections, edges, 100)
        assert (found == expected).all()
        assert peak == expected_peak == np.abs(signal_SC).max()


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("samples", [1, 2, 300, 20_000, 100_003])
def test_stretches_that_are_filtered_side_by_side_have_the_energies_of_the_whole(channels, samples):
    audio_SC = np.random.default_rng(samples).standard_normal((samples, channels)).astype(np.float32)
    audio_SC[samples // 2 :] *= 1e-3
    sections, edges = k_weighting(44_100), np.unique([0, 1, *range(0, samples, 441), samples])
    energy_S = np.square(sosfilt(sections, audio_SC.astype(np.float64), axis=0)).sum(axis=1)
    found, peak = kernels.energies(audio_SC, sections, edges, round(MEMORY_SECONDS * 44_100))
    assert found == pytest.approx(np.add.reduceat(energy_S, edges[:-1]), rel=1e-9)
    assert peak == np.abs(audio_SC).max()


def test_moments_give_the_same_bits_as_python():
    for samples in (SAMPLES, SAMPLES - 1):
        assert kernels.moments(audio(2)[:samples]) == kernels.moments.py_func(audio(2)[:samples])
    audio_SC = audio(2).astype(np.float64)
    left, right = audio_SC.T
    expected = (left.sum(), right.sum(), left @ left, right @ right, left @ right)
    assert kernels.moments(audio(2)) == pytest.approx(expected)


@given(st.binary(max_size=300))
def test_the_checksum_of_an_mp3_is_the_bitwise_one(content):
    crc = 0
    for byte in content:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0xA001 if crc & 1 else 0)
    assert kernels.crc16(np.frombuffer(content, np.uint8)) == crc


def test_flat_tops_are_counted_in_every_block_that_has_them():
    samples = audio(2)
    many = np.tile(samples / np.abs(samples).max() * np.float32(0.5), (200, 1))
    many[::1000] = 1.0
    expected = (np.abs(many) >= np.float32(0.98)).sum() / many.size
    assert waveform(many).clipped_share == expected > 0
    assert waveform(np.zeros((10, 1), np.float32)).clipped_share == 0


@pytest.mark.parametrize(
    ("from_rate", "to_rate"), [(48_000, 44_100), (44_100, 16_000), (8_000, 192_000), (44_101, 44_100)]
)
@pytest.mark.parametrize("samples", [2, 1000, BLOCK // 2, BLOCK // 2 + 1, 3 * BLOCK + 5])
@pytest.mark.parametrize("channels", [1, 2])
def test_audio_is_resampled_to_the_bits_of_the_whole(from_rate, to_rate, samples, channels):
    audio_SC = np.random.default_rng(samples).uniform(-1, 1, (samples, channels)).astype(np.float32)
    found_SC = resampled(audio_SC, from_rate=from_rate, sample_rate=to_rate, channels=channels, silence_dbfs=-200.0)
    assert np.array_equal(found_SC, resample(audio_SC, from_rate, to_rate))
