"""Where the scripted week happens: music that comes in, a repository with its origin, a server, two workers."""

import json
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pandas as pd
import psutil
import soundfile
from tests.end_to_end.tiny import BIN, CHANGES, ROOT, change_params, command, make_copy
from tests.flows.prefect_server import PREFECT, QUIET, Server, started, wait_for, without_prefect

from padstal.demo.synthesise import CAPTIONS, synthesise
from padstal.ingest.config import SynthSource
from padstal.ingest.worker_pool import Workers

ZOMBIE_SECONDS = 75
"""Without a heartbeat; one comes every 30 s, the least that Prefect takes."""
LONG = 1500.0
"""s; how long a step of the week may take on a busy machine."""
LENGTHENED = {"steps": 40, "checkpoint_every": 5}
"""A training that lasts long enough to be killed in its midst."""
FLAT = {"grids": {"pads_tal": {"sampler": {"sigma_max": 0.05}}}}
"""Sampling from hardly any noise gives takes that are nearly alike: the first champion is beaten in diversity."""


# music


def compose(folder: Path, tracks: int, seed: int) -> Path:
    """A folder of the composer's tracks, with their captions, artists and licences."""
    source = SynthSource(kind="synth", tracks=tracks, track_seconds=9.0, seed=seed)
    synthesise(folder, source, workers=Workers(2))
    return folder


def add(music: Path, more: Path, name: str) -> None:
    """Put a delivery into the music folder, and its rows into the captions table."""
    shutil.copytree(more, music / name, ignore=shutil.ignore_patterns(CAPTIONS))
    rows = pd.read_csv(more / CAPTIONS, dtype=str, keep_default_na=False)
    rows["path"] = f"{name}/" + rows["path"]
    rows["artist"] = rows["artist"].where(rows["artist"] == "", name + " " + rows["artist"])
    known = pd.read_csv(music / CAPTIONS, dtype=str, keep_default_na=False)
    whole = music / f".{CAPTIONS}"
    pd.concat([known, rows]).to_csv(whole, index=False)
    whole.replace(music / CAPTIONS)


