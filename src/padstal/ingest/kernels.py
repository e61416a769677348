"""Inner loops over samples, compiled: one pass each, no copies; the machine code is kept beside this file.

Audio is C-contiguous [S, C] with 1 or 2 channels.
"""

import numba
import numpy as np
from numba import njit

numba.config.SLP_VECTORIZE = 1  # type: ignore[attr-defined]
"""Both channels in one register: the filter takes 0.55 of the time and gives the same bits. Numba leaves it off for
faults of LLVM 14; the tests hold every kernel against its own Python, bit by bit."""


LANES = 4
"""Chains of a recursion that are worked on at once, in one register: each alone would wait for its last result."""
_ROWS = 256
"""Samples of each lane that are laid side by side at a time; they stay in the nearest cache."""
_WHISPER = 1e-30
"""Added to every sample: without it silence would bring the filter to numbers so small that processors take a hundred
times as long over them."""


@njit(cache=True)
def energies(
    audio_SC: np.ndarray, sections: np.ndarray, edges: np.ndarray, warm_up: int
) -> tuple[np.ndarray, np.float64]:
    """Sum of squares over channels of filtered audio, between each edge and the next, and the largest magnitude.

    Two stretches of stereo, or four of mono, are filtered side by side. All but the first begin with silence `warm_up`
    samples early, by when the filter must have forgotten what came before.

    Args:
        audio_SC: float32 or float64.
        sections: Two second-order sections [2, 6], as SciPy's.
        edges: Ascending sample numbers, from 0 to the last sample's end.
        warm_up: Samples.

    Returns:
        float64 [edges − 1], and one number of the audio as it is.
    """
    channels, steps = audio_SC.shape[1], len(edges) - 1
    stretches = LANES // channels
    found = np.zeros(steps)
    bounds = np.searchsorted(edges, np.arange(stretches + 1) * edges[-1] // stretches)
    step, at = bounds[:-1].copy(), np.zeros(stretches, np.int64)
    for k in range(1, stretches):
        at[k] = max(0, edges[step[k]] - warm_up)
        step[k] -= at[k] < edges[step[k]]
    rows_RL, state_VL = np.zeros((_ROWS, LANES)), np.zeros((6, LANES))
    while True:
        run = 0
        for k in range(stretches):
            if step[k] < bounds[k + 1]:
                left = min(_ROWS, edges[step[k] + 1] - at[k])
                run = min(run, left) if run else left
        if not run:
            return found, state_VL[5].max()
        for k in range(stretches):
            if step[k] == bounds[k + 1]:
                continue  # what is in its lanes is filtered again, for nothing
            own_RC = rows_RL[:run, k * channels : (k + 1) * channels]
            from_RC = audio_SC[at[k] : at[k] + run]
            for c in range(channels):
                for i in range(run):
                    own_RC[i, c] = from_RC[i, c]
        filter_rows(rows_RL[:run], sections, state_VL)
        for k in range(stretches):
            at[k] += run
            if step[k] < bounds[k + 1] and at[k] == edges[step[k] + 1]:
                own = state_VL[4, k * channels : (k + 1) * channels]
                if step[k] >= bounds[k]:
                    found[step[k]] = own.sum()
                own[:] = 0.0
                step[k] += 1


@njit(cache=True)
def filter_rows(rows_RL: np.ndarray, sections: np.ndarray, state_VL: np.ndarray) -> None:
    """Two second-order sections over four lanes; all lanes are written out, so that each line becomes one instruction.

    Transposed direct form II with the output put into the states' equations, which shortens what waits for the last
    result to one product and one difference:

        y = b₀ x + p,    p ← (e₁ x + q) − a₁ p,    q ← e₂ x − a₂ p,    e_i = b_i − a_i b₀

    Args:
        rows_RL: float64 [R, 4].
        sections: [2, 6], as SciPy's.
        state_VL: [6, 4], changed in place: p and q of the first section and of the second (u and v); the sum of the
            squares of what comes out; the largest magnitude of what goes in.
    """
    b0, a1, a2 = sections[0, 0], sections[0, 4], sections[0, 5]
    d0, c1, c2 = sections[1, 0], sections[1, 4], sections[1, 5]
    e1, e2 = sections[0, 1] - a1 * b0, sections[0, 2] - a2 * b0
    f1, f2 = sections[1, 1] - c1 * d0, sections[1, 2] - c2 * d0
    p0, p1, p2, p3 = state_VL[0, 0], state_VL[0, 1], state_VL[0, 2], state_VL[0, 3]
    q0, q1, q2, q3 = state_VL[1, 0], state_VL[1, 1], state_VL[1, 2], state_VL[1, 3]
    u0, u1, u2, u3 = state_VL[2, 0], state_VL[2, 1], state_VL[2, 2], state_VL[2, 3]
    v0, v1, v2, v3 = state_VL[3, 0], state_VL[3, 1], state_VL[3, 2], state_VL[3, 3]
    s0, s1, s2, s3 = state_VL[4, 0], state_VL[4, 1], state_VL[4, 2], state_VL[4, 3]
    m0, m1, m2, m3 = state_VL[5, 0], state_VL[5, 1], state_VL[5, 2], state_VL[5, 3]
    for i in range(rows_RL.shape[0]):
        x0, x1, x2, x3 = rows_RL[i, 0], rows_RL[i, 1], rows_RL[i, 2], rows_RL[i, 3]
        t0, t1, t2, t3 = abs(x0), abs(x1), abs(x2), abs(x3)
        m0, m1, m2, m3 = t0 if t0 > m0 else m0, t1 if t1 > m1 else m1, t2 if t2 > m2 else m2, t3 if t3 > m3 else m3
        x0, x1, x2, x3 = x0 + _WHISPER, x1 + _WHISPER, x2 + _WHISPER, x3 + _WHISPER
        y0, y1, y2, y3 = b0 * x0 + p0, b0 * x1 + p1, b0 * x2 + p2, b0 * x3 + p3
        t0, t1, t2, t3 = e1 * x0 + q0, e1 * x1 + q1, e1 * x2 + q2, e1 * x3 + q3
        q0, q1, q2, q3 = e2 * x0 - a2 * p0, e2 * x1 - a2 * p1, e2 * x2 - a2 * p2, e2 * x3 - a2 * p3
        p0, p1, p2, p3 = t0 - a1 * p0, t1 - a1 * p1, t2 - a1 * p2, t3 - a1 * p3
        z0, z1, z2, z3 = d0 * y0 + u0, d0 * y1 + u1, d0 * y2 + u2, d0 * y3 + u3
        t0, t1, t2, t3 = f1 * y0 + v0, f1 * y1 + v1, f1 * y2 + v2, f1 * y3 + v3
        v0, v1, v2, v3 = f2 * y0 - c2 * u0, f2 * y1 - c2 * u1, f2 * y2 - c2 * u2, f2 * y3 - c2 * u3
        u0, u1, u2, u3 = t0 - c1 * u0, t1 - c1 * u1, t2 - c1 * u2, t3 - c1 * u3
        s0, s1, s2, s3 = s0 + z0 * z0, s1 + z1 * z1, s2 + z2 * z2, s3 + z3 * z3
    state_VL[0, 0], state_VL[0, 1], state_VL[0, 2], state_VL[0, 3] = p0, p1, p2, p3
    state_VL[1, 0], state_VL[1, 1], state_VL[1, 2], state_VL[1, 3] = q0, q1, q2, q3
    state_VL[2, 0], state_VL[2, 1], state_VL[2, 2], state_VL[2, 3] = u0, u1, u2, u3
    state_VL[3, 0], state_VL[3, 1], state_VL[3, 2], state_VL[3, 3] = v0, v1, v2, v3
    state_VL[4, 0], state_VL[4, 1], state_VL[4, 2], state_VL[4, 3] = s0, s1, s2, s3
    state_VL[5, 0], state_VL[5, 1], state_VL[5, 2], state_VL[5, 3] = m0, m1, m2, m3


@njit(cache=True)
def moments(audio_SC: np.ndarray) -> tuple[np.float64, np.float64, np.float64, np.float64, np.float64]:
    """Of float32 audio [S, 2]: sums of left, right, left², right² and left · right; of every other pair at once."""
    samples = audio_SC.reshape(-1)
    s0 = s1 = s2 = s3 = np.float64(0.0)
    q0 = q1 = q2 = q3 = np.float64(0.0)
    r0 = r1 = np.float64(0.0)
    whole = samples.size // 4 * 4
    for i in range(0, whole, 4):
        x0, x1 = np.float64(samples[i]), np.float64(samples[i + 1])
        x2, x3 = np.float64(samples[i + 2]), np.float64(samples[i + 3])
        s0, s1, s2, s3 = s0 + x0, s1 + x1, s2 + x2, s3 + x3
        q0, q1, q2, q3 = q0 + x0 * x0, q1 + x1 * x1, q2 + x2 * x2, q3 + x3 * x3
        r0, r1 = r0 + x0 * x1, r1 + x2 * x3
    if whole < samples.size:
        x0, x1 = np.float64(samples[whole]), np.float64(samples[whole + 1])
        s0, s1, q0, q1, r0 = s0 + x0, s1 + x1, q0 + x0 * x0, q1 + x1 * x1, r0 + x0 * x1
    return s0 + s2, s1 + s3, q0 + q2, q1 + q3, r0 + r1


@njit(cache=True)
def crc16(content: np.ndarray) -> int:
    """CRC-16 of polynomial 0x8005, reflected, start 0, of bytes [N] (uint8)."""
    table = np.zeros(256, np.uint16)
    for byte in range(256):
        value = byte
        for _ in range(8):
            value = value >> 1 ^ (0xA001 if value & 1 else 0)
        table[byte] = value
    crc = np.uint16(0)
    for byte in content:
        crc = crc >> np.uint16(8) ^ table[(crc ^ byte) & np.uint16(0xFF)]
    return int(crc)
