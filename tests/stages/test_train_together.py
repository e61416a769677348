"""A training stage on two devices, as DVC starts it: SIGTERM leaves a checkpoint and status 143; one process writes."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml
from tests.diffusion.together import params
from tests.stages.test_train_diffusion import RUNS, TRAINING, prepare

from padstal.stages.harness import StageError
from padstal.training.process_group import TERMINATED

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]

ROOT = Path(__file__).resolve().parents[2]


def start(root: Path) -> "subprocess.Popen[str]":
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src"), "OMP_NUM_THREADS": "1"}
    for name in ("LOCAL_RANK", "NODE_RANK", "MASTER_ADDR", "MASTER_PORT", "WORLD_SIZE"):
        environment.pop(name, None)
    program = Path(__file__).with_name("train_together.py")
    return subprocess.Popen(
        [sys.executable, str(program), "tal_dit"],
        cwd=root,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def set_up(root: Path, monkeypatch: pytest.MonkeyPatch, **changes: Any) -> Any:
    stage = prepare(root, monkeypatch)
    model = params(**TRAINING | {"precision": "32-true"} | changes).model_dump(mode="json")
    tree = {
        "scale": "demo",
        "runtime": {"device": "cpu", "workers": 1, "threads": 1, "devices": 2},
        "tracking": {"mode": "disabled", "project": "test", "entity": None},
        **RUNS,
        "scales": {"demo": {"train_diffusion": {"audio_dit": model, "tal_dit": model}}},
    }
    (root / "params.yaml").write_text(yaml.safe_dump(tree), encoding="utf-8")
    return stage


@pytest.mark.long
def test_a_stage_that_was_asked_to_end_goes_on_from_its_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = set_up(tmp_path, monkeypatch, steps=60, log_every=20, validate_every=20, checkpoint_every=5)
    state = stage.paths.state("train_diffusion", "tal_dit")
    first = start(tmp_path)
    until = time.monotonic() + 300
    while not list(state.rglob("*.ckpt")) and first.poll() is None and time.monotonic() < until:
        time.sleep(0.02)
    first.send_signal(signal.SIGTERM)
    said, _ = first.communicate(timeout=400)
    assert first.returncode == TERMINATED, said
    assert list(state.rglob("*.ckpt"))
    assert not stage.paths.diffusion("tal_dit").exists()

    second = start(tmp_path)
    said, _ = second.communicate(timeout=400)
    assert second.returncode == 0, said
    assert pd.read_csv(stage.paths.curves("train_diffusion", "tal_dit"))["step"].tolist() == [20, 40, 60]
    assert stage.paths.metrics("train_diffusion", "tal_dit").exists()
    assert stage.paths.timing("train_diffusion", "tal_dit").exists()
    assert not state.exists()
    assert (tmp_path / "writes.txt").read_text() == ""
    assert said.count("M parameters") == 1


def test_a_batch_that_cannot_be_shared_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from padstal.stages import train_diffusion

    stage = prepare(tmp_path, monkeypatch)
    stage.runtime.__dict__["devices"] = 3
    with pytest.raises(
        StageError, match=r"runtime\.devices = 3, .*4 items for 3 processes or micro-batches: expected a multiple of 3"
    ):
        train_diffusion.main(stage)
