from pathlib import Path

import pytest

pytestmark = pytest.mark.slow  # imports lightning


def test_training_lowers_the_loss_on_held_out_clips(tmp_path: Path) -> None:
    from tests.training.together import run

    curves = run("diffusion", tmp_path / "state").curves
    assert curves[-1]["validation_loss"] < curves[0]["validation_loss"]
    assert curves[-1]["validation_loss"] < curves[-1]["validation_loss_null"]
