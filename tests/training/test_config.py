import pytest
from pydantic import ValidationError
from tests.diffusion.together import TRAINING

from padstal.training.config import TrainConfig


def test_what_need_not_be_said_is_one_micro_batch_nothing_kept_and_fresh_weights() -> None:
    config = TrainConfig.model_validate(TRAINING)
    assert (config.accumulate, config.keep_every, config.init_from) == (1, None, None)
    assert TrainConfig.model_validate(config.model_dump()) == config


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"validate_every": 12}, "validate_every = 12 must be a multiple of log_every = 8"),
        ({"accumulate": 4}, "batch = 6 must be a multiple of accumulate = 4"),
        ({"ema_decay": 1.0}, "less than 1"),
        ({"rate": {"kind": "linear"}}, "expected a rate schedule, .* with one of cosine, inverse, constant"),
    ],
)
def test_values_that_do_not_fit_are_refused(changes: dict[str, object], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        TrainConfig.model_validate({**TRAINING, **changes})
