"""A W&B server that dies in the middle of a run costs a bounded time and nothing else."""

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

RUN = {
    "id": "1",
    "name": "r",
    "displayName": "r",
    "config": "{}",
    "sweepName": None,
    "project": {"id": "2", "name": "p", "entity": {"id": "3", "name": "e"}},
    "historyLineCount": 0,
}


class _Server(BaseHTTPRequestHandler):
    """Accepts the run; knows nothing else."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        known = b"upsertBucket" in body
        answer = json.dumps({"data": {"upsertBucket": {"bucket": RUN, "inserted": True}}}).encode() if known else b""
        self.send_response(200 if known else 503)
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_: object) -> None:
        pass


RUNS_ON = """
import sys
from pathlib import Path
from padstal.tracking import run as tracking
tracking.FINISH_SECONDS = 3.0
with tracking.track("train_vae@tal", {"lr": 1}, mode="online", project="p", folder=Path("wandb")) as record:
    record.log({"loss": 1.0}, 0)
    print("begun", flush=True)
    sys.stdin.readline()
    record.log({"loss": 0.123}, 1)
print("trained", flush=True)
"""


@pytest.mark.slow
def test_the_work_goes_on_and_what_was_not_sent_stays_on_disk(tmp_path: Path) -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Server)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(sys.path),
        "WANDB_API_KEY": "c" * 40,
        "WANDB_BASE_URL": f"http://127.0.0.1:{server.server_port}",
    }
    work = subprocess.Popen(
        [sys.executable, "-c", RUNS_ON],
        cwd=tmp_path,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert work.stdout is not None
    assert work.stdout.readline() == "begun\n"
    server.shutdown()
    server.server_close()
    died = time.monotonic()
    said, _ = work.communicate("go on\n", timeout=120)
    assert (said, work.returncode) == ("trained\n", 0)
    assert time.monotonic() - died < 30
    [kept] = (tmp_path / "wandb").glob("run-*/run-*.wandb")
    _wait_until(lambda: b"0.123" in kept.read_bytes())


def _wait_until(reached: Callable[[], bool]) -> None:
    """W&B's service outlives the process that used it, and writes what it still holds."""
    end = time.monotonic() + 60
    while not reached():
        assert time.monotonic() < end
        time.sleep(0.1)
