"""The server on PostgreSQL from the distribution's packages: told by one variable, it schedules and keeps runs."""

import os
import pwd
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.flows.prefect_server import QUIET, server_of_this_process, wait_for, without_prefect
from tests.flows.tiny import make_repo

ROOT = Path(__file__).resolve().parents[2]
pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]


def programs() -> Path | None:
    """Folder of PostgreSQL's programs; Debian keeps them off the path."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda file: int(file.parts[-3]))
    on_path = shutil.which("initdb")
    return found[-1].parent if found else Path(on_path).resolve().parent if on_path else None


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """Address of a cluster of our own, which a user that is not root runs."""
    if (bin_ := programs()) is None:
        pytest.skip("PostgreSQL is not installed; `make system` installs it where there is apt")
    folder = Path(tempfile.mkdtemp(prefix="padstal-postgresql-"))
    as_user: list[str] = []
    if os.getuid() == 0:
        user = next((entry for entry in pwd.getpwall() if entry.pw_name == "postgres"), None)
        if user is None or not shutil.which("setpriv"):
            pytest.skip("we are root, PostgreSQL refuses to be, and there is no user `postgres` or no setpriv")
        os.chown(folder, user.pw_uid, user.pw_gid)
        as_user = ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    init = [*as_user, str(bin_ / "initdb"), "-D", str(folder / "data"), "-A", "trust", "-U", "padstal", "--no-sync"]
    subprocess.run(init, cwd=folder, check=True, capture_output=True)
    settings = ["-p", str(port), "-h", "127.0.0.1", "-k", str(folder), "-F"]
    process = subprocess.Popen(
        [*as_user, str(bin_ / "postgres"), "-D", str(folder / "data"), *settings],
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    create = [str(bin_ / "createdb"), "-h", "127.0.0.1", "-p", str(port), "-U", "padstal", "prefect"]
    try:
        wait_for(lambda: subprocess.run(create, capture_output=True).returncode == 0, "PostgreSQL")
        yield f"postgresql+asyncpg://padstal@127.0.0.1:{port}/prefect"
    finally:
        process.terminate()
        process.wait(60)
        shutil.rmtree(folder)


@pytest.mark.usefixtures("_dvc_here")
def test_schedules_and_runs_are_kept_in_postgresql(address: str, tmp_path: Path) -> None:
    from flows.pipeline import pipeline

    database = {"PREFECT_SERVER_DATABASE_CONNECTION_URL": address}
    with server_of_this_process(tmp_path / "server", database) as running:
        assert not list((tmp_path / "server").glob("*.db"))
        extra = {"PREFECT_API_URL": running.address, "PREFECT_HOME": str(tmp_path / "home"), **QUIET}
        set_up = [sys.executable, "flows/setup.py", "--only", "ingest"]
        environment = without_prefect(os.environ) | extra
        done = subprocess.run(set_up, cwd=ROOT, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        [run] = pipeline(str(make_repo(tmp_path / "tiny", script="open('out', 'w').write('ok')")))
        assert run.result == "ran"
        [kept] = running.post("/flow_runs/filter", {"flows": {"name": {"any_": ["padstal"]}}})
        assert kept["state"]["type"] == "COMPLETED"
        foreseen = wait_for(lambda: running.runs_of("ingest"), "the runs that the schedule foresees")
        assert foreseen[0]["auto_scheduled"]
