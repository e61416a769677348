"""Offset, polarity, clipping and bandwidth: closed forms, both sides of every limit, and what is put right."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.ingest.encoders import floats, music
from tests.ingest.test_hostile import PARAMS

from padstal.core.data.content import sha256_file
from padstal.ingest import rejection
from padstal.ingest.blocks import BLOCK
from padstal.ingest.clip_form import Screening
from padstal.ingest.rejection import RejectedError
from padstal.ingest.screen import OFFSET, POLARITY, screen
from padstal.ingest.track import clips_of
from padstal.ingest.track_cache import Track
from padstal.ingest.waveform import INVERTED_DB, MONO_DB, waveform

RATE = 16_000
STRICT = Screening(max_offset=0.001, max_side_db=10.0, max_clipped_share=0.1, min_bandwidth_hz=4_000.0)


def _noise(seed: int, samples: int = 4 * RATE) -> np.ndarray:
    return (0.1 * np.random.default_rng(seed).standard_normal(samples)).astype(np.float32)


def _leaning(side_db: float) -> np.ndarray:
    """Stereo whose channels' difference has `side_db` more energy than their sum, exactly."""
    t = np.arange(4 * RATE) / RATE
    mid, side = np.sin(2 * np.pi * 500 * t), np.sin(2 * np.pi * 6000 * t) * 10 ** (side_db / 20)
    return (0.02 * np.stack([mid + side, mid - side], axis=1)).astype(np.float32)


@pytest.mark.parametrize("side_db", [-40.0, -3.0, 0.0, 9.0, 40.0])
def test_side_against_mid_is_the_ratio_that_was_made(side_db):
    assert waveform(_leaning(side_db)).side_db == pytest.approx(side_db, abs=1e-3)
    assert waveform(_leaning(side_db) + np.array([0.3, -0.1], np.float32)).side_db == pytest.approx(side_db, abs=1e-2)


def test_mono_stored_as_stereo_and_mirrored_channels_are_at_the_ends_of_the_scale():
    noise = _noise(0)
    assert waveform(np.stack([noise, noise], axis=1)).side_db == MONO_DB
    assert waveform(np.stack([noise, -noise], axis=1)).side_db == INVERTED_DB
    assert waveform(noise[:, None]).side_db == MONO_DB
    assert waveform(np.zeros((100, 2), np.float32)).side_db == MONO_DB
    assert waveform(np.stack([noise, 0 * noise], axis=1)).side_db == pytest.approx(0, abs=1e-9)


@given(st.floats(-0.5, 0.5), st.floats(-0.5, 0.5))
def test_offsets_are_the_channels_means(left, right):
    wave = np.tile(np.float32([0.1, -0.1]), 500)
    found = waveform(np.stack([wave + np.float32(left), wave + np.float32(right)], axis=1))
    assert found.offsets == pytest.approx((left, right), abs=1e-6)
    assert found.offset == pytest.approx(max(abs(left), abs(right)), abs=1e-6)


@pytest.mark.parametrize("channels", [1, 2])
def test_a_waveform_of_many_blocks_is_that_of_the_whole(channels):
    audio = np.random.default_rng(channels).standard_normal((3 * BLOCK + 5, channels)).astype(np.float32) + 0.1
    audio[-1] = 9.0
    found, exact = waveform(audio), audio.astype(np.float64)
    assert found.offsets == pytest.approx(exact.mean(axis=0), rel=1e-9)
    assert found.clipped_share == channels / audio.size
    if channels == 2:
        ratio = (exact[:, 0] - exact[:, 1]).var() / (exact[:, 0] + exact[:, 1]).var()
        assert found.side_db == pytest.approx(10 * np.log10(ratio), abs=1e-9)


def test_without_limits_nothing_is_touched():
    audio = np.clip(_leaning(30) * 100, -0.5, 0.5) + np.float32(0.4)
    screened = screen(audio, RATE, Screening())
    assert screened.audio_SC is audio
    assert screened.repairs == ()


def test_an_offset_above_its_limit_is_taken_out():
    wave = np.tile(np.float32([0.25, -0.25, 0.125, -0.125]), RATE)[:, None]
    below = screen(wave + np.float32(0.00099), RATE, Screening(max_offset=0.001))
    assert below.repairs == ()
    above = screen(wave + np.float32(0.00101), RATE, Screening(max_offset=0.001))
    assert above.repairs == (OFFSET,)
    assert np.abs(above.audio_SC - wave).max() < 1e-6


