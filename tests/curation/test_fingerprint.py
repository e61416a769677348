import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.curation.fakes import CLIP_SECONDS, RATE, bits_of, music, write_corpus

from padstal.core.data.manifest import ClipAudio, read_table
from padstal.core.paths import Paths
from padstal.curation.fingerprint import fingerprint, track_fingerprint


@pytest.fixture(scope="module")
def tracks() -> list[np.ndarray]:
    return [music(i, seconds=6.0) for i in range(12)]


@given(st.floats(0.02, 3.0))
@settings(max_examples=10, deadline=None)
def test_gain_changes_hardly_a_bit(gain):
    audio = music(3, seconds=4.0)
    same = bits_of(fingerprint(audio, RATE)) == bits_of(fingerprint(np.float32(gain) * audio, RATE))
    assert same.mean() > 0.999


def test_a_fixed_equaliser_changes_few_bits(tracks):
    comb = tracks[0].copy()
    comb[12:] += np.float32(0.9) * tracks[0][:-12]  # notches of 20 dB every 667 Hz
    same = bits_of(fingerprint(tracks[0], RATE)) == bits_of(fingerprint(comb, RATE))
    assert same.mean() > 0.9


def test_a_track_put_together_from_its_clips_has_the_fingerprint_of_the_whole(tmp_path):
    whole = music(7)
    write_corpus(tmp_path, {"track": whole})
    ingest = Paths(tmp_path, "demo").ingest
    manifest = read_table(ingest / "manifest.parquet")
    parts = track_fingerprint(ClipAudio(ingest), manifest.iloc[::-1], RATE)
    expected = fingerprint(whole[: len(manifest) * round(CLIP_SECONDS * RATE)], RATE)
    assert (bits_of(parts) == bits_of(expected)).mean() > 0.995
    assert parts.valid_T.all()


def test_frames_over_a_gap_between_clips_are_not_valid(tmp_path):
    write_corpus(tmp_path, {"track": music(7)})
    ingest = Paths(tmp_path, "demo").ingest
    manifest = read_table(ingest / "manifest.parquet").drop(index=2)
    parts = track_fingerprint(ClipAudio(ingest), manifest, RATE)
    assert parts.valid_T[:10].all()
    assert not parts.valid_T[round(2.2 / 0.032) : round(2.8 / 0.032)].any()
