"""What killed processes left is told from what living ones write, and goes; nothing else does."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from padstal.core.data import leftovers
from padstal.core.data.atomic import atomic_file, atomic_folder
from padstal.core.data.leftovers import sweep

ROOT = Path(__file__).resolve().parents[3]
WRITE = """\
import sys, time
from pathlib import Path
from padstal.core.data.atomic import atomic_file, atomic_folder

root = Path(sys.argv[1])
with atomic_folder(root / "data/demo/ingest") as folder, atomic_file(root / "reports/demo/page.html") as page:
    (folder / "shard").write_text("half")
    page.write_text("half")
    print("writing", flush=True)
    time.sleep(60)
"""


def _hidden(root: Path) -> list[str]:
    return sorted(path.name.split(".")[1] for path in root.rglob(".*"))


def test_half_outputs_of_a_killed_process_go_and_those_of_a_living_one_stay(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", WRITE, str(tmp_path)], stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        child.stdout.readline()
        assert _hidden(tmp_path) == ["ingest", "page"]
        assert sweep(tmp_path) == [], "it is at work"
        child.send_signal(signal.SIGKILL)
        child.wait()
    (tmp_path / "data/demo/.mine.20261129").write_text("a user's own")
    with atomic_file(tmp_path / "models/demo/vae/tal/weights") as mine:
        assert len(sweep(tmp_path)) == 2
        assert _hidden(tmp_path) == ["mine", "weights"]
        assert mine.exists()


def test_a_number_that_another_process_has_by_now_is_dead(tmp_path: Path) -> None:
    left = tmp_path / "data" / f"{leftovers.temporary_prefix('x')}abcd1234"
    left.parent.mkdir()
    left.write_text("half")
    assert not leftovers.leftovers(tmp_path)[0].dead
    for process, dead in ((os.getpid(), False), (2**22 + 1, True)):
        name = left.with_name(left.name.replace(f"-{os.getpid()}-", f"-{process}-"))
        left.rename(name)
        assert leftovers.leftovers(tmp_path)[0].dead == dead
        name.rename(left)


@pytest.mark.parametrize(
    "path", ["dvc.lock", "params.yaml", ".dvc/config", ".dvc/tmp/dvc.lock.backup", ".state/challenge"]
)
def test_it_is_found_wherever_we_write_and_git_does_not_show_it(tmp_path: Path, path: str) -> None:
    prefix = leftovers.temporary_prefix(Path(path).name).replace(f"-{os.getpid()}-", f"-{2**22 + 1}-")
    left = tmp_path / Path(path).with_name(f"{prefix}abcd1234")
    left.parent.mkdir(parents=True, exist_ok=True)
    left.write_text("half")
    shutil.copy(ROOT / ".gitignore", tmp_path)
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    shown = ["git", "ls-files", "--others", "--exclude-standard"]
    assert subprocess.run(shown, cwd=tmp_path, check=True, capture_output=True, text=True).stdout == ".gitignore\n"
    assert sweep(tmp_path) == [left]


def test_what_another_machine_writes_is_left_for_a_week(tmp_path: Path, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    left = tmp_path / "reports" / "demo" / ".page.html.000000-1-abcd1234"
    left.parent.mkdir(parents=True)
    left.write_text("half")
    assert sweep(tmp_path) == []
    later = time.time() + leftovers.FORSAKEN_SECONDS + 60
    monkeypatch.setattr(leftovers.time, "time", lambda: later)
    assert sweep(tmp_path) == [left]


def test_an_atomic_folder_leaves_nothing_of_itself(tmp_path: Path) -> None:
    with atomic_folder(tmp_path / "out") as folder:
        (folder / "a").write_text("x")
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
