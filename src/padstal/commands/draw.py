"""Sound as characters: a waveform's envelope and a mel-spectrogram for the terminal, in colour or without.

Shape suffixes: S samples, C channels, B mel bands, T columns.
"""

import numpy as np
from rich.color import Color
from rich.style import Style
from rich.text import Text

from padstal.reporting.media import mel_spectrogram, palette

EIGHTHS = " ▁▂▃▄▅▆▇█"
SHADES = " ░▒▓█"
ASCII_EIGHTHS, ASCII_SHADES = " ..::||##", " .:*#"
HALF = "▀"
_COLOURS = 48


def waveform(pcm_SC: np.ndarray, columns: int, rows: int, *, ascii_only: bool = False) -> list[str]:
    """Largest magnitude in each of `columns` stretches, as bars `rows` lines high; full height is the loudest."""
    blocks = ASCII_EIGHTHS if ascii_only else EIGHTHS
    peak_T = envelope(pcm_SC, columns)
    peak_T = peak_T / max(float(peak_T.max()), 1 / 32767)
    eighths_T = np.ceil(peak_T * rows * 8 - 1e-9).astype(int)
    lines = []
    for row in reversed(range(rows)):
        filled_T = np.clip(eighths_T - 8 * row, 0, 8)
        lines.append("".join(blocks[filled] for filled in filled_T))
    return lines


def envelope(pcm_SC: np.ndarray, columns: int) -> np.ndarray:
    """Largest magnitude [T] of int16 samples [S, C] in each of `columns` stretches of equal length, in [0, 1]."""
    edges = np.linspace(0, len(pcm_SC), columns + 1).astype(int)
    loudest_S = np.abs(pcm_SC.astype(np.int32)).max(axis=1) if len(pcm_SC) else np.zeros(1, np.int32)
    starts = np.minimum(edges[:-1], len(loudest_S) - 1)
    return np.minimum(np.maximum.reduceat(loudest_S, starts) / 32767.0, 1.0)


def spectrogram(
    pcm_SC: np.ndarray, sample_rate: int, columns: int, rows: int, *, colour: bool, ascii_only: bool = False
) -> list[Text]:
    """Mel-spectrogram, pitch upwards: two bands a line in colour (half blocks), one a line in shades without."""
    if colour and not ascii_only:
        level_BT = mel_spectrogram(pcm_SC, sample_rate, bands=2 * rows, columns=columns)[::-1]
        ramp = [Color.from_rgb(*map(int, rgb)) for rgb in palette(_COLOURS)]
        step_BT = np.round(level_BT * (_COLOURS - 1)).astype(int)
        lines = []
        for row in range(rows):
            line = Text()
            for upper, lower in zip(step_BT[2 * row], step_BT[2 * row + 1], strict=True):
                line.append(HALF, Style(color=ramp[upper], bgcolor=ramp[lower]))
            lines.append(line)
        return lines
    shades = ASCII_SHADES if ascii_only else SHADES
    level_BT = mel_spectrogram(pcm_SC, sample_rate, bands=rows, columns=columns)[::-1]
    step_BT = np.round(level_BT * (len(shades) - 1)).astype(int)
    return [Text("".join(shades[step] for step in step_T)) for step_T in step_BT]
