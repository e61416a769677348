"""Small folders of music, and `collect` on them, for the tests of ingestion."""

import os
from pathlib import Path

import numpy as np

from padstal.core.data.content import sha256_file
from padstal.demo.audio_files import encode
from padstal.ingest.clip_form import Screening
from padstal.ingest.collect import Collected, Folder, collect
from padstal.ingest.config import CollectParams, Splits
from padstal.ingest.worker_pool import Workers
from padstal.rights.policy import Policy

RATE = 11_025
PARAMS = CollectParams(
    sample_rate=8_000,
    channels=1,
    clip_seconds=0.512,
    hop_seconds=0.512,
    min_track_seconds=0.6,
    max_track_seconds=30.0,
    loudness_lufs=-20.0,
    silence_dbfs=-60.0,
    screening=Screening(),
    licences=Policy(allow=("CC0-1.0", "CC-BY-4.0"), deny=(), non_commercial="refuse", unknown="refuse"),
    splits=Splits(train=0.6, validation=0.2, test=0.2),
    split_seed=3,
    shard_tracks=3,
    max_file_seconds=None,
)
FORMATS = ("wav", "flac", "mp3")

FAULTY_DECODER = """
import ctypes, os
import padstal.ingest.decode as module
real = module.decode
def decode(path, **options):
    content = path.read_bytes()
    if b"HANG" in content:
        ctypes.PyDLL(None).pause()  # in C, and no other Python thread runs meanwhile
    if b"CRASH" in content:
        os.abort()
    return real(path, **options)
module.decode = decode
"""
"""A `sitecustomize` for worker processes."""


def write_track(path: Path, seed: int, seconds: float = 1.3) -> None:
    """A file of the format that its name says; another seed, another sound."""
    rng = np.random.default_rng(seed)
    t = np.arange(round(seconds * RATE)) / RATE
    tones = sum(0.1 * np.sin(2 * np.pi * rng.uniform(100, 3000) * t) for _ in range(3))
    audio_SC = (tones + 0.01 * rng.standard_normal(len(t)))[:, None].astype(np.float32)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(encode(audio_SC, RATE, path.suffix[1:]))


def fill(folder: Path, tracks: int, seconds: float = 1.3) -> None:
    """`tracks` files and a captions table."""
    folder.mkdir(parents=True, exist_ok=True)
    for i in range(tracks):
        write_track(folder / f"{i:04d}.{FORMATS[i % len(FORMATS)]}", i, seconds)
    rows = [
        f"{path.name},caption {path.stem},,artist {int(path.stem) % 5},CC0-1.0\n" for path in sorted(folder.iterdir())
    ]
    (folder / "captions.csv").write_text("path,caption,tags,artist,licence\n" + "".join(rows))


def run(
    music: Path,
    out: Path,
    store: Path,
    *,
    workers: Workers = Workers(1),  # noqa: B008
    **changes: object,
) -> Collected:
    """`collect` of folder `music` into the new folder `out`, with `PARAMS` and `changes` of them."""
    out.mkdir(parents=True)
    folder = Folder("music", music, "captions.csv", "CC0-1.0")
    return collect([folder], out=out, store=store, params=PARAMS.model_copy(update=changes), workers=workers)


def content(out: Path) -> dict[str, str]:
    """Digests of all files below `out`."""
    return {os.path.relpath(path, out): sha256_file(path) for path in sorted(out.rglob("*")) if path.is_file()}