def test_channels_against_each_other_are_turned_round_above_the_limit():
    assert screen(_leaning(9.99), RATE, Screening(max_side_db=10)).repairs == ()
    turned = screen(_leaning(10.01), RATE, Screening(max_side_db=10))
    assert turned.repairs == (POLARITY,)
    assert waveform(turned.audio_SC).side_db == pytest.approx(-10.01, abs=1e-2)
    assert np.array_equal(turned.audio_SC[:, 0], _leaning(10.01)[:, 0])


@pytest.mark.parametrize(("tops", "passes"), [(1000, True), (1001, False)])
def test_a_track_is_clipped_when_more_of_it_than_allowed_lies_at_the_peak(tops, passes):
    audio = np.full((10_000, 1), 0.1, np.float32) * np.tile(np.float32([1, -1]), 5000)[:, None]
    audio[:tops] *= 5
    if passes:
        screen(audio, RATE, Screening(max_clipped_share=0.1))
        return
    with pytest.raises(RejectedError, match="at the peak") as error:
        screen(audio, RATE, Screening(max_clipped_share=0.1))
    assert error.value.reason == rejection.CLIPPED


@pytest.mark.parametrize(("highest", "passes"), [(3900, False), (4100, True)])
def test_a_track_without_high_frequencies_is_narrow(highest, passes):
    t = np.arange(4 * RATE) / RATE
    audio = sum(0.05 * np.sin(2 * np.pi * f * t) for f in (300, 1000, highest)).astype(np.float32)[:, None]
    if passes:
        screen(audio, RATE, Screening(min_bandwidth_hz=4000))
        return
    with pytest.raises(RejectedError, match="no sound above 39") as error:
        screen(audio, RATE, Screening(min_bandwidth_hz=4000))
    assert error.value.reason == rejection.NARROW


def test_silence_and_clean_music_pass():
    assert screen(np.zeros((RATE, 2), np.float32), RATE, STRICT).repairs == ()
    clean = (music(4.0) + np.stack([_noise(0), _noise(1)], axis=1)).astype(np.float32)
    assert screen(clean - clean.mean(axis=0), RATE, STRICT).repairs == ()


def _taken_in(tmp_path, audio: np.ndarray, limits: Screening) -> tuple[Track, np.ndarray]:
    path = tmp_path / "track.wav"
    path.write_bytes(floats(audio))
    return clips_of(path, sha256_file(path), PARAMS.model_copy(update={"screening": limits}))


def _refused(tmp_path, audio: np.ndarray, limits: Screening) -> str:
    with pytest.raises(RejectedError) as error:
        _taken_in(tmp_path, audio, limits)
    return error.value.reason


def test_a_mirrored_file_is_silent_in_mono_and_saved_by_screening(tmp_path):
    mirrored = music()[:, [0, 0]] * np.float32([1, -1])
    assert _refused(tmp_path, mirrored, Screening()) == rejection.SILENT
    saved, _ = _taken_in(tmp_path, mirrored, Screening(max_side_db=10))
    assert saved.repairs == (POLARITY,)
    assert saved.clips[0].measures.side_db == INVERTED_DB  # of the file as it is


def test_an_offset_shows_in_the_measures_and_is_gone_from_the_clip(tmp_path):
    track, pcm = _taken_in(tmp_path, music() * np.float32(0.5) + np.float32(0.3), Screening(max_offset=0.001))
    assert track.repairs == (OFFSET,)
    assert track.clips[0].measures.dc_offset == pytest.approx(0.3, abs=0.01)
    assert abs(pcm[0].mean()) < 50


def test_clipped_and_narrow_files_go_to_quarantine_only_where_asked(tmp_path):
    clipped = np.clip(music() * 20, -0.5, 0.5)
    assert _taken_in(tmp_path, clipped, Screening())[0].clips
    assert _refused(tmp_path, clipped, STRICT) == rejection.CLIPPED
    t = np.arange(4 * RATE) / RATE
    dull = np.sin(2 * np.pi * 300 * t).astype(np.float32)[:, None] * np.float32(0.3) * _swell(t)
    assert _taken_in(tmp_path, dull, Screening())[0].clips
    assert _refused(tmp_path, dull, STRICT) == rejection.NARROW


def _swell(t: np.ndarray) -> np.ndarray:
    return (0.5 + 0.4 * np.sin(2 * np.pi * 0.7 * t)).astype(np.float32)[:, None]
