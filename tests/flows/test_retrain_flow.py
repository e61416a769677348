"""The flows on a real server: the state names how a retraining ended, an artifact says why, a deployment trains."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.flows.prefect_server import server_of_this_process
from tests.flows.retraining_tiny import Tiny, make_tiny

ROOT = Path(__file__).resolve().parents[2]
SERVE = "from flows.retrain import train; train.serve(name='train', pause_on_shutdown=False, limit=1)"
pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def _server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with server_of_this_process(tmp_path_factory.mktemp("server")):
        yield


@pytest.fixture
def tiny(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, _dvc_here: None) -> Tiny:
    made = make_tiny(tmp_path)
    for name, value in made.environment().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("PADSTAL_DVC_CACHE", str(tmp_path / "cache"))
    (made.home / ".dvc" / "config").write_text(
        f"[core]\n    remote = r\n['remote \"r\"']\n    url = {tmp_path}/remote\n"
    )
    made.commit("Put the DVC remote beside")
    return made


@pytest.fixture
def _worker(_server: None, tiny: Tiny, tmp_path: Path) -> Iterator[None]:
    """A process that serves the deployment `train/train`, with workspaces and a cache of its own."""
    machine = {"PADSTAL_WORKSPACES": str(tmp_path / "gpu"), "PADSTAL_DVC_CACHE": str(tmp_path / "gpu-cache")}
    paths = {"PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "src")])}
    url = {"PREFECT_API_URL": _api()}
    worker = subprocess.Popen(
        [sys.executable, "-c", SERVE],
        cwd=ROOT,
        env={**os.environ, **tiny.environment(), **machine, **paths, **url},
        start_new_session=True,
    )
    try:
        _wait_for_deployment(worker)
        yield
    finally:
        worker.terminate()
        worker.wait(60)


def _api() -> str:
    from prefect.settings import get_current_settings

    return str(get_current_settings().api.url)


def _wait_for_deployment(worker: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + 300
    while httpx.get(f"{_api()}/deployments/name/train/train", timeout=60).status_code != 200:
        assert worker.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.5)


def _run(tiny: Tiny, train_on: Any = "here") -> Any:
    from flows.retrain import retrain

    return retrain(train_on, repository=str(tiny.origin), return_state=True)


def _told() -> str:
    return str(httpx.get(f"{_api()}/artifacts/retraining/latest", timeout=60).raise_for_status().json()["data"])


@pytest.mark.usefixtures("_server")
def test_the_state_names_how_it_ended_and_the_artifact_says_why(tiny: Tiny) -> None:
    promoted = _run(tiny)
    assert (promoted.name, promoted.is_completed()) == ("Promoted", True)
    read_lines = _told()
    assert read_lines.startswith("# Retraining: promoted")
    assert "| train_vae | ran |" in read_lines
    assert "- Better." in read_lines

    handled = _run(tiny)
    assert (handled.name, handled.is_completed()) == ("No new data", True)
    assert "has handled just these data" in _told()

    (tiny.music / "b.txt").write_text("drifted song\n")
    refused = _run(tiny)
    assert (refused.name, refused.is_completed()) == ("Refused", True)
    assert "Diversity fell." in _told()

    (tiny.home / "stage.py").write_text("raise SystemExit('ingest failed: no wind')")
    tiny.commit("Break it")
    (tiny.music / "c.txt").write_text("third song\n")
    failed = _run(tiny)
    assert failed.is_failed()
    assert "# Retraining: failed: ingest: " in _told()
    assert "no wind" in _told()


@pytest.mark.usefixtures("_worker")
def test_the_gpu_worker_trains_exactly_the_commit_and_the_retraining_goes_on(tiny: Tiny) -> None:
    assert _run(tiny, "gpu").name == "Promoted"
    trained = [line for line in tiny.logged() if line.startswith("train")]
    assert trained == [f"train_{one} {word}" for one in ("vae", "diffusion") for word in ("starts at 0", "trained")]
    assert "| train_vae | trained by a worker |" in _told()
    assert set(tiny.branches()) == {"main", *(b for b in tiny.branches() if b.startswith("retrain/"))}
