"""Training the p-MOS regressor: the censored loss in closed form, and noise that is heard in new clips."""

import pytest
import torch
from tests.foundation.test_pmos import SHAPE, clips

from padstal.demo.config import TrainedPmos
from padstal.demo.held_out import spearman
from padstal.demo.train_pmos import censored_loss, train

SECTION = TrainedPmos(
    kind="trained",
    clips=96,
    fit={"steps": 30, "batch": 32, "learning_rate": 5e-3, "seed": 0},
    **SHAPE.model_dump(),
)


def test_a_guess_above_the_scale_costs_nothing_at_5_and_its_error_elsewhere():
    guess = torch.tensor([7.0, 5.0, 7.0, 4.0])
    truth = torch.tensor([5.0, 5.0, 3.0, 5.0])
    expected = [0, 0, 4 - 0.25, 1 - 0.25]
    for row, value in enumerate(expected):
        assert float(censored_loss(guess[row : row + 1], truth[row : row + 1])) == pytest.approx(value)


def test_a_degraded_clip_that_is_heard_as_too_good_is_pulled_down():
    guess = torch.tensor([6.0], requires_grad=True)
    censored_loss(guess, torch.tensor([2.0])).backward()
    assert guess.grad is not None
    assert float(guess.grad) > 0


def test_noise_is_heard_in_clips_that_were_not_learnt_and_scores_stay_on_the_scale():
    scorer, losses = train(*clips(96, 0), SECTION, sample_rate=16_000, device=torch.device("cpu"))
    audio, mos = clips(64, 1)
    scores = scorer.score(audio)
    assert spearman(scores, mos) > 0.85
    assert scores.min() >= 1
    assert scores.max() <= 5
    assert len(losses) == 30
    assert scorer.config["shape"] == SHAPE.model_dump()
