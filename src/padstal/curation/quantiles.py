"""Quantiles as metrics give them."""

from collections.abc import Sequence

import numpy as np


def quantiles(values: np.ndarray, shares: Sequence[float]) -> dict[str, float] | None:
    """Share → quantile of the finite values; `None` where there is none."""
    finite = values[np.isfinite(values)]
    return {str(share): float(np.quantile(finite, share)) for share in shares} if len(finite) else None
