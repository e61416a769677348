"""Two processes train as one does, each with all weights (DDP) or with its rows of them (FSDP2): the same losses and
weights, one of them writes, and SIGTERM to either ends both."""

import json
import os
import signal
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import torch

from padstal.training.process_group import TERMINATED

if TYPE_CHECKING:
    from collections.abc import Callable

    from padstal.training.loop import Trained

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
KINDS = ["diffusion", "codecs"]
OF_SHARDS = ("mrstft", "ce_", "feature_matching", "gradient_norm_")
"""Beginnings of the curves that are ratios over a batch: theirs is the mean of the shards' ratios."""


@pytest.fixture(scope="module")
def together(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What one pair of processes trained, one training after the other."""
    folder = tmp_path_factory.mktemp("together")
    for kind in KINDS:
        begin(kind, folder / "sharing" / f"{kind}_begun")
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src"), "OMP_NUM_THREADS": "1"}
    for name in ("LOCAL_RANK", "NODE_RANK", "MASTER_ADDR", "MASTER_PORT", "WORLD_SIZE"):
        environment.pop(name, None)
    command = [sys.executable, str(Path(__file__).with_name("train_together.py")), str(folder)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=500)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-6000:]
    return folder


@pytest.fixture(scope="module")
def sharing(together: Path) -> Path:
    return together / "sharing"


@pytest.fixture(scope="module", params=["replicated", "sharing"])
def out(together: Path, request: pytest.FixtureRequest) -> Path:
    return together / str(request.param)


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> "Callable[[str], Trained]":
    """What one process gives, trained once a kind."""
    from tests.training.together import SHORT, run

    return cache(lambda kind: run(kind, tmp_path_factory.mktemp(kind) / "one", **SHORT[kind]))


def begin(kind: str, state: Path) -> None:
    """One process, which SIGTERM ends with a checkpoint."""
    from tests.training.together import ENDS_AT, SHORT, run

    def end(step: int) -> None:
        if step == ENDS_AT:
            os.kill(os.getpid(), signal.SIGTERM)

    with pytest.raises(SystemExit):
        run(kind, state, before_step=end, **SHORT[kind])


@pytest.mark.parametrize("how", ["whole", "accumulated"])
@pytest.mark.parametrize("kind", KINDS)
def test_two_processes_give_the_losses_and_weights_of_one(
    out: Path, kind: str, how: str, alone: "Callable[[str], Trained]"
) -> None:
    weights, curves = torch.load(out / f"{kind}_{how}.pt", weights_only=True)
    assert_alike(weights, curves, alone(kind))


def test_blocks_that_a_step_passes_twice_are_shared_out_right(sharing: Path, alone: "Callable[[str], Trained]") -> None:
    weights, curves = torch.load(sharing / "systems_whole.pt", weights_only=True)
    assert_alike(weights, curves, alone("systems"))


@pytest.mark.parametrize("kind", KINDS)
def test_a_checkpoint_of_shared_out_weights_is_taken_up_without_sharing_and_the_reverse(
    sharing: Path, kind: str, alone: "Callable[[str], Trained]"
) -> None:
    from tests.training.together import SHORT, run

    steps = list[int]()
    weights, curves = torch.load(sharing / f"{kind}_taken_up.pt", weights_only=True)
    assert_alike(weights, curves, alone(kind))
    taken_up = run(kind, sharing / f"{kind}_ended", before_step=steps.append, **SHORT[kind])
    assert steps[0] > 0
    assert_alike(taken_up.average.state_dict(), taken_up.curves, alone(kind))


def assert_alike(weights: dict[str, torch.Tensor], curves: list[dict[str, float]], alone: "Trained") -> None:
    for name, weight in alone.average.state_dict().items():
        torch.testing.assert_close(weights[name], weight, atol=1e-5, rtol=1e-4, msg=lambda m, n=name: f"{n}: {m}")
    assert [row["step"] for row in curves] == [row["step"] for row in alone.curves]
    for row, one in zip(curves, alone.curves, strict=True):
        kept = [name for name in one if not name.startswith(OF_SHARDS)]
        assert {name: row[name] for name in kept} == pytest.approx(
            {name: one[name] for name in kept}, rel=1e-4, abs=1e-5
        )
        assert row.keys() == one.keys()


def test_a_loss_that_is_no_number_in_one_process_ends_both_and_the_clips_of_both_are_named(together: Path) -> None:
    failing = together / "failing"
    errors = [(failing / f"error_{rank}.txt").read_text() for rank in range(2)]
    assert errors[0] == errors[1]
    assert "loss = nan, gradient_norm = nan at step 5" in errors[0]
    failure = json.loads((failing / "state" / "failure.json").read_text())
    assert len(failure["clip_ids"]) == len(set(failure["clip_ids"])) == 6


@pytest.mark.parametrize("kind", KINDS)
def test_sigterm_to_the_second_process_ends_both_with_a_checkpoint_that_resumes_to_the_same_bits(
    out: Path, kind: str
) -> None:
    statuses = [(out / f"{kind}_status_{rank}.txt").read_text() for rank in range(2)]
    assert statuses == [str(TERMINATED), "0"]
    whole, resumed = (torch.load(out / f"{kind}_{name}.pt", weights_only=True) for name in ("whole", "resumed"))
    assert whole[1] == resumed[1]
    assert all(torch.equal(weight, resumed[0][name]) for name, weight in whole[0].items())


def test_the_second_process_writes_nothing(out: Path) -> None:
    first, second = ((out / f"writes_{rank}.txt").read_text().splitlines() for rank in range(2))
    mine = [name for name in second if "latents_1" not in name and not name.endswith("_status_1.txt")]
    assert mine == []
    assert any("codecs_ended" in name for name in first)
