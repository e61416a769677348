"""What CLAP-f listens to: a few fixed windows of a clip instead of one random crop (PADS-TAL 3).

The clip is mixed to mono, brought to CLAP's rate, scaled so that its peak is −1 dB, and rounded to int16 and back.
Windows start at 15, 50 and 85 % of (length − window), at full scale rounded to whole seconds; a shorter clip is
repeated.

Shape suffixes: B clips, S samples, C audio channels, W windows.
"""

import numpy as np

PEAK_DECIBELS = -1.0
INT16_SCALE = 32768.0


def window_starts(samples: int, window: int, positions: tuple[float, ...], grid: int = 1) -> list[int]:
    """First sample of each window.

    Args:
        samples: Length of the clip.
        window: Length of a window.
        positions: Each window's place as a share of (samples − window).
        grid: Starts are rounded to multiples of so many samples (one second at full scale, 1 for short clips) and
            then moved back inside the clip where rounding pushed them out.

    Raises:
        ValueError: A position lies outside [0, 1].
    """
    if any(not 0 <= position <= 1 for position in positions):
        raise ValueError(f"positions = {positions}: expected shares in [0, 1]")
    last = max(samples - window, 0)
    return [min(round(last * position / grid) * grid, last) for position in positions]


def fixed_windows(audio_BS: np.ndarray, window: int, positions: tuple[float, ...], grid: int = 1) -> np.ndarray:
    """Windows [B, W, window] of mono audio; audio shorter than a window is repeated until it fills one."""
    repeats = -(-window // audio_BS.shape[1])
    if repeats > 1:
        audio_BS = np.tile(audio_BS, (1, repeats))[:, :window]
    starts = window_starts(audio_BS.shape[1], window, positions, grid)
    return np.stack([audio_BS[:, start : start + window] for start in starts], axis=1)


def levelled(audio_BS: np.ndarray) -> np.ndarray:
    """Audio [B, S] with its peak at −1 dB full scale, after a round trip through int16; silence stays silence."""
    peak_B1 = np.abs(audio_BS).max(axis=1, keepdims=True)
    gain_B1 = np.where(peak_B1 > 0, 10 ** (PEAK_DECIBELS / 20) / np.maximum(peak_B1, 1e-12), 0.0)
    pcm_BS = np.round(audio_BS * gain_B1 * (INT16_SCALE - 1)).astype(np.int16)
    return pcm_BS.astype(np.float32) / INT16_SCALE


def mono_at(pcm_BSC: np.ndarray, sample_rate: int, target_rate: int) -> np.ndarray:
    """Mono float32 audio [B, S'] at `target_rate` Hz of int16 audio at `sample_rate` Hz."""
    mono_BS = pcm_BSC.astype(np.float32).mean(axis=2) / np.float32(INT16_SCALE)
    if sample_rate == target_rate:
        return mono_BS
    import soxr

    return np.stack([soxr.resample(mono_S, sample_rate, target_rate) for mono_S in mono_BS]).astype(np.float32)
