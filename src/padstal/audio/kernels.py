"""Inner loops over samples, compiled: one pass each, no copies; the machine code is kept beside this file.

Audio is C-contiguous [S, C] with 1 or 2 channels.
"""

import numba
import numpy as np
from numba import njit

numba.config.SLP_VECTORIZE = 1  # type: ignore[attr-defined]
"""Both channels in one register: the filter takes 0.55 of the time and gives the same bits. Numba leaves it off for
faults of LLVM 14; the tests hold every kernel against its own Python, bit by bit."""


@njit(cache=True)
def energies(audio_SC: np.ndarray, sections: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """Sum of squares over channels of filtered audio, between each edge and the next: float64 [edges − 1].

    Args:
        audio_SC: float32 or float64.
        sections: Two second-order sections [2, 6], as SciPy's, in transposed direct form II.
        edges: Ascending sample numbers; the first is 0.
    """
    b0, b1, b2, a1, a2 = sections[0, 0], sections[0, 1], sections[0, 2], sections[0, 4], sections[0, 5]
    d0, d1, d2, c1, c2 = sections[1, 0], sections[1, 1], sections[1, 2], sections[1, 4], sections[1, 5]
    found = np.zeros(len(edges) - 1)
    p = q = u = v = 0.0  # the filters' states: left
    r = s = w = h = 0.0  # and right
    stereo = audio_SC.shape[1] == 2
    for j in range(len(edges) - 1):
        left = right = 0.0
        if stereo:  # both channels at once: each is worked on while the other waits for its last result
            for i in range(edges[j], edges[j + 1]):
                x, k = np.float64(audio_SC[i, 0]), np.float64(audio_SC[i, 1])
                y, m = b0 * x + p, b0 * k + r
                p, r = (b1 * x + q) - a1 * y, (b1 * k + s) - a1 * m
                q, s = b2 * x - a2 * y, b2 * k - a2 * m
                z, n = d0 * y + u, d0 * m + w
                u, w = (d1 * y + v) - c1 * z, (d1 * m + h) - c1 * n
                v, h = d2 * y - c2 * z, d2 * m - c2 * n
                left += z * z
                right += n * n
        else:
            for i in range(edges[j], edges[j + 1]):
                x = np.float64(audio_SC[i, 0])
                y = b0 * x + p
                p = (b1 * x + q) - a1 * y
                q = b2 * x - a2 * y
                z = d0 * y + u
                u = (d1 * y + v) - c1 * z
                v = d2 * y - c2 * z
                left += z * z
        found[j] = left + right
    return found


@njit(cache=True)
def swings(audio_SC: np.ndarray, threshold: float) -> bool:
    """Whether a channel of float32 audio has two samples that lie twice `threshold` or more apart."""
    for channel in range(audio_SC.shape[1]):
        low = high = audio_SC[0, channel]
        for i in range(audio_SC.shape[0]):
            x = audio_SC[i, channel]
            low = x if x < low else low
            high = x if x > high else high
            if high - low >= 2 * threshold:
                return True
    return False


@njit(cache=True)
def quantise(audio_SC: np.ndarray, gain: np.float32) -> np.ndarray:
    """float32 audio times `gain` as int16: the nearest step, halves to even, saturating at full scale."""
    pcm_SC = np.empty(audio_SC.shape, np.int16)
    audio, pcm = audio_SC.reshape(-1), pcm_SC.reshape(-1)
    scale = np.float32(gain * np.float32(32768.0))
    for i in range(audio.size):
        x = np.rint(audio[i] * scale)
        x = np.float32(-32768.0) if x < np.float32(-32768.0) else x
        pcm[i] = np.int16(np.int32(np.float32(32767.0) if x > np.float32(32767.0) else x))
    return pcm_SC


@njit(cache=True)
def peak_and_squares(pcm_SC: np.ndarray) -> tuple[int, int]:
    """Largest magnitude and sum of squares of int16 samples, exact."""
    pcm = pcm_SC.reshape(-1)
    peak, squares = np.int32(0), np.int64(0)
    for i in range(pcm.size):
        x = np.int32(pcm[i])
        squares += np.int64(x * x)
        peak = max(peak, abs(x))
    return int(peak), int(squares)


@njit(cache=True)
def framed(pcm_SC: np.ndarray, window_P: np.ndarray) -> np.ndarray:
    """Neighbouring stretches of the sum over the channels of int16 samples, times a window: float32 [N, P]."""
    points = window_P.shape[0]
    frames_NP = np.empty((pcm_SC.shape[0] // points, points), np.float32)
    stereo = pcm_SC.shape[1] == 2
    for n in range(frames_NP.shape[0]):
        at = n * points
        if stereo:
            for i in range(points):
                total = np.int32(pcm_SC[at + i, 0]) + np.int32(pcm_SC[at + i, 1])
                frames_NP[n, i] = np.float32(total) * window_P[i]
        else:
            for i in range(points):
                frames_NP[n, i] = np.float32(pcm_SC[at + i, 0]) * window_P[i]
    return frames_NP


@njit(cache=True)
def power(spectrum_NF: np.ndarray) -> np.ndarray:
    """Sum over N of the squared magnitudes of complex64 spectra, float32 [F]."""
    real, imaginary = np.zeros(spectrum_NF.shape[1], np.float32), np.zeros(spectrum_NF.shape[1], np.float32)
    for n in range(spectrum_NF.shape[0]):
        for f in range(spectrum_NF.shape[1]):
            x, y = spectrum_NF[n, f].real, spectrum_NF[n, f].imag
            real[f] += x * x
            imaginary[f] += y * y
    return real + imaginary


@njit(cache=True)
def moments(audio_SC: np.ndarray) -> tuple[np.float64, np.float64, np.float64, np.float64, np.float64]:
    """Of float32 audio [S, 2]: sums of left, right, left², right² and left · right."""
    left = right = left_left = right_right = left_right = np.float64(0.0)
    for i in range(audio_SC.shape[0]):
        x, y = np.float64(audio_SC[i, 0]), np.float64(audio_SC[i, 1])
        left += x
        right += y
        left_left += x * x
        right_right += y * y
        left_right += x * y
    return left, right, left_left, right_right, left_right


@njit(cache=True)
def count_from(audio: np.ndarray, floor: np.float32) -> int:
    """How many float32 samples [S] have a magnitude of `floor` or more."""
    count = 0
    for i in range(audio.size):
        count += abs(audio[i]) >= floor
    return count
