"""The flow gives what `dvc repro` gives, retries only what may go away by itself, and leaves nobody behind."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.flows.prefect_server import server_of_this_process
from tests.flows.tiny import CHAIN, DVC, gone, make_repo

ROOT = Path(__file__).resolve().parents[2]
ENVIRONMENT = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}

KILLED_ONCE = (
    "import os, signal; n = len(open('tries').read()); "
    "os.kill(os.getpid(), signal.SIGKILL) if n == 1 else open('out','w').write('ok')"
)
FULL_DISK = "raise OSError(28, 'No space left on device', 'out')"
WRONG_PARAM = "import sys; print('first failed: scales.demo.first.rate = -1: too small', file=sys.stderr); sys.exit(1)"


@pytest.fixture
def _prefect_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PREFECT_HOME", str(tmp_path / "prefect"))
    monkeypatch.setenv("PREFECT_API_URL", "")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """A server that flows started here use; the variables of programs that are to use it, too."""
    with server_of_this_process(tmp_path_factory.mktemp("server")) as running:
        home = tmp_path_factory.mktemp("prefect")
        yield {**os.environ, "PREFECT_HOME": str(home), "PREFECT_API_URL": running.address}


def _hashes(root: Path) -> Any:
    return yaml.safe_load((root / "dvc.lock").read_text())["stages"]


@pytest.mark.slow
def test_a_stage_that_ran_is_up_to_date_afterwards_and_says_so(tmp_path: Path) -> None:
    from flows.repro import repro

    root = make_repo(tmp_path, CHAIN)
    said: list[str] = []
    assert repro("first", root, said.append).result == "ran"
    assert "Running stage 'first':" in said
    assert repro("first", root, said.append).result == "up to date"


@pytest.mark.slow
def test_a_failed_stage_is_named_with_its_cause_and_its_last_words(tmp_path: Path) -> None:
    from flows.failure import FailureKind, StageFailedError
    from flows.repro import repro

    root = make_repo(tmp_path, script=WRONG_PARAM)
    with pytest.raises(
        StageFailedError, match=r"first: a parameter: scales.demo.first.rate = -1: too small"
    ) as failure:
        repro("first", root, lambda _: None)
    assert failure.value.kind is FailureKind.PARAMETER


def test_the_summary_has_a_row_a_stage_and_the_sum() -> None:
    from flows.repro import StageRun, summary

    text = summary([StageRun("a", "ran", 1.0), StageRun("b@x", "up to date", 2.5)])
    assert text.splitlines()[2:] == ["| a | ran | 1.0 |", "| b@x | up to date | 2.5 |", "| **all** | | 3.5 |"]


@pytest.mark.slow
@pytest.mark.usefixtures("_prefect_home")
def test_the_flow_gives_the_same_lock_as_dvc_repro(tmp_path: Path, server: dict[str, str]) -> None:
    """First with a server that it starts for itself, then with one that is there."""
    ours, plain = make_repo(tmp_path / "flow", CHAIN), make_repo(tmp_path / "plain", CHAIN)
    subprocess.run([*DVC, "repro", "-q"], cwd=plain, env=ENVIRONMENT, check=True)
    flow = [sys.executable, str(ROOT / "flows" / "pipeline.py"), "--root", str(ours)]
    done = subprocess.run(flow, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stdout + done.stderr
    assert _hashes(ours) == _hashes(plain)
    assert "| middle@y | ran |" in done.stdout

    whole = (ours / "dvc.lock").read_text()
    (ours / "dvc.lock").write_text(whole[: len(whole) // 2])  # DVC was killed while it wrote it
    done = subprocess.run(flow, env=server, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stdout + done.stderr
    assert _hashes(ours) == _hashes(plain)
    assert "dvc.lock was damaged by a kill; repaired" in done.stdout + done.stderr


@pytest.mark.slow
@pytest.mark.usefixtures("server")
def test_a_killed_stage_is_tried_again_and_a_wrong_parameter_or_a_full_disk_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from flows.failure import FailureKind, StageFailedError

    from flows import pipeline as module

    operations = module.read_operations().model_copy(update={"retry_waits": (0.0, 0.0)})
    monkeypatch.setattr(module, "read_operations", lambda: operations)
    killed = make_repo(tmp_path / "killed", script=KILLED_ONCE)
    [run] = module.pipeline(str(killed))
    assert run.result == "ran"
    assert (killed / "tries").read_text() == "xx"
    for script, kind in ((WRONG_PARAM, FailureKind.PARAMETER), (FULL_DISK, FailureKind.DISK)):
        wrong = make_repo(tmp_path / kind.name, script=script)
        with pytest.raises(StageFailedError) as failure:
            module.pipeline(str(wrong))
        assert failure.value.kind is kind
        assert (wrong / "tries").read_text() == "x"


@pytest.mark.slow
def test_sigterm_to_the_flow_ends_the_stage_and_its_children(tmp_path: Path, server: dict[str, str]) -> None:
    wait = "import subprocess; p = subprocess.Popen(['sleep', '600']); open('pid','w').write(str(p.pid)); p.wait()"
    root = make_repo(tmp_path / "repo", script=wait)
    command = [sys.executable, str(ROOT / "flows" / "pipeline.py"), "--root", str(root)]
    flow = subprocess.Popen(command, env=server, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 120
    while not ((root / "pid").exists() and (root / "pid").read_text()):
        assert time.monotonic() < deadline
        time.sleep(0.2)
    pid = int((root / "pid").read_text())
    flow.send_signal(signal.SIGTERM)
    flow.wait(120)
    assert gone(pid)
    assert flow.returncode != 0
