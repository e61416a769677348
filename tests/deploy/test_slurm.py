"""The Slurm scripts say what sbatch documents, and at the end of an allocation checkpoints come before everything else.

Slurm is not here: `srun`, `scontrol` and the worker are stand-ins, the scripts, signals and processes are real.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from tests.deploy.programs import linter

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "deploy" / "slurm"
BATCH = sorted(FOLDER.glob("*.sbatch"))
DOCUMENTED = {
    "cpus-per-task": r"\d+",
    "gpus-per-node": r"([\w-]+:)?\d+",
    "job-name": r"[\w-]+",
    "mem": r"\d+[KMGT]",
    "nodes": r"\d+(-\d+)?",
    "ntasks": r"\d+",
    "ntasks-per-node": r"\d+",
    "open-mode": "append|truncate",
    "output": r"[\w%.-]+",
    "requeue": "",
    "signal": r"([RB]:)?[A-Z0-9]+(@\d+)?",
    "time": r"(\d+-)?\d+:\d\d:\d\d",
}
"""Options of sbatch that the scripts use, and the form of their values (sbatch(1))."""
TRAINING = """
import os, signal, sys, time
def end(*_):
    time.sleep(1.5)  # a step, a checkpoint
    open(sys.argv[1], "w").write("checkpoint")
    sys.exit(143)
signal.signal(signal.SIGTERM, end)
print("trains", flush=True)
while True: time.sleep(0.1)
"""


def directives(file: Path) -> dict[str, str]:
    """#SBATCH options before the first command, where alone Slurm reads them."""
    found = {}
    for line in file.read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            break
        if line.startswith("#SBATCH "):
            name, _, setting = line.removeprefix("#SBATCH --").partition("=")
            found[name] = setting
    return found


@pytest.mark.parametrize("file", BATCH, ids=lambda file: file.name)
def test_every_directive_is_documented_and_read(file: Path) -> None:
    found = directives(file)
    assert len(found) == file.read_text(encoding="utf-8").count("\n#SBATCH ")
    assert {name for name, setting in found.items() if not re.fullmatch(DOCUMENTED.get(name, "(?!)"), setting)} == set()


@pytest.mark.parametrize("file", BATCH, ids=lambda file: file.name)
def test_the_script_hears_of_the_end_in_time_and_goes_back_into_the_queue(file: Path) -> None:
    found = directives(file)
    to, _, seconds = found["signal"].partition("@")
    assert (to, int(seconds) >= 180) == ("B:TERM", True)
    assert "requeue" in found
    assert found["open-mode"] == "append"


