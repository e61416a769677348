"""A real Prefect server for tests, on a free port: started, asked through its API, stopped at the end."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import httpx
from flows.local_prefect import ADDRESS

PYPROJECT = Path(__file__).resolve().parents[2] / "pyproject.toml"
PREFECT = (sys.executable, "-m", "prefect")
FINAL = {"COMPLETED", "FAILED", "CANCELLED", "CRASHED"}
PATIENCE = 240.0
"""s; everything here takes seconds, but not on a busy machine."""
_CLIENT = httpx.Client(timeout=PATIENCE, trust_env=False, limits=httpx.Limits(max_keepalive_connections=0))
"""One for all that is asked: each new one reads all certificates of the machine. A connection is for one question: the
server closes what is quiet for five seconds, perhaps just then. And itself it waits a minute for a busy SQLite."""


@dataclass(frozen=True)
class Server:
    """A running server.

    Attributes:
        address: Of its API.
        folder: Its own; its log is there, and the settings of this repository's pyproject.toml for what starts there.
    """

    address: str
    folder: Path

    def ask_api(self, method: str, path: str, body: Any = None) -> httpx.Response:
        """The answer; asked again, as Prefect's own client does, while SQLite is busy (503)."""
        for _ in range(20):
            answer = _CLIENT.request(method, self.address + path, json=body)
            if answer.status_code != 503:
                break
            time.sleep(1)
        return answer

    def get(self, path: str) -> Any:
        answer = self.ask_api("GET", path)
        assert answer.is_success, answer.text
        return answer.json()

    def post(self, path: str, body: Any = None) -> Any:
        answer = self.ask_api("POST", path, {} if body is None else body)
        assert answer.is_success, answer.text
        return answer.json()

    def deployment(self, name: str) -> Any:
        return self.get(f"/deployments/name/{name}/{name}")

    def ask(self, name: str, **parameters: Any) -> str:
        """Ask for a run of a deployment; its id."""
        made = self.post(f"/deployments/{self.deployment(name)['id']}/create_flow_run", {"parameters": parameters})
        return str(made["id"])

    def run(self, run: str) -> Any:
        return self.get(f"/flow_runs/{run}")

    def state(self, run: str) -> str:
        return str(self.run(run)["state"]["type"])

    def runs_of(self, name: str) -> list[Any]:
        body = {"deployments": {"name": {"any_": [name]}}, "limit": 100, "sort": "EXPECTED_START_TIME_ASC"}
        return list(self.post("/flow_runs/filter", body))

    def finished(self, run: str) -> Any:
        """The run, when it has ended."""
        wait_for(lambda: self.state(run) in FINAL, f"the end of flow run {run}")
        return self.run(run)

    def cancel(self, run: str) -> None:
        self.post(f"/flow_runs/{run}/set_state", {"state": {"type": "CANCELLING", "name": "Cancelling"}})

    def artifacts(self, run: str) -> dict[str, Any]:
        """Content of a run's artifacts by key."""
        found = self.post("/artifacts/filter", {"artifacts": {"flow_run_id": {"any_": [run]}}, "limit": 50})
        return {artifact["key"]: artifact["data"] for artifact in found}

    def log(self, run: str) -> str:
        found = self.post("/logs/filter", {"logs": {"flow_run_id": {"any_": [run]}}, "limit": 200})
        return "\n".join(line["message"] for line in found)


def wait_for(condition: Callable[[], Any], what: str, seconds: float = PATIENCE) -> Any:
    """What `condition` gives once it is true."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, f"waited {seconds:.0f} s for {what}"
        time.sleep(0.3)
    return found


@contextmanager
def server(folder: Path, extra: Mapping[str, str] | None = None) -> Iterator[Server]:
    """A server with its database in `folder`, or where `extra` says."""
    folder.mkdir(parents=True, exist_ok=True)
    if not extra:
        shutil.copy(_empty_database(), folder / "prefect.db")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {**without_prefect(os.environ), "PREFECT_HOME": str(folder), **QUIET, **(extra or {})}
    command = [*PREFECT, "server", "start", "--host", "127.0.0.1", "--port", str(port)]
    found = Server(f"http://127.0.0.1:{port}/api", folder)
    (folder / "pyproject.toml").write_text(PYPROJECT.read_text().replace(ADDRESS, found.address))
    with started(command, folder, environment, folder / "server.log") as process:

        def healthy() -> bool:
            assert process.poll() is None, (folder / "server.log").read_text()[-4000:]
            try:
                return bool(_CLIENT.get(f"{found.address}/health", timeout=5).json() is True)
            except (httpx.HTTPError, ValueError):
                return False

        wait_for(healthy, "the server")
        yield found


@contextmanager
def server_of_this_process(folder: Path, extra: Mapping[str, str] | None = None) -> Iterator[Server]:
    """As `server`, and flows called here use it."""
    from prefect.settings import PREFECT_API_URL, temporary_settings

    with server(folder, extra) as running, temporary_settings({PREFECT_API_URL: running.address}):
        yield running


def _empty_database() -> Path:
    """SQLite with Prefect's tables, which a server takes ten seconds to make; made once for a version of Prefect."""
    made = PYPROJECT.parent / ".pytest_cache" / f"prefect-{version('prefect')}.db"
    if not made.exists():
        made.parent.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(dir=made.parent) as folder:
            environment = {**without_prefect(os.environ), "PREFECT_HOME": folder, **QUIET}
            command = [*PREFECT, "server", "database", "upgrade", "-y"]
            subprocess.run(command, env=environment, check=True, capture_output=True)
            (Path(folder) / "prefect.db").replace(made)
    return made


@contextmanager
def started(
    command: list[str], folder: Path, environment: Mapping[str, str], log: Path
) -> Iterator["subprocess.Popen[bytes]"]:
    """A program in a group of its own, told to end when the block does."""
    with open(log, "ab") as output:
        process = subprocess.Popen(
            command, cwd=folder, env=dict(environment), stdout=output, stderr=output, start_new_session=True
        )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(5)  # a worker may take half a minute over its last words
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def without_prefect(environment: Mapping[str, str]) -> dict[str, str]:
    """Variables without those of the server that the tests themselves may run under."""
    return {name: value for name, value in environment.items() if not name.startswith("PREFECT_")}


QUIET = {"PREFECT_SERVER_ANALYTICS_ENABLED": "false", "DO_NOT_TRACK": "1", "NO_COLOR": "1"}
