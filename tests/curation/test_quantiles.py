import numpy as np

from padstal.curation.quantiles import quantiles


def test_what_is_not_finite_has_no_quantile():
    assert quantiles(np.array([3.0, np.nan, 1.0, np.inf, 2.0]), (0.0, 0.5, 0.75)) == {"0.0": 1, "0.5": 2, "0.75": 2.5}
    assert quantiles(np.array([np.nan]), (0.5,)) is None
