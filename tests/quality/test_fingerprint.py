import io

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.quality.fakes import CLIP_SECONDS, RATE, music, write_corpus

from padstal.manifest import ClipAudio, read_table
from padstal.paths import Paths
from padstal.quality.fingerprint import Fingerprint, fingerprint, track_fingerprint
from padstal.quality.matching import candidates, matches, similarity

LEAST, SHIFT = 0.75, 1.2


def recoded(audio: np.ndarray) -> np.ndarray:
    file = io.BytesIO()
    soundfile.write(file, audio, RATE, format="OGG", subtype="VORBIS")
    file.seek(0)
    return soundfile.read(file, dtype="float32")[0]


@pytest.fixture(scope="module")
def tracks() -> list[np.ndarray]:
    return [music(i, seconds=6.0) for i in range(12)]


def test_a_recording_agrees_with_itself_wholly(tracks):
    print_ = fingerprint(tracks[0], RATE)
    assert similarity(print_, print_, max_shift_seconds=SHIFT) == 1.0


@given(st.floats(0.02, 3.0))
@settings(max_examples=10, deadline=None)
def test_gain_changes_hardly_a_bit(gain):
    audio = music(3, seconds=4.0)
    same = fingerprint(audio, RATE).bits_TM == fingerprint(np.float32(gain) * audio, RATE).bits_TM
    assert same.mean() > 0.999


def test_a_fixed_equaliser_changes_few_bits(tracks):
    comb = tracks[0].copy()
    comb[12:] += np.float32(0.9) * tracks[0][:-12]  # notches of 20 dB every 667 Hz
    same = fingerprint(tracks[0], RATE).bits_TM == fingerprint(comb, RATE).bits_TM
    assert same.mean() > 0.9


def test_recoded_quieter_and_trimmed_copies_are_found_and_no_others(tracks):
    rng = np.random.default_rng(0)
    copies = [recoded(0.4 * audio)[round(rng.uniform(0, 1) * RATE) :] for audio in tracks[:6]]
    prints = [fingerprint(audio, RATE) for audio in [*tracks, *copies]]
    found = matches(prints, least=LEAST, max_shift_seconds=SHIFT)
    assert {(match.first, match.second) for match in found} == {(i, i + len(tracks)) for i in range(6)}


def test_strangers_agree_on_half_of_their_bits(tracks):
    share = similarity(fingerprint(tracks[0], RATE), fingerprint(tracks[1], RATE), max_shift_seconds=0.0)
    assert 0.4 < share < 0.6


def test_similarity_is_symmetric(tracks):
    a, b = fingerprint(tracks[0], RATE), fingerprint(tracks[0][RATE // 2 :], RATE)
    assert similarity(a, b, max_shift_seconds=SHIFT) == similarity(b, a, max_shift_seconds=SHIFT) > 0.9


def test_a_start_trimmed_by_more_than_the_largest_shift_is_not_found(tracks):
    a, b = fingerprint(tracks[0], RATE), fingerprint(tracks[0][2 * RATE :], RATE)
    assert similarity(a, b, max_shift_seconds=1.0) < LEAST < similarity(a, b, max_shift_seconds=2.1)


def test_candidates_hold_every_copy_but_few_strangers(tracks):
    prints = [fingerprint(audio, RATE) for audio in [*tracks, *(recoded(audio) for audio in tracks)]]
    found = set(candidates(prints, max_shift_seconds=SHIFT))
    assert {(i, i + 12) for i in range(12)} <= found
    assert len(found) < 24 * 23 / 4


def test_silence_matches_nothing():
    prints = [fingerprint(np.zeros(5 * RATE, np.float32), RATE) for _ in range(2)]
    assert not prints[0].valid_T.any()
    assert matches(prints, least=0.6, max_shift_seconds=SHIFT) == []


def test_no_recordings_and_too_short_ones_match_nothing():
    assert matches([], least=LEAST, max_shift_seconds=SHIFT) == []
    short = fingerprint(np.ones(10, np.float32), RATE)
    assert isinstance(short, Fingerprint)
    assert len(short.valid_T) == 0
    assert matches([short, short], least=LEAST, max_shift_seconds=SHIFT) == []


def test_a_track_put_together_from_its_clips_has_the_fingerprint_of_the_whole(tmp_path):
    whole = music(7)
    write_corpus(tmp_path, {"track": whole})
    ingest = Paths(tmp_path, "demo").ingest
    manifest = read_table(ingest / "manifest.parquet")
    parts = track_fingerprint(ClipAudio(ingest), manifest.iloc[::-1], RATE)
    expected = fingerprint(whole[: len(manifest) * round(CLIP_SECONDS * RATE)], RATE)
    assert (parts.bits_TM == expected.bits_TM).mean() > 0.995
    assert parts.valid_T.all()


def test_frames_over_a_gap_between_clips_are_not_valid(tmp_path):
    write_corpus(tmp_path, {"track": music(7)})
    ingest = Paths(tmp_path, "demo").ingest
    manifest = read_table(ingest / "manifest.parquet").drop(index=2)
    parts = track_fingerprint(ClipAudio(ingest), manifest, RATE)
    assert parts.valid_T[:10].all()
    assert not parts.valid_T[round(2.2 / 0.032) : round(2.8 / 0.032)].any()
