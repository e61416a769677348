"""Generated audio as files hold it: 16-bit samples."""

import numpy as np


def to_pcm(audio_NCS: np.ndarray) -> np.ndarray:
    """int16 [N, S, C] of float audio [N, C, S]; what lies beyond ±1 is clipped."""
    pcm_NCS = np.round(np.clip(audio_NCS, -1.0, 32767 / 32768) * 32768.0)
    return pcm_NCS.astype(np.int16).transpose(0, 2, 1)
