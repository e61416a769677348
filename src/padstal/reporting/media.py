"""Audio and pictures as data URIs: the page carries its media in itself, and the same samples give the same bytes.

MP3 because its stream has no serial number (OGG draws one at random) and every browser plays it.
"""

import base64
import io
import struct
import zlib

import numpy as np

MEL_FLOOR_DB = -70.0
"""Spectrograms show this much below their loudest point."""
QUIETEST_PEAK_DB = -40.0
"""Quieter clips are not brightened any further, so that silence stays dark."""
COMPRESSION = 0.3
"""soundfile's compression level for variable-bitrate MP3: about 40 kbit/s for 16 kHz mono."""
MP3_RATES = (8_000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000)
"""Sample rates that MP3 knows, in Hz."""

# Anchors of a perceptually uniform ramp, night blue over violet and orange to cream, as (position, red, green, blue).
_RAMP = (
    (0.00, 11, 12, 32),
    (0.18, 36, 23, 90),
    (0.38, 104, 34, 126),
    (0.58, 184, 55, 110),
    (0.76, 240, 104, 72),
    (0.90, 253, 178, 93),
    (1.00, 252, 244, 196),
)
_COLOURS = 48


def data_uri(kind: str, content: bytes) -> str:
    """`content` of media type `kind` as a data URI."""
    return f"data:{kind};base64,{base64.b64encode(content).decode('ascii')}"


def mp3_uri(pcm_SC: np.ndarray, sample_rate: int) -> str:
    """int16 samples [S, C] at `sample_rate` Hz as an MP3 data URI; see `mp3`."""
    return data_uri("audio/mpeg", mp3(pcm_SC, sample_rate))


def mp3(pcm_SC: np.ndarray, sample_rate: int) -> bytes:
    """int16 samples [S, C] of one or two channels, at a rate of `MP3_RATES`, as an MP3 file (`playable`)."""
    import soundfile

    buffer = io.BytesIO()
    with soundfile.SoundFile(
        buffer,
        "w",
        samplerate=sample_rate,
        channels=pcm_SC.shape[1],
        format="MP3",
        subtype="MPEG_LAYER_III",
        compression_level=COMPRESSION,
        bitrate_mode="VARIABLE",
    ) as file:
        file.write(pcm_SC)
    return buffer.getvalue()


def playable(pcm_SC: np.ndarray, sample_rate: int) -> tuple[np.ndarray, int]:
    """int16 samples [S, C] and their rate in Hz; resampled to 48 kHz where MP3 does not know the rate."""
    if sample_rate in MP3_RATES:
        return pcm_SC, sample_rate
    import soxr

    highest = MP3_RATES[-1]
    return soxr.resample(pcm_SC, sample_rate, highest), highest


def mel_spectrogram(pcm_SC: np.ndarray, sample_rate: int, bands: int = 64, columns: int = 180) -> np.ndarray:
    """Log-mel magnitude [bands, columns] in [0, 1], lowest band first; 1 is the clip's loudest point.

    Samples are averaged over channels; frames of 1024 samples are spread evenly, so that `columns` of them cover it.
    """
    mono_S = pcm_SC.astype(np.float64).mean(axis=1) / 32768.0
    window = 1024
    padded_S = np.pad(mono_S, (window // 2, window))
    starts = np.linspace(0, max(len(mono_S) - 1, 0), columns).astype(int)
    frames = padded_S[starts[:, None] + np.arange(window)] * np.hanning(window)
    power_TF = np.abs(np.fft.rfft(frames, axis=1)) ** 2
    mel_BT = mel_filters(bands, window, sample_rate) @ power_TF.T
    decibels_BT = 10 * np.log10(np.maximum(mel_BT, 1e-12))
    loudest = max(float(decibels_BT.max()), QUIETEST_PEAK_DB)
    return np.clip((decibels_BT - loudest) / -MEL_FLOOR_DB + 1, 0, 1)


def mel_filters(bands: int, window: int, sample_rate: int) -> np.ndarray:
    """Triangular filters [bands, window / 2 + 1], centres even on the mel scale from 30 Hz to half the sample rate."""

    def mel(hertz: np.ndarray | float) -> np.ndarray:
        return 2595 * np.log10(1 + np.asarray(hertz) / 700)

    edges_mel = np.linspace(mel(30.0), mel(sample_rate / 2), bands + 2)
    edges = 700 * (10 ** (edges_mel / 2595) - 1)
    frequencies = np.fft.rfftfreq(window, 1 / sample_rate)
    # The lowest triangles are narrower than a bin: widen them so that none is empty.
    width = sample_rate / window
    low, centre, high = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    rising = (frequencies - np.minimum(low, centre - width)) / np.maximum(centre - low, width)
    falling = (np.maximum(high, centre + width) - frequencies) / np.maximum(high - centre, width)
    return np.maximum(0, np.minimum(rising, falling))


def spectrogram_uri(pcm_SC: np.ndarray, sample_rate: int) -> str:
    """Mel-spectrogram of int16 samples [S, C] as a PNG data URI, time to the right and pitch upwards."""
    levels = mel_spectrogram(pcm_SC, sample_rate)[::-1]
    return data_uri("image/png", palette_png(np.round(levels * (_COLOURS - 1)).astype(np.uint8), palette(_COLOURS)))


def palette(colours: int) -> np.ndarray:
    """`colours` steps [colours, 3] of the ramp, uint8."""
    anchors = np.array(_RAMP)
    positions = np.linspace(0, 1, colours)
    channels = [np.interp(positions, anchors[:, 0], anchors[:, 1 + channel]) for channel in range(3)]
    return np.round(np.stack(channels, axis=1)).astype(np.uint8)


def palette_png(indices_HW: np.ndarray, colours_P3: np.ndarray) -> bytes:
    """A PNG of palette indices [H, W] (uint8); nothing in it but pixels and palette."""
    height, width = indices_HW.shape
    header = struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)
    rows = np.concatenate([np.zeros((height, 1), np.uint8), indices_HW], axis=1).tobytes()
    chunks = ((b"IHDR", header), (b"PLTE", colours_P3.tobytes()), (b"IDAT", zlib.compress(rows, 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(name, content) for name, content in chunks)


def _chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))