@pytest.mark.parametrize("file", sorted(FOLDER.iterdir()), ids=lambda file: file.name)
def test_shellcheck_finds_nothing(file: Path) -> None:
    done = subprocess.run([linter("shellcheck"), "-x", str(file)], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


@pytest.fixture
def cluster(tmp_path: Path) -> tuple[Path, dict[str, str]]:
    """A folder whose `bin` holds the stand-ins, and the environment of a Slurm job."""
    programs = tmp_path / "bin"
    programs.mkdir()
    stand_in(programs / "scontrol", 'echo "$*" >>"$LOG"; [ "$1" != show ] || echo 127.0.0.1')
    shutil.copytree(FOLDER, tmp_path / "checkout" / "deploy" / "slurm")
    (tmp_path / "training.py").write_text(TRAINING, encoding="utf-8")
    environment = {
        **os.environ,
        "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
        "LOG": str(tmp_path / "log"),
        "SLURM_JOB_ID": "4711",
        "SLURM_JOB_NODELIST": "first",
        "PADSTAL_CHECKOUT": str(tmp_path / "checkout"),  # without an environment, which would hide the stand-ins
        "PREFECT_API_URL": "http://127.0.0.1:9/api",
        "PYTHON": sys.executable,
        "HERE": str(tmp_path),
    }
    return tmp_path, environment


def stand_in(file: Path, script: str) -> None:
    file.write_text(f"#!/usr/bin/env bash\n{script}\n", encoding="utf-8")
    file.chmod(0o755)


def wait_for(file: Path, text: str, seconds: float = 60.0) -> str:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if file.exists() and text in file.read_text(encoding="utf-8"):
            return file.read_text(encoding="utf-8")
        time.sleep(0.1)
    pytest.fail(f"{file}: no {text!r} in {seconds} s: {file.read_text() if file.exists() else 'not there'}")


@pytest.mark.slow
def test_a_worker_ends_after_the_checkpoint_and_other_jobs_are_left_alone(cluster: tuple[Path, dict[str, str]]) -> None:
    folder, environment = cluster
    stand_in(
        folder / "bin" / "prefect",
        'echo "$*" >>"$LOG"\n'
        # in a session of its own, as flows start DVC
        'setsid "$PYTHON" "$HERE/training.py" "$HERE/mine" padstal.stages.train_vae >>"$LOG" &\n'
        """trap 'echo "worker ends, checkpoint: $(cat "$HERE/mine")" >>"$LOG"; exit 0' TERM\n"""
        "while true; do sleep 0.1; done",
    )
    other = subprocess.Popen(
        [sys.executable, str(folder / "training.py"), str(folder / "other"), "padstal.stages.train_vae"],
        env={**environment, "SLURM_JOB_ID": "4712"},
    )
    job = subprocess.Popen(["bash", str(FOLDER / "gpu-worker.sbatch")], env=environment)
    try:
        wait_for(folder / "log", "trains")
        time.sleep(0.5)
        job.send_signal(signal.SIGTERM)
        job.wait(60)
        log = wait_for(folder / "log", "requeue").splitlines()
        assert log[0] == "worker start --type process --pool gpu --limit 1 --name slurm-4711"
        assert log[-2:] == ["worker ends, checkpoint: checkpoint", "requeue 4711"]
        assert other.poll() is None
        assert not (folder / "other").exists()
    finally:
        job.kill()
        other.kill()
        other.wait()


@pytest.mark.slow
def test_two_nodes_train_one_model_as_one_process_does(cluster: tuple[Path, dict[str, str]]) -> None:
    from tests.training.together import SHORT, run

    folder, environment = cluster
    train = f'"$PYTHON" {ROOT}/tests/training/train_together.py "$HERE" nodes'
    stand_in(folder / "bin" / "dvc", f'echo "dvc $*" >>"$LOG"; case "$*" in *--dry*) exit 0 ;; esac; exec {train}')
    stand_in(folder / "bin" / "python", f'echo "python $*" >>"$LOG"; exec {train}')
    # two nodes, both here
    stand_in(folder / "bin" / "srun", 'for n in 0 1; do SLURM_NODEID=$n "${@: -2}" & done; wait -n; wait')
    environment.update(STAGE="train_diffusion", ITEM="tal_dit", PYTHONPATH=str(ROOT / "src"), OMP_NUM_THREADS="1")
    done = subprocess.run(
        ["bash", str(FOLDER / "train-nodes.sbatch")], env=environment, capture_output=True, text=True, timeout=400
    )
    assert done.returncode == 0, done.stderr[-4000:]
    log = (folder / "log").read_text(encoding="utf-8").splitlines()
    assert "dvc --wait-for-lock repro --single-item --force train_diffusion@tal_dit" in log
    assert "python -m padstal.stages.train_diffusion tal_dit" in log
    weights, curves = torch.load(folder / "nodes.pt", weights_only=True)
    one = run("diffusion", folder / "one", **SHORT["diffusion"])
    assert curves[-1] == pytest.approx(one.curves[-1], rel=1e-4)
    for name, weight in one.average.state_dict().items():
        torch.testing.assert_close(weights[name], weight, atol=1e-5, rtol=1e-4)
