from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import torch

if TYPE_CHECKING:
    from padstal.diffusion.training import Trained

pytestmark = pytest.mark.slow  # imports lightning


class KilledError(RuntimeError):
    pass


def run(folder: Path, *, die_at: int | None = None) -> "Trained":
    from tests.diffusion.together import trained

    def log(row: dict[str, float], step: int) -> None:
        if step == die_at:
            raise KilledError

    return trained(folder, log=log)


def test_a_killed_run_resumes_to_the_same_weights_and_curves(tmp_path: Path) -> None:
    from padstal.diffusion.training import CHECKPOINT

    whole = run(tmp_path / "whole")
    with pytest.raises(KilledError):
        run(tmp_path / "killed", die_at=16)
    assert (tmp_path / "killed" / CHECKPOINT).exists()
    resumed = run(tmp_path / "killed")
    assert resumed.curves == whole.curves
    assert [row["step"] for row in whole.curves] == [8, 16, 24]
    weights = whole.denoiser.state_dict(), resumed.denoiser.state_dict()
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])


def test_training_lowers_the_loss_and_hands_back_averaged_weights(tmp_path: Path) -> None:
    from padstal.diffusion.training import CHECKPOINT

    trained = run(tmp_path / "state")
    assert trained.curves[-1]["validation_loss"] < trained.curves[0]["validation_loss"]
    assert trained.curves[-1]["learning_rate"] < trained.curves[0]["learning_rate"]
    checkpoint = torch.load(tmp_path / "state" / CHECKPOINT, weights_only=True)
    last = checkpoint["state_dict"]["denoiser.dit.project_out.weight"]
    average = trained.denoiser.state_dict()["dit.project_out.weight"]
    assert average.any()
    assert not torch.equal(average, last)
