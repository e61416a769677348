"""A training that is killed many times at random moments ends with the bits of one that was not."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
KILLS = [16, pytest.param(50, marks=pytest.mark.long)]


@pytest.mark.parametrize("kills", KILLS)
def test_kills_change_no_bit(tmp_path: Path, kills: int) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src"), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, str(Path(__file__).with_name("train_killed.py")), str(tmp_path), str(kills)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=500)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-6000:]
    lives = [line.split() for line in (tmp_path / "lives.txt").read_text().splitlines()]
    assert len(lives) == kills
    assert {how for how, _ in lives} == {"SIGTERM", "SIGALRM", "SIGKILL"}
    begun = [int(step) for _, step in lives]
    assert begun == sorted(begun)
    assert len(set(begun)) > kills / 4  # most lives came further
    whole, killed = (torch.load(tmp_path / f"{name}.pt", weights_only=True) for name in ("whole", "killed"))
    assert whole[1] == killed[1]
    assert all(torch.equal(weight, killed[0][name]) for name, weight in whole[0].items())
