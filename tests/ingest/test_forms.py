"""Resampling, channels, segments, measures, shards: known answers."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from padstal.core.data.content import address_of_clip, bytes_of
from padstal.ingest import rejection
from padstal.ingest.blocks import BLOCK
from padstal.ingest.clip_form import offsets
from padstal.ingest.loudness import integrated_loudness
from padstal.ingest.measure import FLOOR_DB, FLOOR_LUFS, Measures, bandwidth, measure, stretches, window
from padstal.ingest.pcm import Pcm, pcm_of
from padstal.ingest.rejection import RejectedError
from padstal.ingest.resample import resample
from padstal.ingest.standardise import CEILING, level_of, resampled, with_channels
from padstal.ingest.waveform import waveform


def _tone(frequency: float, rate: int, seconds: float = 2.0, level: float = 0.5) -> np.ndarray:
    t = np.arange(round(seconds * rate)) / rate
    return (level * np.sin(2 * np.pi * frequency * t)).astype(np.float32)


def to_pcm(audio: np.ndarray) -> np.ndarray:
    """int16 as NumPy says it."""
    return np.clip(np.rint(audio * 32768.0), -32768, 32767).astype(np.int16)


def _pcm(audio_SC: np.ndarray, gain: float = 1.0) -> Pcm:
    return pcm_of(audio_SC, np.float32(gain), track_id="track", offset_samples=7)


def _measured(audio_SC: np.ndarray) -> Measures:
    loudness = integrated_loudness(audio_SC, 16_000)
    return measure(_pcm(audio_SC), 16_000, loudness_lufs=loudness, source_SC=audio_SC)


def test_a_tone_below_both_nyquist_rates_survives_resampling_and_one_above_vanishes():
    kept = resample(_tone(1000, 44_100), 44_100, 16_000)
    assert len(kept) == 32_000
    middle = slice(2000, -2000)
    assert np.abs(kept - _tone(1000, 16_000))[middle].max() < 1e-3
    gone = resample(_tone(10_000, 44_100), 44_100, 16_000)
    assert np.abs(gone[middle]).max() < 1e-4


def test_mono_is_the_mean_and_stereo_has_mono_twice():
    stereo = np.array([[1.0, 0.0], [0.5, -0.5]], np.float32)
    assert with_channels(stereo, 1).tolist() == [[0.5], [0.0]]
    assert with_channels(stereo[:, :1], 2).tolist() == [[1, 1], [0.5, 0.5]]


def test_levelling_reaches_the_loudness_and_never_clips():
    whole = [(0, 32_000)]
    soft_SC, loud_SC = _tone(997, 16_000, level=0.01)[:, None], _tone(997, 16_000)[:, None]
    raised = level_of(soft_SC, 16_000, loudness_lufs=-20.0, stretches=whole)
    assert raised.loudness_lufs == pytest.approx([-20], abs=0.01)
    assert integrated_loudness(_pcm(soft_SC, raised.gain).samples_SC / 32768, 16_000) == pytest.approx(-20, abs=0.01)
    held = level_of(loud_SC, 16_000, loudness_lufs=0.0, stretches=whole)
    assert _pcm(loud_SC, held.gain).peak / 32768 == pytest.approx(CEILING, abs=1e-3)
    assert level_of(soft_SC, 16_000, loudness_lufs=None, stretches=whole).gain == 1


def test_a_clips_loudness_is_that_of_its_stretch_at_the_tracks_gain():
    rng = np.random.default_rng(3)
    audio = (rng.standard_normal((64_000, 2)) * np.repeat([0.01, 0.2], 32_000)[:, None]).astype(np.float32)
    parts = [(0, 32_000), (8_000, 40_000), (32_000, 64_000)]
    found = level_of(audio, 16_000, loudness_lufs=-23.0, stretches=parts)
    alone = [integrated_loudness(audio[start:stop] * found.gain, 16_000) for start, stop in parts]
    assert found.loudness_lufs == pytest.approx(alone, abs=0.05)


@given(st.integers(1, 200) | st.integers(BLOCK // 2 - 2, BLOCK + 2), st.integers(1, 2), st.floats(0, 4))
def test_quantising_is_rounding_a_gain_and_saturating(samples, channels, gain):
    audio = np.random.default_rng(samples).uniform(-1, 1, (samples, channels)).astype(np.float32)
    found, expected = _pcm(audio, gain), to_pcm(audio * np.float32(gain))
    assert np.array_equal(found.samples_SC, expected)
    assert found.clip_id == address_of_clip([bytes_of(expected)], expected.shape, "track", 7)
    assert found.peak == np.abs(expected.astype(int)).max()
    assert found.squares == np.square(expected.astype(int)).sum()


@pytest.mark.parametrize("at", [0, BLOCK // 2, -1])
def test_the_peak_counts_in_whichever_block_it_is(at):
    audio = np.full((BLOCK + 5, 2), 0.1, np.float32)
    audio[at, 1] = -0.5
    found = _pcm(audio)
    assert found.peak == 16384
    assert found.squares == 16384**2 + (audio.size - 1) * 3277**2


@pytest.mark.parametrize("audio", [np.zeros((44_100, 1)), np.full((44_100, 1), 0.4), np.array([[1.0, -1.0]] * 44_100)])
def test_silence_a_constant_and_channels_that_cancel_are_silent(audio):
    with pytest.raises(RejectedError) as error:
        resampled(audio.astype(np.float32), from_rate=44_100, sample_rate=16_000, channels=1, silence_dbfs=-60)
    assert error.value.reason == rejection.SILENT


@given(st.integers(0, 5000), st.integers(1, 700), st.integers(1, 700))
def test_every_clip_lies_within_its_track_and_no_further_one_would_fit(samples, clip, hop):
    starts = list(offsets(samples, clip_samples=clip, hop_samples=hop))
    assert all(start + clip <= samples for start in starts)
    assert starts == [hop * i for i in range(len(starts))]
    assert len(starts) * hop + clip > samples


def test_pcm_is_within_half_a_step_and_saturates():
    audio = np.linspace(-1, 0.999, 1001, dtype=np.float32)[:, None]
    assert np.abs(_pcm(audio).samples_SC / 32768 - audio).max() <= 0.5 / 32768 + 1e-7
    loud = np.array([[1.0], [2.0], [-2.0]], np.float32)
    assert _pcm(loud).samples_SC.tolist() == [[32767], [32767], [-32768]]


def test_a_tones_measures_are_known():
    found = _measured(_tone(1000, 16_000)[:, None])
    assert found.peak_dbfs == pytest.approx(-6.02, abs=0.01)
    assert found.rms_dbfs == pytest.approx(-9.03, abs=0.01)
    assert found.bandwidth_hz == pytest.approx(1000, abs=60)


def test_silence_measures_finite_floors():
    found = _measured(np.zeros((16_000, 1), np.float32))
    assert (found.peak_dbfs, found.rms_dbfs, found.loudness_lufs) == (FLOOR_DB, FLOOR_DB, FLOOR_LUFS)
    assert (found.clipped_share, found.bandwidth_hz) == (0, 0)


def test_clipping_shows_at_any_gain():
    noise = np.random.default_rng(0).standard_normal((32_000, 1)).astype(np.float32) * 0.2
    clipped = np.clip(noise * 4, -0.5, 0.5)
    assert waveform(noise).clipped_share < 0.001
    assert waveform(clipped).clipped_share > 0.3
    assert waveform(clipped * 0.3).clipped_share == pytest.approx(waveform(clipped).clipped_share, rel=1e-3)


def test_a_low_pass_shows_in_the_bandwidth():
    noise = np.random.default_rng(0).standard_normal(32_000).astype(np.float32) * 0.2
    narrow = resample(resample(noise, 16_000, 4_000), 4_000, 16_000)
    found = [bandwidth(stretches(audio[:, None])[..., 0] * window(2048), 16_000) for audio in (narrow, noise)]
    assert found[0] < 2300 < 7800 < found[1]
