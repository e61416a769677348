"""What `make deployments` sets up works: a server, workers, a schedule, limits, cancellation, results, and the dead."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from flows.local_prefect import ADDRESS
from tests.flows.checkout import environment_of, make_checkout
from tests.flows.prefect_server import (
    FINAL,
    PATIENCE,
    PREFECT,
    QUIET,
    Server,
    server,
    started,
    wait_for,
    without_prefect,
)
from tests.flows.tiny import gone

ROOT = Path(__file__).resolve().parents[2]
pytestmark = [pytest.mark.slow, pytest.mark.timeout(1500)]

ACTIVE = {"PENDING", "RUNNING", "CANCELLING"}
BEGUN = ACTIVE | FINAL

FAMILY = """
import subprocess, time
own = subprocess.Popen(["sleep", "600"])
nested = subprocess.Popen(["sh", "-c", "sleep 600 & echo $! > $WORK/deep; wait"])
Path(os.environ["WORK"], "pids").write_text(f"{os.getpid()} {own.pid} {nested.pid}")
time.sleep(600)
"""
"""A stage that sleeps, and so do its children and one of theirs."""


@dataclass
class Place:
    """A checkout, the server that knows its deployments, and how to start workers.

    Attributes:
        checkout: The repository.
        server: The server.
        environment: Of everything that runs there.
        workers: Pool → worker.
        start: Starts a worker for a pool.
    """

    checkout: Path
    server: Server
    environment: dict[str, str]
    workers: dict[str, "subprocess.Popen[bytes]"]
    start: Callable[[str], None]

    @property
    def orders(self) -> Path:
        return Path(self.environment["WORK"])

    def set_up(self, *options: str) -> str:
        command = [sys.executable, "flows/setup.py", *options]
        done = subprocess.run(command, cwd=self.checkout, env=self.environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def sleepers(self) -> list[int]:
        """Processes of the stage FAMILY, once they sleep."""
        files = [self.orders / "pids", self.orders / "deep"]
        wait_for(lambda: all(file.exists() and file.read_text().strip() for file in files), "the stage's children")
        pids = [int(word) for file in files for word in file.read_text().split()]
        for file in files:
            file.unlink()
        assert not any(gone(pid, 0.1) for pid in pids)
        return pids


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("operations")
    with ExitStack() as stack:
        making = stack.enter_context(ThreadPoolExecutor(1)).submit(make_checkout, folder / "checkout")
        running = stack.enter_context(server(folder / "server"))
        checkout = making.result()
        extra = {"PREFECT_API_URL": running.address, "PREFECT_HOME": str(folder / "home"), **QUIET}
        environment = without_prefect(environment_of(checkout)) | extra | {"PREFECT_WORKER_QUERY_SECONDS": "2"}
        workers: dict[str, subprocess.Popen[bytes]] = {}

        def start(pool: str) -> None:
            command = [*PREFECT, "worker", "start", "--pool", pool]
            workers[pool] = stack.enter_context(started(command, running.folder, environment, folder / f"{pool}.log"))

        found = Place(checkout, running, environment, workers, start)
        found.set_up()
        start("cpu")
        start("gpu")
        yield found


@pytest.fixture(autouse=True)
def _no_test_hinders_the_next(place: Place) -> Iterator[None]:
    yield
    for order in place.orders.iterdir():
        order.unlink()
    for name in ("ingest", "evaluate"):
        for run in _active(place.server, name):
            place.server.cancel(run["id"])


def test_the_server_takes_what_prefects_own_client_sends(place: Place) -> None:
    command = [*PREFECT, "deployment", "ls"]
    done = subprocess.run(command, env=place.environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-1000:]


def test_the_commands_of_the_docs_work_as_they_stand_in_a_clean_shell(place: Place) -> None:
    """The address comes from pyproject.toml, of which the port alone is the test's own."""
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert text.count(ADDRESS) == 1
    (place.checkout / "pyproject.toml").write_text(text.replace(ADDRESS, place.server.address))
    (place.checkout / ".venv").symlink_to(Path(sys.prefix), target_is_directory=True)
    documented = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    block = next(text for text in documented.split("```") if "source .venv/bin/activate" in text)
    commands = [line.replace(" --watch", "") for line in block.splitlines() if line]
    assert sum(command.startswith("prefect deployment run ") for command in commands) >= 2
    clean = {"HOME": str(place.checkout.parent / "home"), "PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8"}
    script = "set -e\n" + "\n".join(commands)
    done = subprocess.run(["bash", "-c", script], cwd=place.checkout, env=clean, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    for name in ("evaluate", "ingest"):
        [asked] = [run for run in place.server.runs_of(name) if not run["auto_scheduled"]]
        place.server.cancel(asked["id"])
        place.server.finished(asked["id"])


def test_a_run_cancelled_while_its_process_starts_ends(place: Place) -> None:
    """Of it the flow run's own process does not hear: it has not begun to listen."""
    run = place.server.ask("evaluate")
    wait_for(lambda: place.server.state(run) == "PENDING", "a worker that takes the run")
    place.server.cancel(run)
    assert place.server.finished(run)["state"]["type"] == "CANCELLED"


def test_a_wrong_parameter_is_refused_before_a_run_starts_and_named(place: Place) -> None:
    path = f"/deployments/{place.server.deployment('evaluate')['id']}/create_flow_run"
    answer = place.server.ask_api("POST", path, {"parameters": {"scale": "tiny"}})
    assert answer.status_code == 409
    assert "'scale'" in answer.text
    assert "'tiny' is not one of ['demo', 'study', 'full']" in answer.text
    answer = place.server.ask_api("POST", path, {"parameters": {"revision": "--upload-pack=x"}})
    assert "does not match" in answer.json()["detail"]


def test_a_schedule_fires_and_a_run_with_nothing_new_is_short(place: Place) -> None:
    deployment = place.server.deployment("ingest")["id"]
    assert wait_for(lambda: place.server.runs_of("ingest"), "the runs that the cron schedule foresees")
    path = f"/deployments/{deployment}/schedules"

    def runs(*states: str) -> list[Any]:
        return [run for run in place.server.runs_of("ingest") if run["state_type"] in states]

    for number in (1, 2):  # no further ones pile up, however slow the machine
        before = len(runs(*BEGUN))
        [made] = place.server.post(path, [{"schedule": {"interval": 8.0}, "active": True}])
        wait_for(lambda before=before: len(runs(*BEGUN)) > before, "a scheduled run that begins")
        assert place.server.ask_api("DELETE", f"{path}/{made['id']}").is_success
        wait_for(lambda number=number: len(runs("COMPLETED")) >= number and not runs(*ACTIVE), "a scheduled run's end")
    first, second, *_ = runs("COMPLETED")
    assert first["auto_scheduled"]
    assert second["auto_scheduled"]
    tables = [place.server.artifacts(run["id"])["stages"] for run in (first, second)]
    assert "| ingest | ran |" in tables[0]
    print(f"scheduled run with new data {first['total_run_time']:.1f} s, with none {second['total_run_time']:.1f} s")


def test_of_two_runs_of_a_scheduled_deployment_the_second_is_cancelled(place: Place) -> None:
    (place.orders / "ingest").write_text("import time; time.sleep(600)")
    (place.checkout / "work.py").write_text((place.checkout / "work.py").read_text() + "# new\n")
    subprocess.run(["git", "commit", "-qam", "Change"], cwd=place.checkout, check=True)
    wait_for(lambda: not _active(place.server, "ingest"), "the end of scheduled runs")
    first = place.server.ask("ingest")
    wait_for(lambda: place.server.state(first) == "RUNNING", "the first run")
    second = place.server.ask("ingest")
    assert place.server.finished(second)["state"]["type"] == "CANCELLED"
    (place.orders / "ingest").unlink()
    place.server.cancel(first)
    assert place.server.finished(first)["state"]["type"] == "CANCELLED"


def test_cancellation_ends_all_processes_of_a_stage_and_the_gpu_is_never_shared(place: Place) -> None:
    (place.orders / "train_diffusion").write_text(FAMILY)
    sleeping = place.server.ask("evaluate", train=True)
    sleepers = place.sleepers()
    waiting = place.server.ask("evaluate", train=True)
    time.sleep(5)
    assert place.server.run(waiting)["start_time"] is None
    (place.orders / "train_diffusion").unlink()
    place.server.cancel(sleeping)
    assert all(gone(pid, PATIENCE) for pid in sleepers)
    free = datetime.now(UTC)
    assert place.server.finished(sleeping)["state"]["type"] == "CANCELLED"
    evaluated = place.server.finished(waiting)
    assert evaluated["state"]["type"] == "COMPLETED", place.server.log(waiting)
    assert datetime.fromisoformat(evaluated["start_time"]) > free, "the GPU has one run at a time"

    shown = place.server.artifacts(waiting)
    assert shown["report"] == "# report\n"
    assert "| train_diffusion | ran |" in shown["stages"]


def test_models_that_are_not_trained_are_not_evaluated_unless_asked_for(place: Place) -> None:
    (place.checkout / "work.py").write_text((place.checkout / "work.py").read_text() + "# newer\n")
    subprocess.run(["git", "commit", "-qam", "Change again"], cwd=place.checkout, check=True)
    run = place.server.ask("evaluate")
    unknown = place.server.ask("evaluate", revision="nowhere")
    refused = place.server.finished(run)
    assert refused["state"]["type"] == "FAILED"
    assert "train_diffusion: out of date" in refused["state"]["message"]
    assert "'nowhere': no branch, tag or commit" in place.server.finished(unknown)["state"]["message"]


def test_a_run_killed_with_its_worker_is_marked_and_no_longer_blocks_its_pool(place: Place) -> None:
    place.set_up("--zombie-seconds", "35", "--only", "ingest", "--only", "evaluate")
    assert len(place.server.post("/automations/filter", {})) == 2
    (place.orders / "train_diffusion").write_text(FAMILY)
    zombie = place.server.ask("evaluate", train=True)
    sleepers = place.sleepers()
    (place.orders / "train_diffusion").unlink()
    os.kill(place.workers["gpu"].pid, signal.SIGKILL)
    for pid in _ancestors(sleepers[0]):
        if "prefect" in _command(pid):
            os.kill(pid, signal.SIGKILL)
    assert all(gone(pid, 60) for pid in sleepers)
    assert place.server.state(zombie) == "RUNNING"
    place.start("gpu")
    next_one = place.server.ask("evaluate", train=True)
    assert "no heartbeat" in place.server.finished(zombie)["state"]["message"]
    assert place.server.state(zombie) == "CRASHED"
    assert place.server.finished(next_one)["state"]["type"] == "COMPLETED"


def _active(server: Server, name: str) -> list[Any]:
    return [run for run in server.runs_of(name) if run["state_type"] in ACTIVE]


def _ancestors(pid: int) -> list[int]:
    import psutil

    return [process.pid for process in psutil.Process(pid).parents() if process.pid != os.getpid()]


def _command(pid: int) -> str:
    return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
