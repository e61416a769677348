"""A tiny DVC repository for the tests of the flow."""

import shutil
import subprocess
import sys
import tempfile
import time
from functools import cache
from pathlib import Path

DVC = [sys.executable, "-m", "dvc"]

CHAIN = """\
stages:
  last:
    cmd: python -c "open('last','w').write(open('b_x').read() + open('b_y').read())"
    deps: [b_x, b_y]
    outs: [last]
  first:
    cmd: python -c "open('a','w').write('a')"
    outs: [a]
  middle:
    matrix: {item: [x, y]}
    cmd: python -c "import sys; open('b_' + sys.argv[1],'w').write(open('a').read() + sys.argv[1])" ${item.item}
    deps: [a]
    outs: ["b_${item.item}"]
"""


SCRIPT = """\
stages:
  first:
    cmd: python stage.py
    outs: [out]
"""
COUNT = "open('tries', 'a').write('x')\n"


def make_repo(root: Path, dvc_yaml: str = SCRIPT, script: str = "") -> Path:
    """A git and DVC repository at `root` with this `dvc.yaml`; `stage.py` counts its tries and does `script`."""
    shutil.copytree(_begun().name, root, dirs_exist_ok=True)
    (root / "dvc.yaml").write_text(dvc_yaml)
    (root / "stage.py").write_text(COUNT + script)
    return root


@cache
def _begun() -> "tempfile.TemporaryDirectory[str]":
    """An empty repository of git and DVC, made once: DVC takes a second."""
    folder = tempfile.TemporaryDirectory(prefix="padstal-tiny-")
    subprocess.run(["git", "init", "-q", folder.name], check=True)
    subprocess.run([*DVC, "init", "-q"], cwd=folder.name, check=True, capture_output=True)
    return folder


def gone(pid: int, within: float = 20.0) -> bool:
    """Whether the process ends in so many seconds, or is a zombie that nobody here can reap."""
    deadline = time.monotonic() + within
    while time.monotonic() < deadline:
        try:
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except OSError:
            return True
        time.sleep(0.02)
    return False
