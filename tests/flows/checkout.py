"""A checkout of padstal with these flows and four stages that take no time, for tests of how it is operated."""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent
BEING_WRITTEN = shutil.ignore_patterns("*.pyc.*", "*.tmp.*")
"""Of what was compiled, which comes along: else the first processes of each copy compile it anew."""
NEEDED = ("src", "flows", "params.yaml", "prefect.yaml", ".gitignore", ".dvcignore")

DVC_YAML = """\
stages:
  ingest:
    cmd: python work.py ingest data/${scale}/ingest
    deps: [work.py, "data/${scale}/sources.json"]
    outs: ["data/${scale}/ingest"]
  gate:
    matrix: {of: [ingest]}
    cmd: python work.py gate data/${scale}/gate/${item.of}
    deps: [work.py, "data/${scale}/ingest"]
    outs: ["data/${scale}/gate/${item.of}"]
  train_diffusion:
    cmd: python work.py train_diffusion models/${scale}/diffusion
    deps: [work.py, "data/${scale}/gate/ingest"]
    outs: ["models/${scale}/diffusion"]
  report:
    cmd: python work.py report reports/${scale}/page.html reports/${scale}/summary.md
    deps: [work.py, "models/${scale}/diffusion"]
    outs: ["reports/${scale}/page.html", "reports/${scale}/summary.md": {cache: false}]
"""
WORK = '''\
"""A stage: does what the file of its name in the folder $WORK says, if there is one, then writes its outputs."""
import os, sys
from pathlib import Path

stage, *outs = sys.argv[1:]
order = Path(os.environ["WORK"], stage)
if order.exists():
    exec(order.read_text())
for out in outs:
    Path(out).parent.mkdir(parents=True, exist_ok=True)
    Path(out).write_text(f"# {stage}\\n")
'''


def make_checkout(root: Path) -> Path:
    """A git and DVC repository at `root`, on the branch `main`, its stages not yet run."""
    root.mkdir(parents=True)
    for name in NEEDED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, root / name, ignore=BEING_WRITTEN)
        else:
            shutil.copy(ROOT / name, root / name)
    (root / ".dvc").mkdir()
    shutil.copy(ROOT / ".dvc" / "config", root / ".dvc" / "config")
    (root / "dvc.yaml").write_text(DVC_YAML)
    (root / "work.py").write_text(WORK)
    environment = environment_of(root)
    for command in (
        "git init -q -b main",
        "git config user.name tests",
        "git config user.email tests@localhost",
        "padstal scan",
        "git add -A",
        "git commit -q -m Begin",
    ):
        subprocess.run(command.split(), cwd=root, env=environment, check=True, capture_output=True)
    return root


def environment_of(checkout: Path, extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """Variables of what runs in a checkout made here; `orders/` beside it is $WORK."""
    work = checkout.parent / "orders"
    work.mkdir(exist_ok=True)
    return {
        **os.environ,
        "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(checkout / "src"),
        "PADSTAL_CHECKOUT": str(checkout),
        "PADSTAL_WORKSPACES": str(checkout.parent / "workspaces"),
        "WORK": str(work),
        "DVC_NO_ANALYTICS": "1",
        "DVC_SITE_CACHE_DIR": str(checkout.parent / "site-cache"),
        **(extra or {}),
    }
