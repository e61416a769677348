"""Ways in which audio goes bad, each with a severity in [0, 1] and a true quality that follows from it.

Severity 0 changes nothing. The true mean opinion score of a degraded track is linear in severity:

    (1)  mos = 5 − (5 − floor) · severity

All kinds are stated in Hz, seconds and dB, so that they mean the same at every sample rate.
"""

import io

import numpy as np

from padstal.demo.vocabulary import DEGRADATIONS
from padstal.ingest.resample import resample

FLOORS = {"noise": 1.0, "clipping": 1.2, "band limit": 1.5, "hum": 1.5, "dropouts": 1.0, "coding": 1.6, "wow": 1.5}
"""Kind → mean opinion score at severity 1."""
BEST_MOS = 5.0
CODING_RATE = 16_000
"""Sample rate that the low-bitrate coder runs at; its files are mono MP3 of 48 down to 8 kbit/s."""
CODEC_DELAY = 1105
"""Samples of silence that an MP3 encoder (576) and decoder (529) put in front."""


def true_mos(kind: str, severity: float) -> float:
    """Mean opinion score of a degraded track; `BEST_MOS` for kind "" (clean).

    Raises:
        ValueError: Unknown kind, or a severity outside [0, 1].
    """
    _check(kind, severity)
    if not kind:
        return BEST_MOS
    return BEST_MOS - (BEST_MOS - FLOORS[kind]) * severity  # (1)


def degrade(
    audio_SC: np.ndarray, kind: str, severity: float, *, sample_rate: int, rng: np.random.Generator
) -> np.ndarray:
    """A degraded copy, float32 [S, C], same shape, never above full scale.

    Args:
        audio_SC: float32 [S, C] in [−1, 1].
        kind: One of `DEGRADATIONS`, or "" for none.
        severity: 0 (untouched) to 1.
        sample_rate: Hz.
        rng: Chance of noise and dropouts.

    Raises:
        ValueError: Unknown kind, or a severity outside [0, 1].
    """
    _check(kind, severity)
    if not kind or severity == 0:
        return audio_SC.copy()
    worse = _KINDS[kind](audio_SC.astype(np.float32), severity, sample_rate, rng)
    peak = float(np.abs(worse).max())
    return (worse / max(1.0, peak / 0.99)).astype(np.float32)


def _check(kind: str, severity: float) -> None:
    if kind and kind not in DEGRADATIONS:
        raise ValueError(f"degradation {kind!r}: expected one of {', '.join(DEGRADATIONS)} or ''")
    if not 0 <= severity <= 1:
        raise ValueError(f"severity = {severity}: expected a number in [0, 1]")


def _rms(audio: np.ndarray) -> float:
    return float(np.sqrt(np.mean(np.square(audio, dtype=np.float64)))) + 1e-9


def _noise(audio_SC: np.ndarray, severity: float, sample_rate: int, rng: np.random.Generator) -> np.ndarray:
    """Pink noise below 7 kHz at a signal-to-noise ratio of 36 down to 0 dB."""
    samples, channels = audio_SC.shape
    bins = samples // 2 + 1
    frequency = np.fft.rfftfreq(samples, 1 / sample_rate)
    shape = np.where(
        (frequency > 40) & (frequency < min(7000, 0.45 * sample_rate)), 1 / np.sqrt(np.maximum(frequency, 40)), 0
    )
    spectrum = (rng.standard_normal((bins, channels)) + 1j * rng.standard_normal((bins, channels))) * shape[:, None]
    noise = np.fft.irfft(spectrum, n=samples, axis=0)
    ratio_db = 36 * (1 - severity)
    return audio_SC + noise * (_rms(audio_SC) / _rms(noise) * 10 ** (-ratio_db / 20))


def _clipping(audio_SC: np.ndarray, severity: float, sample_rate: int, rng: np.random.Generator) -> np.ndarray:
    """Hard clipping with a drive of 4 to 34 dB over the point where peaks (99.9th percentile) touch full scale."""
    drive = 10 ** ((4 + 30 * severity) / 20)
    return np.clip(audio_SC / (np.quantile(np.abs(audio_SC), 0.999) + 1e-9) * drive, -1, 1) * 0.7


