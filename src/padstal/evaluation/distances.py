"""Squared distances between many points: float32 products sift them block by block, float64 decides what is close.

    |x − y|² − |x|² = |y|² − 2 x·y                                                                                (1)

In float32, (1) is off by no more than (Higham 2002, section 3.1; products are summed C columns at a time)

    ε = 2 (C + D/C + 16) 2⁻²⁴ (|x|² + max |y|²).                                                                  (2)

What lies within ε of a decision is computed anew, as the sum of squared differences in float64. So neighbours, and who
lies within a radius, are those of float64, at half its cost and without a matrix of all pairs.

Shape suffixes: N points x, M points y, D dimensions, B a block of x, K neighbours, O radii of a point, P pairs.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch

AT_ONCE = 2**22
"""Numbers of a block."""
COLUMNS = 512
"""C of (2)."""
LARGEST = float(np.finfo(np.float32).max) / 2
"""No distance is larger, but an infinite one."""


@dataclass(frozen=True)
class _Block:
    """(1) of the points x from `start` on, float32 [B, M]; `square_B` = |x|² and `slack_B` = ε."""

    start: int
    off_BM: np.ndarray
    square_B: np.ndarray
    slack_B: np.ndarray


def nearest(
    x_ND: np.ndarray,
    y_MD: np.ndarray,
    k: int,
    group_N: np.ndarray,
    group_M: np.ndarray,
    scale_D: np.ndarray | float = 1.0,
) -> tuple[np.ndarray, np.ndarray]:
    """The k points y nearest to each x, of another group than it: which [N, K], and squared distances [N, K], float64.

    Nearest first, of equal ones that which comes first; a distance is infinite where a point has fewer.

    Args:
        x_ND: Points, of any floating type.
        y_MD: Points among which to look, at least k.
        k: K.
        group_N: A number a point x.
        group_M: A number a point y.
        scale_D: Unit of each dimension.
    """
    which_NK = np.zeros((len(x_ND), k), np.int64)
    far_NK = np.full((len(x_ND), k), np.inf)
    for block in _sifted(x_ND, y_MD, scale_D):
        own = slice(block.start, block.start + len(block.off_BM))
        block.off_BM[group_N[own, None] == group_M] = np.inf
        kth_B = torch.from_numpy(block.off_BM).topk(k, largest=False).values[:, -1].numpy()
        i_P, j_P = np.nonzero(block.off_BM <= _upward(kth_B + 2 * block.slack_B)[:, None])
        i_P += block.start
        far_P = _exact(x_ND, y_MD, i_P, j_P, scale_D)
        order_P = np.lexsort((j_P, far_P, i_P))
        i_P, j_P, far_P = i_P[order_P], j_P[order_P], far_P[order_P]
        place_P = np.arange(len(i_P)) - np.searchsorted(i_P, i_P)
        kept_P = place_P < k
        which_NK[i_P[kept_P], place_P[kept_P]] = j_P[kept_P]
        far_NK[i_P[kept_P], place_P[kept_P]] = far_P[kept_P]
    return which_NK, far_NK


def within(x_ND: np.ndarray, y_MD: np.ndarray, radii_NO: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pairs nearer than the point's largest radius, and perhaps some that are not: x [P], y [P], squared distance [P].

    A distance is to float32's precision, but below each squared radius of `radii_NO` just where that of float64 is.
    """
    found = []
    most_N = radii_NO.max(axis=1)
    for block in _sifted(x_ND, y_MD, 1.0):
        most_B = most_N[block.start : block.start + len(block.off_BM)] - block.square_B
        i_P, j_P = np.nonzero(block.off_BM <= _upward(most_B + block.slack_B)[:, None])
        far_P = np.maximum(block.off_BM[i_P, j_P] + block.square_B[i_P], 0.0)
        slack_P = block.slack_B[i_P]
        i_P += block.start
        near_P = np.zeros(len(i_P), bool)
        for radius_N in radii_NO.T:
            near_P |= np.abs(radius_N[i_P] - far_P) <= slack_P
        far_P[near_P] = _exact(x_ND, y_MD, i_P[near_P], j_P[near_P], 1.0)
        found.append((i_P, j_P, far_P))
    i_P, j_P, far_P = (np.concatenate(parts) for parts in zip(*found, strict=True))
    return i_P, j_P, far_P


def _sifted(x_ND: np.ndarray, y_MD: np.ndarray, scale_D: np.ndarray | float) -> Iterator[_Block]:
    origin_D = y_MD.mean(axis=0, dtype=np.float64)  # distances do not change, and (2) is least near it
    columns = y_MD.shape[1]

    def prepared(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        moved = ((points - origin_D) / scale_D).astype(np.float32)
        return moved, np.einsum("nd,nd->n", moved, moved, dtype=np.float64)

    y, square_M = np.empty(y_MD.shape, np.float32), np.empty(len(y_MD))
    step = max(1, AT_ONCE // columns)
    for start in range(0, len(y_MD), step):
        y[start : start + step], square_M[start : start + step] = prepared(y_MD[start : start + step])
    bound = 2 * (min(COLUMNS, columns) + columns / COLUMNS + 16) * 2.0**-24
    step = max(1, AT_ONCE // max(len(y_MD), columns))
    for start in range(0, len(x_ND), step):
        x, square_B = prepared(x_ND[start : start + step])
        off = torch.from_numpy(square_M).float().repeat(len(x), 1)
        for at in range(0, columns, COLUMNS):
            part = slice(at, at + COLUMNS)
            off.addmm_(torch.from_numpy(x[:, part]), torch.from_numpy(y[:, part]).T, alpha=-2)  # (1)
        yield _Block(start, off.numpy(), square_B, bound * (square_B + square_M.max()))  # (2)


def _exact(
    x_ND: np.ndarray, y_MD: np.ndarray, i_P: np.ndarray, j_P: np.ndarray, scale_D: np.ndarray | float
) -> np.ndarray:
    far_P = np.empty(len(i_P))
    step = max(1, AT_ONCE // x_ND.shape[1])
    for start in range(0, len(i_P), step):
        part = slice(start, start + step)
        apart = (x_ND[i_P[part]].astype(np.float64) - y_MD[j_P[part]]) / scale_D
        far_P[part] = np.einsum("pd,pd->p", apart, apart)
    return far_P


def _upward(bound_B: np.ndarray) -> np.ndarray:
    """The next float32, and a finite one."""
    return np.nextafter(np.minimum(bound_B, LARGEST).astype(np.float32), np.float32(np.inf))
