"""A child's output is read to its end, and nothing of its group survives the block."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from flows.child import run_child
from tests.flows.tiny import gone

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.timeout(60)
FAMILY = (
    "import subprocess, sys, time; p = subprocess.Popen(['sleep', '600']); print(p.pid, flush=True); time.sleep(600)"
)
STUBBORN = (
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(600)"
)


def _python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


def test_all_lines_arrive_in_order_and_the_exit_status_with_them(tmp_path: Path) -> None:
    said: list[str] = []
    outcome = run_child(
        _python("import sys; [print(i) for i in range(2000)]; sys.exit(7)"), tmp_path, os.environ, said.append
    )
    assert said == [str(i) for i in range(2000)]
    assert outcome.code == 7
    assert outcome.lines[-1] == "1999"


def test_both_streams_come_and_broken_utf8_does_not_stop_them(tmp_path: Path) -> None:
    code = "import os; os.write(2, b'caf\\xe9\\n'); os.write(1, b'ok\\n')"
    assert run_child(_python(code), tmp_path, os.environ, lambda _: None).lines == ("caf\ufffd", "ok")


def test_a_progress_bar_does_not_flood_the_log(tmp_path: Path) -> None:
    said: list[str] = []
    code = "print('start'); [print(f'{i}%', end='\\r') for i in range(500)]; print('done')"
    run_child(_python(code), tmp_path, os.environ, said.append)
    assert said == ["start", "0%", "done"]


def test_an_error_in_the_reader_ends_the_whole_group(tmp_path: Path) -> None:
    pids: list[int] = []

    def fail(line: str) -> None:
        pids.append(int(line))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_child(_python(FAMILY), tmp_path, os.environ, fail)
    assert gone(pids[0])


def test_a_child_that_ignores_sigterm_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flows.child.TERM_SECONDS", 0.2)

    def fail(_: str) -> None:
        raise KeyboardInterrupt

    started = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        run_child(_python(STUBBORN), tmp_path, os.environ, fail)
    assert time.monotonic() - started < 5


def test_the_time_limit_ends_the_whole_group_and_is_told(tmp_path: Path) -> None:
    pids: list[int] = []
    outcome = run_child(_python(FAMILY), tmp_path, os.environ, lambda line: pids.append(int(line)), timeout_seconds=1.0)
    assert outcome.timed_out
    assert outcome.code != 0
    assert gone(pids[0])


def test_a_child_within_its_time_is_left_alone(tmp_path: Path) -> None:
    outcome = run_child(_python("print('done')"), tmp_path, os.environ, lambda _: None, timeout_seconds=60.0)
    assert (outcome.code, outcome.timed_out) == (0, False)


def test_a_grandchild_left_behind_by_a_finished_child_is_ended(tmp_path: Path) -> None:
    code = (
        "import subprocess; p = subprocess.Popen(['sleep', '600'], stdout=subprocess.DEVNULL, stderr=-3); print(p.pid)"
    )
    outcome = run_child(_python(code), tmp_path, os.environ, lambda _: None)
    assert outcome.code == 0
    assert gone(int(outcome.lines[0]))


@pytest.mark.skipif(sys.platform != "linux", reason="the parent death signal is Linux's")
def test_dvc_dies_with_a_flow_that_was_killed(tmp_path: Path) -> None:
    pid = _kill_the_flow_of("print('up', flush=True); time.sleep(600)")
    assert gone(pid)


@pytest.mark.skipif(sys.platform != "linux", reason="the parent death signal is Linux's")
def test_dvc_writes_down_a_stage_that_had_ended_when_the_flow_was_killed(tmp_path: Path) -> None:
    written = tmp_path / "written"
    stage = "subprocess.run([sys.executable, '-c', ''])"
    work = f"{stage}; print('up', flush=True); time.sleep(1); print('lost'); open({str(written)!r}, 'w').close()"
    pid = _kill_the_flow_of(work)
    assert gone(pid, within=20)
    assert written.exists()


def _kill_the_flow_of(work: str) -> int:
    """SIGKILL the flow of a DVC that does `work`, once that has said "up"; the DVC's process id."""
    child = (
        "import runpy, subprocess, sys, time, types\n"
        "cli = types.ModuleType('dvc.cli')\n"
        f"def main(_):\n    {work}\n"
        "cli.main = main; sys.modules['dvc'] = types.ModuleType('dvc'); sys.modules['dvc.cli'] = cli\n"
        f"runpy.run_path({str(ROOT / 'flows' / 'dvc_child.py')!r}, run_name='__main__')"
    )
    parent = (
        "import os, subprocess, sys, time\n"
        f"command = [sys.executable, '-c', {child!r}, str(os.getpid()), 'repro']\n"
        "p = subprocess.Popen(command, stdout=subprocess.PIPE, start_new_session=True)\n"
        "p.stdout.readline(); print(p.pid, flush=True); time.sleep(600)"
    )
    flow = subprocess.Popen(_python(parent), stdout=subprocess.PIPE, text=True)
    assert flow.stdout is not None
    pid = int(flow.stdout.readline())
    assert not gone(pid, within=0.1)
    flow.send_signal(signal.SIGKILL)
    flow.wait()
    flow.stdout.close()
    return pid
