import numpy as np
import pytest
from tests.evaluation.test_measure import world

from padstal.evaluation.clap_score import flattened
from padstal.evaluation.copies import nearest, of_prompts
from padstal.evaluation.judged import Judged, Reference


def unit(draw: np.random.Generator, clips: int, near: np.ndarray | None = None) -> np.ndarray:
    vectors = draw.standard_normal((clips, 6)) * (1 if near is None else 0.05) + (0 if near is None else near)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def test_the_distance_is_that_to_the_nearest_of_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("padstal.evaluation.copies.BLOCK", 4)
    draw = np.random.default_rng(0)
    clips, training = unit(draw, 9), unit(draw, 20)
    direct = [min(1 - clip @ other for other in training) for clip in clips]
    np.testing.assert_allclose(nearest(clips, training), direct)


def test_samples_beside_training_clips_are_near_copies_and_others_are_not() -> None:
    heard, prompts, reference = world(40)
    samples = flattened(heard.clap_NWD.reshape(24, 3, -1))
    beside = Reference(reference.heard, reference.genre_M, samples[:12])
    share = of_prompts(Judged(heard, prompts, beside, 3))
    assert share is not None
    assert share[:4].tolist() == [1.0] * 4, "the samples themselves"
    unheard = Reference(reference.heard, reference.genre_M)
    assert of_prompts(Judged(heard, prompts, unheard, 3)) is None
    usual = Reference(reference.heard, reference.genre_M, flattened(reference.heard.clap_NWD))
    assert of_prompts(Judged(heard, prompts, usual, 3)).max() == 0, "nothing is nearer than held-out clips are"  # type: ignore[union-attr]
