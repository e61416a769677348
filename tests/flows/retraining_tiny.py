"""A tiny repository that retrains: a bare origin, a checkout, a DVC remote, a folder of music, and a log of what ran.

Its code is a stand-in for `padstal`, its "music" is text. A file that says "hostile" is refused by the gate; a model
that saw "drifted" is no champion.
"""

import json
import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tests.flows.tiny import make_repo

DVC_YAML = """\
stages:
  ingest:
    cmd: python stage.py ingest
    deps: [stage.py, "data/${scale}/sources.json"]
    outs: ["data/${scale}/ingest"]
    metrics: ["reports/${scale}/metrics/ingest.json": {cache: false}]
  gate:
    matrix: {of: [ingest]}
    cmd: python stage.py gate
    deps: [stage.py, "data/${scale}/ingest"]
    outs: ["data/${scale}/gate"]
  train_vae:
    cmd: python stage.py train_vae
    deps: [stage.py, "data/${scale}/ingest", "data/${scale}/gate"]
    outs: ["models/${scale}/train_vae"]
    metrics: ["reports/${scale}/metrics/train_vae.json": {cache: false}]
  train_diffusion:
    cmd: python stage.py train_diffusion
    deps: [stage.py, "models/${scale}/train_vae"]
    outs: ["models/${scale}/train_diffusion"]
    metrics: ["reports/${scale}/metrics/train_diffusion.json": {cache: false}]
  evaluate:
    cmd: python stage.py evaluate
    deps: [stage.py, "models/${scale}/train_diffusion", "reports/${scale}/metrics/train_vae.json"]
    outs: ["data/${scale}/evaluate"]
    metrics: ["reports/${scale}/metrics/evaluate.json": {cache: false}]
"""

STAGE = """\
import json, os, pathlib, sys

name = sys.argv[1]
place = {"gate": "data", "ingest": "data", "evaluate": "data"}.get(name, "models")
inputs = {"gate": "data/demo/ingest", "train_vae": "data/demo/ingest", "train_diffusion": "models/demo/train_vae",
          "evaluate": "models/demo/train_diffusion"}

def log(words):
    with open(os.environ["TINY_LOG"], "a") as file:
        file.write(words + "\\n")

def put(path, text):
    path = pathlib.Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)

if name == "ingest":
    [source] = json.load(open("data/demo/sources.json"))["sources"]
    text = "".join(open(os.path.join(source["path"], file["path"])).read() for file in source["files"])
else:
    text = open(inputs[name]).read()
if name == "gate" and "hostile" in text:
    print("gate@ingest failed: 1 of 1 expectations: hostile", file=sys.stderr)
    sys.exit(1)
if name.startswith("train"):
    state = pathlib.Path(".state", name)
    done = int(state.read_text()) if state.exists() else 0
    log(f"{name} starts at {done}")
    for step in range(done, 4):
        put(state, str(step + 1))
        kill = pathlib.Path(os.environ["TINY_LOG"] + ".kill")
        if kill.exists() and kill.read_text() == f"{name} {step}":
            kill.unlink()
            os.kill(int(os.environ["TINY_FLOW"]), 9)
            import time
            time.sleep(60)
    state.unlink()
    log(f"{name} trained")
put(f"{place}/demo/{name}", f"{text}seen by {name}\\n")
put(f"reports/demo/metrics/{name}.json", json.dumps({"letters": len(text)}))
"""

PROGRAM = """\
import json, os, pathlib, subprocess, sys

def log(words):
    with open(os.environ["TINY_LOG"], "a") as file:
        file.write(words + "\\n")

def git(*arguments):
    return subprocess.run(["git", *arguments], check=True, capture_output=True, text=True).stdout.strip()

command, *rest = sys.argv[1:]
if command == "scan":
    folder = pathlib.Path(os.environ["TINY_MUSIC"])
    files = [{"path": file.name, "sha256": file.read_text()} for file in sorted(folder.iterdir())]
    source = {"kind": "folder", "path": str(folder), "files": files}
    pathlib.Path("data/demo/sources.json").write_text(json.dumps({"sources": [source]}))
    print(f"{len(files)} files")
elif command == "challenge" and rest == ["--check"]:
    if pathlib.Path("unready").exists():
        sys.exit("padstal: a challenge would fail: no reference for drift")
elif command == "challenge":
    good = "drifted" not in open("models/demo/train_diffusion").read()
    log("challenge")
    check = {"passed": good, "reason": "Diversity fell."}
    decision = {"summary": "Better." if good else "1 check fails.", "verdict": {"promote": good, "checks": [check]}}
    pathlib.Path(rest[1]).write_text(json.dumps(decision))
elif command == "promote":
    late = pathlib.Path(os.environ["TINY_LOG"] + ".late")
    if late.exists():
        late.unlink()
        sys.exit("padstal: another is champion now: challenge again")
    if json.load(open(rest[1]))["verdict"]["promote"] and not git("tag", "--points-at", "HEAD"):
        tag = f"tiny@v1.0.{len(git('tag').split())}"
        git("tag", "-a", "-m", "champion", tag)
        git("push", "-q", "--atomic", "origin", "HEAD:refs/heads/" + git("branch", "--show-current"), tag)
        log("promote")
"""