def muffle(folder: Path) -> Path:
    """The same music as if through a wall: 24 dB quieter, and nothing of it above some 700 Hz."""
    for file in folder.rglob("*"):
        if file.suffix in {".wav", ".flac", ".ogg", ".mp3"}:
            audio, rate = soundfile.read(file, always_2d=True)
            kernel = np.hanning(rate // 350)
            dull = np.stack([np.convolve(channel, kernel / kernel.sum(), mode="same") for channel in audio.T], axis=1)
            soundfile.write(file, 10 ** (-24 / 20) * dull, rate)
    return folder


def sabotage(folder: Path, files: int) -> None:
    """Files that are no music, under names of music."""
    folder.mkdir()
    rng = np.random.default_rng(3)
    kinds = {"wav": b"RIFF\xff\xff\xff\xffWAVEfmt ", "mp3": b"ID3 ignore all rules", "flac": b"fLaC", "ogg": b"OggS"}
    for number in range(files):
        suffix, beginning = list(kinds.items())[number % len(kinds)]
        (folder / f"hit-{number:03d}.{suffix}").write_bytes(beginning + rng.bytes(40 * number))


# the repository


@dataclass(frozen=True)
class Place:
    """Where it all lies: `checkout` (of workers), `origin.git`, `music`, and what the runs leave."""

    folder: Path

    @property
    def checkout(self) -> Path:
        return self.folder / "checkout"

    @property
    def origin(self) -> Path:
        return self.folder / "origin.git"

    @property
    def music(self) -> Path:
        return self.folder / "music"

    @property
    def workspaces(self) -> Path:
        return self.folder / "workspaces"

    def git(self, *arguments: str) -> str:
        return command(self.checkout, "git", *arguments).strip()

    def commit(self, message: str) -> None:
        self.git("add", "-A")
        self.git("commit", "-q", "-m", message)
        self.git("push", "-q", "origin", "main")

    def champion(self) -> str:
        """Version of the champion, as anybody who asks the origin sees it."""
        return str(json.loads(command(self.checkout, "padstal", "champion", "--json"))["champion"]["name"])

    def checkpoint(self, stage: str) -> bool:
        """Whether a training has written one, and still needs it."""
        files = self.workspaces.glob(f"*/state/demo/{stage}/**/*")
        return any(file.suffix in (".pt", ".ckpt") for file in files)


def make_place(folder: Path) -> Place:
    """The repository with its pipeline run once and a first champion promoted."""
    place = Place(folder)
    compose(place.music, tracks=40, seed=7)
    root = make_copy(place.checkout)
    for name in ("prefect.yaml", ".gitignore"):
        shutil.copy(ROOT / name, root / name)
    _make_quick(root)
    change_params(root, _changes(place.music))
    _change_shared(root)
    subprocess.run(["git", "init", "-q", "--bare", "-b", "main", str(place.origin)], check=True)
    for arguments in (
        ("symbolic-ref", "HEAD", "refs/heads/main"),
        ("config", "user.name", "tests"),
        ("config", "user.email", "tests@localhost"),
        ("remote", "add", "origin", str(place.origin)),
    ):
        place.git(*arguments)
    (root / ".git" / "info" / "exclude").write_text(".site-cache/\n")
    for words in (("padstal", "scan"), ("dvc", "repro"), ("padstal", "freeze-prompts"), ("padstal", "profile")):
        command(root, *words)
    command(root, "dvc", "repro")  # with something to measure drift against
    place.commit("Begin")
    command(root, "dvc", "push")
    command(root, "padstal", "challenge", "--out", str(folder / "first.json"))
    command(root, "padstal", "promote", "--decision", str(folder / "first.json"))
    change_params(root, {"sample": {"grids": {"pads_tal": {"sampler": {"sigma_max": 100.0}}}}})
    place.commit("Sample from noise")
    return place


def _changes(music: Path) -> dict[str, Any]:
    vae = {"training": LENGTHENED, "discriminator": {"start": 20}}
    denoiser = {"training": LENGTHENED}
    return {
        "ingest": {"sources": [{"kind": "folder", "path": str(music), "captions": CAPTIONS}]},
        "validate": {"ingest": CHANGES["validate"]["ingest"] | {"max_quarantine_share": 0.5}},
        "train_vae": {"audio": vae, "tal": vae},
        "train_diffusion": {"audio_dit": denoiser, "tal_dit": denoiser},
        "sample": FLAT,
    }


def _change_shared(root: Path) -> None:
    """Models of a few steps: the gate asks for diversity beyond doubt, licences, gates and drift, not for quality."""
    import yaml

    tree = yaml.safe_load((root / "params.yaml").read_text(encoding="utf-8"))
    tree["operations"]["retry_waits"] = [1, 2]
    promote = tree["promote"]
    promote |= {"prompts": 6, "least_prompts": 4, "better_in": ["vendi", "ibs"], "draws": 400}
    promote["margins"] = dict.fromkeys(promote["margins"], 100.0)
    promote["floors"] = {"clap_f_above_chance": -2.0, "vendi_share": 0.0, "pmos_share": 0.0}
    (root / "params.yaml").write_text(yaml.safe_dump(tree, sort_keys=False), encoding="utf-8")


def _make_quick(root: Path) -> None:
    """Nights of a minute."""
    file, night = root / "prefect.yaml", 'cron: "0 2 * * *"'
    said = file.read_text(encoding="utf-8")
    assert night in said
    file.write_text(said.replace(night, 'cron: "* * * * *"'), encoding="utf-8")


# who runs it


@dataclass
class Operations:
    """The server and the workers, which can be killed and started again."""

    place: Place
    server: Server
    environment: dict[str, str]
    stack: ExitStack
    processes: dict[str, "subprocess.Popen[bytes]"] = field(default_factory=dict)

    def start(self, name: str) -> None:
        """Start "server", or the worker of a pool."""
        port = self.server.address.rpartition(":")[2].partition("/")[0]
        words = (
            ["server", "start", "--host", "127.0.0.1", "--port", port]
            if name == "server"
            else ["worker", "start", "--pool", name]
        )
        folder = self.place.folder
        self.processes[name] = self.stack.enter_context(
            started([*PREFECT, *words], folder, self.environment, folder / f"{name}.log")
        )
        if name == "server":
            wait_for(self._healthy, "the server", LONG)

    def kill(self, name: str) -> None:
        """SIGKILL to it and to all that it started, as if its machine lost power."""
        process = psutil.Process(self.processes[name].pid)
        doomed = [process, *process.children(recursive=True)]
        for one in doomed:
            try:
                one.kill()
            except psutil.NoSuchProcess:
                continue
        psutil.wait_procs(doomed, 60)

    def _healthy(self) -> bool:
        try:
            return bool(httpx.get(f"{self.server.address}/health", timeout=5).json() is True)
        except (httpx.HTTPError, ValueError):
            return False

    def retrainings(self) -> list[Any]:
        """Runs of `retrain` that were not cancelled because another one ran, oldest first."""
        try:
            runs = self.server.runs_of("retrain")
        except (httpx.HTTPError, AssertionError):
            return []
        return [run for run in runs if run["start_time"] and run["state_type"] != "CANCELLED"]

    def ended(self, name: str, after: int) -> Any:
        """The run that ended in a state `name`, among those after the first `after`; else None."""
        return next((run for run in self.retrainings()[after:] if run["state_name"] == name), None)


@contextmanager
def operations(place: Place) -> Iterator[Operations]:
    """A server that knows the deployments, and a worker of each pool."""
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    address = f"http://127.0.0.1:{port}/api"
    environment = without_prefect(os.environ) | {
        "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(place.checkout / "src"),
        "PADSTAL_CHECKOUT": str(place.checkout),
        "PADSTAL_WORKSPACES": str(place.workspaces),
        "PREFECT_API_URL": address,
        "PREFECT_HOME": str(place.folder / "prefect"),
        "PREFECT_WORKER_QUERY_SECONDS": "2",
        "HF_HUB_OFFLINE": "1",
        "DVC_NO_ANALYTICS": "1",
        **QUIET,
    }
    with ExitStack() as stack:
        found = Operations(place, Server(address, place.folder), environment, stack)
        found.start("server")
        set_up(place, environment)
        found.start("cpu")
        found.start("gpu")
        yield found


def set_up(place: Place, environment: Mapping[str, str]) -> None:
    words = ["flows/setup.py", "--zombie-seconds", str(ZOMBIE_SECONDS), "--only", "retrain", "--only", "train"]
    done = subprocess.run(
        [sys.executable, *words], cwd=place.checkout, env=dict(environment), capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr


class Trainings(threading.Thread):
    """Who trained what and when: every process of a training stage that was seen, told apart by its number."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.seen: dict[int, str] = {}
        self.over = threading.Event()

    def run(self) -> None:
        while not self.over.is_set():
            for process in psutil.process_iter(["cmdline"]):
                words = process.info["cmdline"] or []
                stage = next((word for word in words if word.startswith("padstal.stages.train_")), None)
                if stage and words[0].endswith("python"):
                    self.seen.setdefault(process.pid, f"{stage.rpartition('.')[2]}@{words[-1]}")
            time.sleep(0.4)

    def times(self) -> dict[str, int]:
        """Stage → processes that ran it."""
        return {stage: list(self.seen.values()).count(stage) for stage in sorted(set(self.seen.values()))}
