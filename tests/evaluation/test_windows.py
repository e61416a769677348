"""CLAP-f's windows."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from padstal.evaluation.windows import fixed_windows, levelled, mono_at, window_starts

PLACES = (0.15, 0.5, 0.85)


def test_starts_of_a_30_second_clip_are_the_papers_whole_seconds() -> None:
    assert window_starts(30 * 48_000, 10 * 48_000, PLACES, 48_000) == [3 * 48_000, 10 * 48_000, 17 * 48_000]


@given(st.integers(1, 5000), st.integers(1, 3000), st.integers(1, 700))
def test_windows_lie_inside_the_clip(samples: int, window: int, grid: int) -> None:
    windows = fixed_windows(np.arange(samples, dtype=np.float32)[None], window, PLACES, grid)
    assert windows.shape == (1, 3, window)
    assert set(windows.ravel()) <= set(range(samples))


def test_short_audio_is_repeated() -> None:
    windows = fixed_windows(np.array([[1.0, 2.0, 3.0]]), 7, PLACES)
    assert windows[0, 1].tolist() == [1, 2, 3, 1, 2, 3, 1]


def test_peak_is_minus_one_decibel_and_silence_stays_silent() -> None:
    audio = np.stack([0.02 * np.sin(np.arange(1000)), np.zeros(1000)])
    out = levelled(audio)
    assert 20 * np.log10(np.abs(out[0]).max()) == pytest.approx(-1, abs=1e-3)
    assert not out[1].any()


def test_level_round_trips_through_int16() -> None:
    out = levelled(np.random.default_rng(0).standard_normal((2, 500)))
    np.testing.assert_array_equal(out * 32768, np.round(out * 32768))


def test_mono_is_the_mean_of_channels_at_the_asked_rate() -> None:
    pcm = np.full((1, 4000, 2), (8192, 16384), dtype=np.int16)
    same = mono_at(pcm, 4000, 4000)
    np.testing.assert_allclose(same, 0.375)
    assert mono_at(pcm, 4000, 8000).shape == (1, 8000)


def test_positions_outside_the_clip_are_refused() -> None:
    with pytest.raises(ValueError, match=r"shares in \[0, 1\]"):
        window_starts(100, 10, (1.5,))
