"""One measured run of `padstal bench ingest`, in a process of its own, so that its start is its own."""

import json
import os
import sys
from pathlib import Path
from typing import Any

SHARD_TRACKS = 2
CLIP_SECONDS = 10.03102
"""As at scale full."""


def main() -> None:
    """Do what the JSON on standard input asks; the number of tracks goes to standard output."""
    options: dict[str, Any] = json.load(sys.stdin)
    _hold_to_cores(options["workers"])
    print(_decode(options) if options["work"] == "decode" else _ingest(options))


def _hold_to_cores(count: int) -> None:
    """This process and those that it will start use `count` cores, where the system can be told."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:count])


def _decode(options: dict[str, Any]) -> int:
    """The files decoded to float32 and nothing else, by the same workers; how many."""
    from padstal.ingest.supervised_worker import fork_server
    from padstal.ingest.worker_pool import Workers, ordered_map

    paths = sorted(path for folder in options["music"] for path in Path(folder).iterdir())
    with fork_server():  # which ends here, so that its time counts
        return len(list(ordered_map(decode_only, paths, workers=Workers(options["workers"]), seconds=600.0)))


def decode_only(path: Path) -> float:
    """Seconds of audio in a file that was decoded whole."""
    from padstal.ingest.decode import decode

    return decode(path, min_seconds=0.0, max_seconds=3600.0).seconds


def _ingest(options: dict[str, Any]) -> int:
    """The tracks that were taken in, or were already."""
    from padstal.core.data.atomic import atomic_folder
    from padstal.ingest.candidates import Folder
    from padstal.ingest.clip_form import Screening
    from padstal.ingest.collect import collect
    from padstal.ingest.config import CollectParams, Splits
    from padstal.ingest.worker_pool import Workers
    from padstal.rights.policy import Policy

    params = CollectParams(
        sample_rate=options["sample_rate"],
        channels=2,
        clip_seconds=CLIP_SECONDS,
        hop_seconds=CLIP_SECONDS,
        min_track_seconds=CLIP_SECONDS,
        max_track_seconds=3600.0,
        loudness_lufs=-20.0,
        silence_dbfs=-60.0,
        screening=Screening(),
        licences=Policy(allow=("CC0-1.0",), deny=(), non_commercial="refuse", unknown="refuse"),
        splits=Splits(train=0.8, validation=0.1, test=0.1),
        split_seed=1,
        shard_tracks=SHARD_TRACKS,
        max_file_seconds=600.0,
    )
    folders = [Folder(Path(music).name, Path(music), None, "CC0-1.0") for music in options["music"]]
    with atomic_folder(Path(options["out"])) as out:
        workers = Workers(options["workers"])
        return collect(folders, out=out, store=Path(options["store"]), params=params, workers=workers).kept
