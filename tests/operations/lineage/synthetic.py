"""A real git and DVC repository with a pipeline in miniature (`steps`) and a history of its data."""

import contextlib
import hashlib
import io
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pyarrow.parquet as pq
import yaml
from tests.operations.lineage import steps
from typer.testing import CliRunner

from padstal.cli import app

ROOT = Path(__file__).resolve().parents[3]
VAES, DITS = ("audio", "tal"), ("audio_dit", "tal_dit")


def _stage(cmd: str, deps: list[str], outs: list[str], plain: list[str] = [], **more: Any) -> dict[str, Any]:  # noqa: B006
    uncached = [{path: {"cache": False}} for path in plain]
    return {
        "cmd": f"{sys.executable} steps.py {cmd}",
        "deps": deps,
        "outs": outs,
        **({"metrics": uncached} if plain else {}),
        **more,
    }


def pipeline() -> dict[str, Any]:
    """dvc.yaml."""
    data, models, reports = "data/demo", "models/demo", "reports/demo"
    trained = {
        f"train_vae@{name}": _stage(
            f"train_vae {name}",
            [f"{data}/ingest", f"{data}/curate", f"{data}/gate/ingest", f"{models}/foundation/clap"],
            [f"{models}/vae/{name}"],
            [f"{reports}/ledger/train_vae_{name}.json"],
        )
        for name in VAES
    }
    encoded = {
        f"encode@{name}": _stage(
            f"encode {name}", [f"{data}/ingest", f"{data}/curate", f"{models}/vae/{name}"], [f"{data}/latents/{name}"]
        )
        for name in VAES
    }
    diffusion = {
        f"train_diffusion@{name}": _stage(
            f"train_diffusion {name}",
            [f"{data}/curate", f"{data}/latents"],
            [f"{models}/diffusion/{name}"],
            [f"{reports}/ledger/train_diffusion_{name}.json"],
            params=["scales.demo.train_diffusion"],
        )
        for name in DITS
    }
    stages = {
        "ingest": _stage(
            "ingest",
            ["source", "data/tombstones.jsonl"],
            [f"{data}/corpus", f"{data}/ingest", f"{data}/truth.parquet"],
            [f"{reports}/metrics/ingest.json"],
        ),
        "gate@ingest": _stage("gate", [f"{data}/ingest"], [f"{data}/gate/ingest"]),
        "prepare@clap": _stage("prepare", ["steps.py"], [f"{models}/foundation/clap"]),
        "curate": _stage("curate", [f"{data}/ingest", f"{models}/foundation"], [f"{data}/curate"]),
        **trained,
        **encoded,
        **diffusion,
        "sample@tal_dit": _stage(
            "sample", [f"{data}/curate", f"{models}/diffusion/tal_dit", f"{models}/vae"], [f"{data}/samples/tal_dit"]
        ),
        "report": _stage(
            "report", [f"{data}/ingest", f"{data}/samples"], [f"{reports}/page.html", f"{reports}/model_cards"]
        ),
    }
    # stages of a matrix are written out under names that DVC takes; the locks are read by what they hold
    return {
        "stages": {name.replace("@", "_"): stage for name, stage in stages.items()},
        "artifacts": {"music": {"path": "models/${scale}/diffusion/tal_dit", "type": "model"}},
    }


@dataclass
class Truth:
    """What a version was really trained on, found by looking at its data set when it was made."""

    commit: str
    tracks: frozenset[str]
    models: dict[str, str]


@dataclass
class Repository:
    """The repository and what is true of it.

    Attributes:
        versions: In order; those that were committed.
        tracks: SHA-256 → file name, of all that ever were.
    """

    root: Path
    environment: dict[str, str]
    versions: list[Truth] = field(default_factory=list)
    tracks: dict[str, str] = field(default_factory=dict)

    def run(self, *command: str, check: bool = True, **more: Any) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(command, cwd=self.root, env=self.environment, capture_output=True, text=True, **more)
        assert not check or done.returncode == 0, f"{command}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
        return done

    @contextlib.contextmanager
    def inside(self) -> Iterator[io.StringIO]:
        """The folder and environment of its programs, which are run in this process: starting them takes longest."""
        said = io.StringIO()
        with (
            mock.patch.dict(os.environ, self.environment),
            contextlib.chdir(self.root),
            contextlib.redirect_stdout(said),
        ):
            yield said

    def dvc(self, *arguments: str) -> str:
        """What `dvc` says; it must succeed."""
        from dvc.cli import main

        with self.inside() as said:
            assert main([*arguments]) == 0, f"dvc {arguments}: {said.getvalue()}"
        return said.getvalue()

    def padstal(self, *arguments: str) -> str:
        """What `padstal` says; it must succeed."""
        with self.inside():
            done = CliRunner().invoke(app, [*arguments])
        assert done.exit_code == 0, f"padstal {arguments}: {done.output}"
        return done.stdout

    def seed(self, value: int) -> None:
        tree = {"scale": "demo", "scales": {"demo": {"ingest": {}, "train_diffusion": {"seed": value}}}}
        (self.root / "params.yaml").write_text(json.dumps(tree))

    def put(self, *names: str) -> None:
        """Make source files of these names; one that ends in "=NAME" has the bytes of NAME."""
        folder = self.root / "source"
        folder.mkdir(exist_ok=True)
        for name in names:
            content = f"audio of {name.rpartition('=')[2]}".encode() * 9
            path = folder / f"{name.replace('=', '-')}.wav"
            path.write_bytes(content)
            self.tracks.setdefault(hashlib.sha256(content).hexdigest(), path.name)

    def take_away(self, *names: str) -> None:
        for name in names:
            (self.root / "source" / f"{name}.wav").unlink()

    def version(self, commit: bool = True) -> Truth:
        """Do what the pipeline does, note what its models were trained on, and commit."""
        with contextlib.chdir(self.root):
            for command in pipeline()["stages"].values():
                name, *item = command["cmd"].split(" steps.py ")[1].split()
                getattr(steps, name)(*item)
        self.dvc("commit", "-q", "-f")
        return self.note(commit)

    def note(self, commit: bool = True) -> Truth:
        """What the models of the workspace were trained on."""
        rows = pq.read_table(self.root / "data/demo/curate/dataset.parquet").to_pylist()
        tracks = frozenset(row["sha256"] for row in rows if row["split"] == "train")
        lock = yaml.safe_load((self.root / "dvc.lock").read_text())["stages"].values()
        outs = {out["path"]: out["md5"] for stage in lock for out in stage["outs"]}
        models = {path: md5 for path, md5 in outs.items() if path.startswith("models/") and "foundation" not in path}
        if commit:
            self.run("git", "add", "-A")
            self.run("git", "commit", "-qm", f"version {len(self.versions) + 1}")
        truth = Truth(self.run("git", "rev-parse", "HEAD").stdout.strip() if commit else "", tracks, models)
        self.versions.append(truth)
        return truth

    def truly_saw(self, sha256: str) -> set[tuple[str, str]]:
        """Models (path, md5) whose training data held the track, by brute force."""
        return {pair for version in self.versions if sha256 in version.tracks for pair in version.models.items()}


