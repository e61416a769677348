"""More severe means farther from the original and a lower true score, for every kind."""

import numpy as np
import pytest

from padstal.demo.brief import draw_brief
from padstal.demo.composer import compose
from padstal.demo.degrade import BEST_MOS, degrade, true_mos
from padstal.demo.renderer import RENDER_RATE, render
from padstal.demo.vocabulary import DEGRADATIONS

RATE = RENDER_RATE


@pytest.fixture(scope="module")
def clean() -> np.ndarray:
    brief = draw_brief(np.random.default_rng(4), genre="funk", moods=("energetic",))
    return render(compose(brief, seconds=3, rng=np.random.default_rng(4)), seconds=3)


def _ratio_db(clean: np.ndarray, worse: np.ndarray) -> float:
    """Signal-to-noise ratio at the best gain and, for the coder's delay, the best shift of a few samples."""

    def at(shift: int) -> float:
        moved = np.roll(worse, shift, axis=0)
        gain = float((clean * moved).sum() / (np.square(moved).sum() + 1e-12))
        return 10 * np.log10(np.square(clean).sum() / np.square(clean - gain * moved).sum())

    return float(max(at(shift) for shift in range(-3, 4)))


@pytest.mark.parametrize("kind", DEGRADATIONS)
def test_a_higher_severity_lowers_the_signal_to_noise_ratio_and_the_true_score(clean, kind):
    mono = clean.mean(axis=1, keepdims=True)
    ratios = [
        _ratio_db(mono, degrade(mono, kind, severity, sample_rate=RATE, rng=np.random.default_rng(1)))
        for severity in (0.15, 0.5, 1.0)
    ]
    assert ratios[0] > ratios[1] > ratios[2] - 0.05
    assert ratios[0] > ratios[2] + 0.5
    scores = [true_mos(kind, severity) for severity in (0, 0.15, 0.5, 1.0)]
    assert scores[0] == BEST_MOS
    assert scores == sorted(scores, reverse=True)
    assert 1 <= scores[-1] < 2


@pytest.mark.parametrize("kind", DEGRADATIONS)
def test_shape_range_and_chance_are_kept(clean, kind):
    first, second = (degrade(clean, kind, 0.6, sample_rate=RATE, rng=np.random.default_rng(2)) for _ in range(2))
    assert first.shape == clean.shape
    assert first.dtype == np.float32
    assert np.abs(first).max() <= 0.99 + 1e-6
    assert np.array_equal(first, second)


@pytest.mark.parametrize("kind", ["", *DEGRADATIONS])
def test_severity_zero_changes_nothing(clean, kind):
    assert np.array_equal(degrade(clean, kind, 0.0, sample_rate=RATE, rng=np.random.default_rng(0)), clean)


def test_noise_has_the_stated_ratio(clean):
    worse = degrade(0.2 * clean, "noise", 0.5, sample_rate=RATE, rng=np.random.default_rng(0))
    noise = worse - 0.2 * clean
    assert 10 * np.log10(np.square(0.2 * clean).sum() / np.square(noise).sum()) == pytest.approx(18, abs=0.1)


def test_unknown_kinds_and_severities_are_errors(clean):
    with pytest.raises(ValueError, match="reverb"):
        degrade(clean, "reverb", 0.5, sample_rate=RATE, rng=np.random.default_rng(0))
    with pytest.raises(ValueError, match=r"severity = 1\.5"):
        true_mos("noise", 1.5)
