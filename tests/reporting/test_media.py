"""Audio and pictures in the page."""

import base64
import io
import time

import numpy as np

from padstal.reporting import media

RATE = 16_000


def sine(hertz: float, seconds: float = 1.0) -> np.ndarray:
    t = np.arange(round(seconds * RATE)) / RATE
    return (20_000 * np.sin(2 * np.pi * hertz * t)).astype(np.int16)[:, None]


def test_the_same_samples_give_the_same_mp3_at_another_second() -> None:
    first = media.mp3_uri(sine(440), RATE)
    time.sleep(1.1)  # OGG would draw another serial number
    assert media.mp3_uri(sine(440), RATE) == first


def test_an_mp3_sounds_like_what_went_in() -> None:
    import soundfile

    uri = media.mp3_uri(sine(440), RATE)
    assert uri.startswith("data:audio/mpeg;base64,")
    heard, rate = soundfile.read(io.BytesIO(base64.b64decode(uri.split(",")[1])), always_2d=True)
    spectrum = np.abs(np.fft.rfft(heard[:, 0]))
    assert rate == RATE
    assert abs(spectrum.argmax() * RATE / len(heard) - 440) < 2
    assert abs(len(heard) - RATE) < 2400


def test_a_rate_that_mp3_does_not_know_is_brought_to_one_that_it_knows() -> None:
    pcm, rate = media.playable(np.zeros((96_000, 2), np.int16), 96_000)
    assert (pcm.shape, pcm.dtype, rate) == ((48_000, 2), np.int16, 48_000)
    assert media.playable(sine(440), RATE)[1] == RATE


def test_a_higher_tone_lies_higher_in_the_spectrogram() -> None:
    low, high = (media.mel_spectrogram(sine(hertz), RATE).mean(axis=1).argmax() for hertz in (300, 3000))
    assert low < high


def test_a_tone_in_the_second_half_lies_in_the_right_half() -> None:
    pcm = np.concatenate([np.zeros((RATE, 1), np.int16), sine(1000)])
    level = media.mel_spectrogram(pcm, RATE).max(axis=0)
    assert level[:80].max() < 0.1
    assert level[100:170].min() > 0.9


def test_no_mel_filter_is_empty() -> None:
    for bands, rate in ((64, 16_000), (64, 44_100), (128, 8_000)):
        assert (media.mel_filters(bands, 1024, rate).sum(axis=1) > 0).all()


def test_silence_is_drawn_dark() -> None:
    assert media.mel_spectrogram(np.zeros((RATE, 1), np.int16), RATE).max() == 0


def test_a_palette_png_reads_back() -> None:
    from PIL import Image

    indices = np.arange(12, dtype=np.uint8).reshape(3, 4)
    colours = media.palette(48)
    with Image.open(io.BytesIO(media.palette_png(indices, colours))) as image:
        assert image.size == (4, 3)
        np.testing.assert_array_equal(np.asarray(image.convert("RGB")), colours[indices])


def test_the_ramp_grows_brighter_all_the_way() -> None:
    luminance = media.palette(48) @ np.array([0.2126, 0.7152, 0.0722])
    assert (np.diff(luminance) > 0).all()


def test_pictures_have_high_pitch_on_top() -> None:
    from PIL import Image

    def brightest_row(hertz: float) -> int:
        content = base64.b64decode(media.spectrogram_uri(sine(hertz), RATE).split(",")[1])
        with Image.open(io.BytesIO(content)) as image:
            return int(np.asarray(image.convert("L")).mean(axis=1).argmax())

    assert brightest_row(4000) < brightest_row(200)