def configure(root: Path, remote: Path, bucket: str = "", endpoint: str = "") -> None:
    """DVC's config: a local remote, and a bucket if there is one."""
    lines = ["[core]", "analytics = false", "remote = local", "[cache]", 'type = "hardlink,copy"']
    lines += ["['remote \"local\"']", f"url = {remote}"]
    if bucket:
        lines += ["['remote \"bucket\"']", f"url = {bucket}", f"endpointurl = {endpoint}"]
    (root / ".dvc" / "config").write_text("\n".join(lines) + "\n")


def create(root: Path, environment: dict[str, str]) -> Repository:
    """An empty repository with the pipeline."""
    root.mkdir()
    env = {
        **os.environ,
        **environment,
        "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}",
        "DVC_NO_ANALYTICS": "1",
        "DVC_SITE_CACHE_DIR": str(root.parent / "site"),
        "GIT_AUTHOR_NAME": "t",
        "GIT_AUTHOR_EMAIL": "t@t",
        "GIT_COMMITTER_NAME": "t",
        "GIT_COMMITTER_EMAIL": "t@t",
        "PADSTAL_WORKSPACES": str(root.parent / "workspaces"),
    }
    repository = Repository(root, env)
    repository.run("git", "init", "-q", "-b", "main")
    (root / ".dvc").mkdir()
    (root / ".dvc" / ".gitignore").write_text("/config.local\n/tmp\n/cache\n")
    shutil.copy(steps.__file__, root / "steps.py")
    (root / "dvc.yaml").write_text(yaml.safe_dump(pipeline(), sort_keys=False))
    (root / ".gitignore").write_text(
        "/data/*/*\n/models/*/\n/reports/*/page.html\n/reports/*/model_cards\n/.state/\n/source/\n"
    )
    (root / "data").mkdir()
    (root / "data" / "tombstones.jsonl").touch()
    (root / "ledgers").touch()
    repository.seed(1)
    return repository


def marks(sha256: str, name: str) -> list[bytes]:
    """Bytes that tell that something holds a track: ids, name, samples, and latents that were made from them."""
    found = [sha256.encode(), sha256[:16].encode(), name.encode(), name.removesuffix(".wav").encode() + b"\n"]
    for clip in range(steps.CLIPS):
        samples = steps.pcm(sha256, clip)
        found += [steps.clip_id(sha256, clip).encode(), samples.tobytes()]
        found.append((samples.astype(np.float32) * 2).tobytes())
    return found


def decoded(content: bytes) -> bytes:
    """A file's bytes, and of a table all its cells too."""
    if content[:4] != b"PAR1":
        return content
    cells = pq.read_table(io.BytesIO(content)).to_pylist()
    return content + json.dumps(cells).encode()


def found_in(contents: dict[str, bytes], tracks: dict[str, str]) -> list[tuple[str, str]]:
    """(place, file name) of every content that holds a mark of a track."""
    whole = {place: decoded(content) for place, content in contents.items()}
    return [
        (place, name)
        for sha256, name in tracks.items()
        for place, content in whole.items()
        if any(mark in content for mark in marks(sha256, name))
    ]


def files_below(*folders: Path, leaving: tuple[str, ...] = ()) -> dict[str, bytes]:
    """All files below these folders, except below folders of these names."""
    return {
        str(path): path.read_bytes()
        for folder in folders
        for path in folder.rglob("*")
        if path.is_file() and not set(leaving) & set(path.relative_to(folder).parts)
    }
