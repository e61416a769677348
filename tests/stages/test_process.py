"""A stage's process ends with the DVC that started it, from its first moment on, and is alone at its outputs."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml
from tests.flows.tiny import gone

from padstal.core.file_lock import file_lock

pytestmark = pytest.mark.timeout(120)
SRC = Path(__file__).resolve().parents[2] / "src"
linux = pytest.mark.skipif(sys.platform != "linux", reason="the parent death signal is Linux's")

SLOW_NUMPY = "import pathlib, time; pathlib.Path('importing').touch(); time.sleep(600)"
PARENT = """
import subprocess, sys, time
print(subprocess.Popen(sys.argv[1:]).pid, flush=True)
time.sleep(600)
"""
STAGE = """
from padstal.core.section import Section
from padstal.stages.harness import run_stage
run_stage("score", Section, lambda stage: stage.paths.root.joinpath("written").touch())
"""


def start(folder: Path, *command: str, **variables: str) -> "subprocess.Popen[str]":
    environment = {**os.environ, "PYTHONPATH": f"{folder}{os.pathsep}{SRC}", **variables}
    return subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.PIPE, text=True, stderr=-2)


def wait_for(file: Path) -> None:
    deadline = time.monotonic() + 60
    while not file.exists():
        assert time.monotonic() < deadline, f"waited 60 s for {file.name}"
        time.sleep(0.05)


@linux
def test_a_stage_whose_dvc_is_killed_ends_while_it_is_still_importing(tmp_path: Path) -> None:
    (tmp_path / "numpy.py").write_text(SLOW_NUMPY)
    stage = [sys.executable, "-m", "padstal.stages.score"]
    dvc = start(tmp_path, sys.executable, "-c", PARENT, *stage, DVC_STAGE="score")
    assert dvc.stdout is not None
    pid = int(dvc.stdout.readline())
    wait_for(tmp_path / "importing")
    dvc.send_signal(signal.SIGKILL)
    assert gone(pid)
    dvc.communicate()


@linux
def test_a_stage_whose_dvc_died_before_it_began_does_nothing(tmp_path: Path) -> None:
    late = f"sleep 0.5; exec {sys.executable} -m padstal.stages.score"
    orphaned = f"import subprocess; subprocess.Popen(['sh', '-c', {late!r}])"
    session = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {orphaned!r}], start_new_session=True)"
    output, _ = start(tmp_path, sys.executable, "-c", session, DVC_STAGE="score").communicate(timeout=60)
    assert output == "score: the DVC that started this stage is dead; nothing was done\n"


def test_a_stage_waits_while_another_process_is_at_its_outputs(tmp_path: Path) -> None:
    whole = yaml.safe_load((SRC.parent / "params.yaml").read_text(encoding="utf-8"))
    params = {name: whole[name] for name in ("runtime", "tracking")} | {
        "scale": "demo",
        "scales": {"demo": {"score": {}}},
    }
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(params))
    with file_lock(tmp_path / ".state" / "locks" / "demo" / "score"):
        stage = start(tmp_path, sys.executable, "-c", STAGE)
        assert stage.stdout is not None
        assert "locks/demo/score, which another run holds" in stage.stdout.readline()
        assert not (tmp_path / "written").exists()
    output, _ = stage.communicate(timeout=60)
    assert "done in" in output
    assert (tmp_path / "written").exists()


@pytest.mark.parametrize(
    ("given", "expected"),
    [({}, "1000"), ({"GOMP_SPINCOUNT": "7"}, "7"), ({"OMP_WAIT_POLICY": "active"}, "None")],
)
def test_threads_wait_for_one_another_briefly_unless_the_user_says_otherwise(
    given: dict[str, str], expected: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("GOMP_SPINCOUNT", raising=False)
    monkeypatch.delenv("OMP_WAIT_POLICY", raising=False)
    ask = "import os, padstal; print(os.environ.get('GOMP_SPINCOUNT'))"
    assert start(tmp_path, sys.executable, "-c", ask, **given).communicate(timeout=60)[0].strip() == expected