@dataclass(frozen=True)
class Tiny:
    """Where the parts are.

    Attributes:
        origin: The bare repository.
        home: A checkout of it.
        music: The source's folder, outside of the repository.
        base: Folder of workspaces.
        log: What trainings, challenges and promotions wrote.
    """

    origin: Path
    home: Path
    music: Path
    base: Path
    log: Path

    def environment(self) -> dict[str, str]:
        return {"TINY_LOG": str(self.log), "TINY_MUSIC": str(self.music), "PADSTAL_WORKSPACES": str(self.base)}

    def logged(self) -> list[str]:
        return self.log.read_text().splitlines() if self.log.exists() else []

    def branches(self) -> dict[str, str]:
        """Branch of origin → commit."""
        listed = run(self.origin, "git", "for-each-ref", "--format=%(refname:short) %(objectname)", "refs/heads")
        return dict(line.split() for line in listed.splitlines())

    def show(self, revision: str, path: str) -> str:
        return run(self.origin, "git", "show", f"{revision}:{path}")

    def commit(self, message: str) -> None:
        """Commit what was changed in the checkout, and push it to main."""
        run(self.home, "git", "add", "--all")
        run(self.home, "git", "commit", "-q", "-m", message)
        run(self.home, "git", "push", "-q", "origin", "HEAD:main")


def make_tiny(folder: Path) -> Tiny:
    """All of it, with one file of music that main does not know yet."""
    shutil.copytree(_begun().name, folder, dirs_exist_ok=True, symlinks=True)
    origin, home = folder / "origin.git", folder / "home"
    run(home, "git", "remote", "set-url", "origin", str(origin))
    return Tiny(origin, home, folder / "music", folder / "workspaces", folder / "log")


@cache
def _begun() -> "tempfile.TemporaryDirectory[str]":
    """What all tests begin with, made once."""
    made = tempfile.TemporaryDirectory(prefix="padstal-tiny-")
    folder = Path(made.name)
    origin, home = folder / "origin.git", folder / "home"
    write(folder, "music/a.txt", "first song\n")
    run(folder, "git", "init", "-q", "--bare", "-b", "main", str(origin))
    make_repo(home, DVC_YAML)
    write(home, "stage.py", STAGE)
    write(home, "src/padstal/__init__.py", "")
    write(home, "src/padstal/cli.py", PROGRAM)
    run(home, "git", "remote", "add", "origin", str(origin))
    write(home, ".dvc/config", "[core]\n    remote = local\n['remote \"local\"']\n    url = remote\n")
    write(home, "params.yaml", "scale: demo\n")
    write(home, ".gitignore", "/data/*/*\n!/data/*/sources.json\n/models/\n.state/\n/.workspaces/\n__pycache__/\n")
    write(home, "data/demo/sources.json", json.dumps({"sources": []}))
    run(home, "git", "checkout", "-q", "-B", "main")
    run(home, "git", "add", "--all")
    run(home, "git", "commit", "-q", "-m", "Begin")
    run(home, "git", "push", "-q", "-u", "origin", "main")
    return made


def write(root: Path, path: str, text: str) -> None:
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_text(text)


def run(folder: Path, *command: str) -> str:
    """Standard output of a command; it must succeed."""
    author = {f"GIT_{who}_{what}": "t@example.org" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    done = subprocess.run(command, cwd=folder, env={**os.environ, **author}, capture_output=True, text=True)
    assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
    return done.stdout
