import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from padstal.commands.draw import EIGHTHS, SHADES, envelope, spectrogram, waveform

RATE = 8_000


def tone(hertz: float, seconds: float = 1.0) -> np.ndarray:
    t = np.arange(round(seconds * RATE)) / RATE
    return np.round(16_000 * np.sin(2 * np.pi * hertz * t)).astype(np.int16)[:, None]


def test_the_envelope_is_the_largest_magnitude_of_each_stretch():
    pcm = np.array([[0, 100], [-32768, 5], [7, 0], [0, -16384]], np.int16)
    assert envelope(pcm, 2).tolist() == pytest.approx([1.0, 16384 / 32767])
    assert envelope(pcm, 1).tolist() == [1.0]


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 50), st.integers(1, 200), st.integers(1, 6))
def test_a_waveform_has_the_asked_size_whatever_the_length(samples, columns, rows):
    pcm = np.random.default_rng(samples).integers(-30000, 30000, (samples, 2)).astype(np.int16)
    lines = waveform(pcm, columns, rows)
    assert [len(line) for line in lines] == [columns] * rows
    assert set("".join(lines)) <= set(EIGHTHS)


def test_the_loudest_stretch_is_as_high_as_the_picture_and_silence_is_empty():
    pcm = np.concatenate([np.zeros((800, 1), np.int16), tone(100)[:800]])
    lines = waveform(pcm, 2, 3)
    assert lines == [" █", " █", " █"]
    assert waveform(np.zeros((10, 1), np.int16), 4, 2) == ["    ", "    "]


def test_a_high_tone_is_above_a_low_one():
    plain = [line.plain for line in spectrogram(np.concatenate([tone(150), tone(3000)]), RATE, 20, 8, colour=False)]
    low, high = [line[4] for line in plain], [line[15] for line in plain]
    assert SHADES.index(low[-1]) > SHADES.index(low[0])
    assert max(range(8), key=lambda row: SHADES.index(high[row])) < 4


def test_colour_shows_two_bands_a_line_and_plain_has_no_style():
    lines = spectrogram(tone(440), RATE, 10, 5, colour=True)
    assert [line.plain for line in lines] == ["▀" * 10] * 5
    assert all(span.style.color and span.style.bgcolor for line in lines for span in line.spans)
    assert all(not line.spans for line in spectrogram(tone(440), RATE, 10, 5, colour=False))


def test_without_unicode_all_is_ascii():
    assert "".join(waveform(tone(440), 30, 4, ascii_only=True)).isascii()
    lines = spectrogram(tone(440), RATE, 30, 4, colour=True, ascii_only=True)
    assert all(line.plain.isascii() and not line.spans for line in lines)
