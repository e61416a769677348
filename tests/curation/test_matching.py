import io
import tracemalloc
from collections import Counter

import numpy as np
import pytest
import soundfile
import soxr
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.curation.fakes import RATE, bits_of, music

from padstal.curation import matching
from padstal.curation.fingerprint import Fingerprint, fingerprint
from padstal.curation.matching import MIN_VOTES, candidates, matches, similarity, suitable_word_bits

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


def encoded(audio: np.ndarray, form: str, subtype: str) -> np.ndarray:
    file = io.BytesIO()
    soundfile.write(file, audio, RATE, format=form, subtype=subtype)
    file.seek(0)
    return soundfile.read(file, dtype="float32")[0]


COPIES = {
    "a quarter of the level": lambda audio: np.float32(0.25) * audio,
    "mp3": lambda audio: encoded(audio, "MP3", "MPEG_LAYER_III"),
    "vorbis": lambda audio: encoded(audio, "OGG", "VORBIS"),
    "trimmed by 1 s": lambda audio: audio[RATE:],
    "trimmed between frames, and mp3": lambda audio: encoded(audio[round(0.977 * RATE) :], "MP3", "MPEG_LAYER_III"),
    "other sample rate and back": lambda audio: soxr.resample(soxr.resample(audio, RATE, 6000), 6000, RATE),
    "0.2 % faster": lambda audio: soxr.resample(audio, 1.002 * RATE, RATE),
    "noise at -20 dB": lambda audio: audio + np.random.default_rng(0).normal(0, 0.1 * audio.std(), len(audio)),
}


@pytest.mark.parametrize("copied", COPIES.values(), ids=COPIES.keys())
def test_a_copy_is_found_and_no_stranger(tracks, copied):
    prints = [fingerprint(audio, RATE) for audio in [*tracks, *(np.float32(copied(audio)) for audio in tracks)]]
    found = {(match.first, match.second) for match in matches(prints, least=LEAST, max_shift_seconds=SHIFT)}
    assert found == {(i, i + len(tracks)) for i in range(len(tracks))}


def test_a_copy_six_percent_faster_and_higher_is_beyond_the_method(tracks):
    faster = [np.float32(soxr.resample(audio, 1.06 * RATE, RATE)) for audio in tracks]
    prints = [fingerprint(audio, RATE) for audio in [*tracks, *faster]]
    assert matches(prints, least=LEAST, max_shift_seconds=SHIFT) == []


def drifting(count: int, frames: int, seed: int) -> list[Fingerprint]:
    """Fingerprints as of strangers, whose bits last for some frames."""
    rng = np.random.default_rng(seed)
    flips = rng.random((count, frames, 32)) < 0.15
    bits = (np.cumsum(flips, axis=1) + rng.integers(0, 2, (count, 1, 32))) % 2
    return [of_bits(one) for one in bits.astype(bool)]


def of_bits(bits_TM: np.ndarray) -> Fingerprint:
    code_T = np.packbits(bits_TM, axis=1, bitorder="little").view("<u4")[:, 0]
    return Fingerprint(code_T, np.ones(len(code_T), bool))


def test_bits_and_code_say_the_same():
    bits_TM = np.random.default_rng(0).random((7, 32)) < 0.5
    assert (bits_of(of_bits(bits_TM)) == bits_TM).all()


@given(st.floats(0, 0.4), st.integers(0, 37), st.integers(0, 9))
@settings(max_examples=15, deadline=None)
def test_similarity_is_the_share_of_equal_bits(error, cut, seed):
    rng = np.random.default_rng(seed)
    bits_TM = rng.random((300, 32)) < 0.5
    flipped_TM = bits_TM ^ (rng.random(bits_TM.shape) < error)
    expected = (bits_TM == flipped_TM)[cut:].mean()
    assert similarity(of_bits(bits_TM), of_bits(flipped_TM[cut:]), max_shift_seconds=SHIFT) == pytest.approx(expected)