def _band_limit(audio_SC: np.ndarray, severity: float, sample_rate: int, rng: np.random.Generator) -> np.ndarray:
    """Low-pass without delay, 48 dB an octave; its cut-off falls from 5 kHz to 500 Hz."""
    from scipy.signal import butter, sosfiltfilt

    cutoff = 5000 * (500 / 5000) ** severity
    return sosfiltfilt(butter(4, cutoff, fs=sample_rate, output="sos"), audio_SC, axis=0)


def _hum(audio_SC: np.ndarray, severity: float, sample_rate: int, rng: np.random.Generator) -> np.ndarray:
    """Mains hum: 50 Hz and eleven overtones, 30 dB below the music up to 6 dB above it."""
    t = np.arange(len(audio_SC)) / sample_rate
    hum = sum(np.sin(2 * np.pi * 50 * k * t + rng.uniform(0, 6.28)) / k**0.7 for k in range(1, 13))
    level_db = -30 + 36 * severity
    return audio_SC + np.asarray(hum)[:, None] * (_rms(audio_SC) / _rms(np.asarray(hum)) * 10 ** (level_db / 20))


def _dropouts(audio_SC: np.ndarray, severity: float, sample_rate: int, rng: np.random.Generator) -> np.ndarray:
    """Holes of 20 to 90 ms; 1 to 9 a second."""
    worse = audio_SC.copy()
    seconds = len(audio_SC) / sample_rate
    holes = max(1, round((1 + 8 * severity) * seconds))
    for _ in range(holes):
        length = int(rng.uniform(0.02, 0.03 + 0.06 * severity) * sample_rate)
        start = int(rng.uniform(0, max(1, len(worse) - length)))
        worse[start : start + length] = 0
    return worse


def _coding(audio_SC: np.ndarray, severity: float, sample_rate: int, rng: np.random.Generator) -> np.ndarray:
    """Mono MP3 at 16 kHz, 48 down to 8 kbit/s, aligned with the original."""
    import soundfile

    mono = resample(audio_SC.mean(axis=1), sample_rate, CODING_RATE)
    file = io.BytesIO()
    # libsndfile maps compression_level 0…1 to 160…8 kbit/s for MPEG-2 rates.
    level = min(0.999, 1 - (48 * (8 / 48) ** severity - 8) / 152)
    soundfile.write(
        file,
        mono,
        CODING_RATE,
        format="MP3",
        subtype="MPEG_LAYER_III",
        bitrate_mode="CONSTANT",
        compression_level=level,
    )
    file.seek(0)
    coded, rate = soundfile.read(file, dtype="float32")
    if len(coded) > len(mono):  # frames too small for the header that says how much silence the codec put in front
        coded = coded[CODEC_DELAY:]
    back = _fit(resample(coded, rate, sample_rate), len(audio_SC))
    return np.repeat(back[:, None], audio_SC.shape[1], axis=1)


def _wow(audio_SC: np.ndarray, severity: float, sample_rate: int, rng: np.random.Generator) -> np.ndarray:
    """Speed that swings at 1.3 and 6 Hz; pitch deviates by up to 4 to 120 cents."""
    t = np.arange(len(audio_SC)) / sample_rate
    depth = 2 ** (4 * 30**severity / 1200) - 1
    phase = rng.uniform(0, 6.28, 2)
    shift = 0.75 * np.sin(2 * np.pi * 1.3 * t + phase[0]) / (2 * np.pi * 1.3)
    shift += 0.25 * np.sin(2 * np.pi * 6 * t + phase[1]) / (2 * np.pi * 6)
    position = np.clip((t + depth * shift) * sample_rate, 0, len(t) - 1)
    return np.stack([np.interp(position, np.arange(len(t)), channel) for channel in audio_SC.T], axis=1)


def _fit(audio: np.ndarray, samples: int) -> np.ndarray:
    return np.pad(audio[:samples], (0, max(0, samples - len(audio))))


_KINDS = {
    "noise": _noise,
    "clipping": _clipping,
    "band limit": _band_limit,
    "hum": _hum,
    "dropouts": _dropouts,
    "coding": _coding,
    "wow": _wow,
}
