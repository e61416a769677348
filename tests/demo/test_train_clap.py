"""Training the small CLAP: InfoNCE in closed form, equal models from equal seeds."""

import math

import pytest
import torch
from tests.foundation.test_clap import SHAPE, TEXTS, sines

from padstal.demo.config import TrainedClap
from padstal.demo.train_clap import info_nce, train

SECTION = TrainedClap(
    kind="trained",
    clips=20,
    fit={"steps": 3, "batch": 8, "learning_rate": 1e-3, "seed": 0},
    **SHAPE.model_dump(),
)


def test_info_nce_of_perfect_pairs_and_of_equal_rows_is_known():
    scale = torch.tensor(math.log(10.0))
    perfect = info_nce(torch.eye(4), torch.eye(4), scale)
    assert float(perfect) == pytest.approx(math.log(1 + 3 * math.exp(-10)), rel=1e-3)
    same = torch.ones(4, 4) / 2
    assert float(info_nce(same, same, scale)) == pytest.approx(math.log(4))
    swapped = torch.eye(4)[[1, 0, 3, 2]]
    assert float(info_nce(torch.eye(4), swapped, scale)) == pytest.approx(10, rel=1e-2)


@pytest.mark.slow
def test_equal_seeds_train_equal_models_whose_folder_says_their_size_alone():
    runs = [
        train(sines(16, 0), lambda row, rng: TEXTS[row % 4], SECTION, sample_rate=16_000, device=torch.device("cpu"))
        for _ in range(2)
    ]
    (first, losses), (second, _) = runs
    assert len(losses) == 3
    again = second.model.state_dict()
    assert all(torch.equal(value, again[name]) for name, value in first.model.state_dict().items())
    assert first.config["shape"] == SHAPE.model_dump()