@pytest.mark.parametrize("word_bits", matching.WORDS_BITS)
def test_words_of_every_length_find_copies_with_a_sixth_of_the_bits_wrong(word_bits):
    prints = drifting(20, 900, seed=1)
    rng = np.random.default_rng(2)
    copies = [of_bits((bits_of(one) ^ (rng.random(bits_of(one).shape) < 0.08))[11:]) for one in prints]
    found = set(candidates([*prints, *copies], max_shift_seconds=SHIFT, word_bits=word_bits))
    assert {(i, i + 20) for i in range(20)} <= found


def test_cutting_the_index_into_parts_changes_nothing(monkeypatch):
    strangers = drifting(30, 300, seed=3)
    prints = [*strangers, *strangers[:15]]
    whole = candidates(prints, max_shift_seconds=SHIFT)
    assert len(whole) > 0
    for entries in (1000, 77):
        monkeypatch.setattr(matching, "PART_ENTRIES", entries)
        assert candidates(prints, max_shift_seconds=SHIFT) == whole


def test_candidates_are_those_of_counting_all_votes_at_once():
    strangers, reach, bits = drifting(12, 200, seed=5), 38, 16
    prints = [*strangers, *strangers[:4]]
    votes: Counter[tuple[int, int, int]] = Counter()
    for i, a in enumerate(prints):
        for j in range(i + 1, len(prints)):
            for low in (0, 32 - bits):
                words = [one.code_T >> np.uint32(low) & np.uint32(2**bits - 1) for one in (a, prints[j])]
                mine, theirs = np.nonzero(words[0][:, None] == words[1][None, :])
                near = mine - theirs
                votes.update((i, j, int(shift)) for shift in near[abs(near) <= reach])
    expected = sorted({(i, j) for (i, j, _), count in votes.items() if count >= MIN_VOTES})
    assert candidates(prints, max_shift_seconds=SHIFT, word_bits=bits) == expected


def test_memory_beside_the_fingerprints_does_not_grow_with_their_number(monkeypatch):
    monkeypatch.setattr(matching, "PART_ENTRIES", 20_000)
    prints = drifting(1_000, 200, seed=6)

    def peak(count: int) -> int:
        tracemalloc.start()
        candidates(prints[:count], max_shift_seconds=SHIFT, word_bits=20)
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found

    peak(10)
    few, many = peak(250), peak(1_000)
    assert many < 1.25 * few
    assert many < 200 * 20_000  # bytes an entry of a part


def test_candidates_are_the_pairs_with_enough_words_in_common():
    code_T = np.arange(200, dtype=np.uint32) * np.uint32(2654435761)
    mixed_T = ~code_T
    mixed_T[50 : 50 + MIN_VOTES] = code_T[40 : 40 + MIN_VOTES]
    other_T = code_T ^ np.uint32(0x5A5A5A5A)
    prints = [Fingerprint(codes, np.ones(200, bool)) for codes in (code_T, mixed_T, other_T)]
    pairs = candidates(prints, max_shift_seconds=SHIFT)
    assert (0, 1) in pairs
    fewer_T = ~code_T
    fewer_T[50] = code_T[40]
    assert (0, 1) not in candidates([prints[0], Fingerprint(fewer_T, np.ones(200, bool))], max_shift_seconds=SHIFT)


def test_words_grow_with_the_corpus_so_that_chance_neighbours_do_not():
    frames, reach = 940, 38
    for recordings in (100, 10_000, 1_000_000):
        bits = suitable_word_bits(recordings * frames, recordings, reach)
        near = recordings * (2 * reach + 1) / 2**bits
        assert near <= matching.CHANCE_NEIGHBOURS
    assert suitable_word_bits(100 * frames, 100, reach) == 16
    assert suitable_word_bits(100_000 * frames, 100_000, reach) == 24
