"""Samples of new tracks in files that become shards without a copy: one file for each bucket and process.

    <shards>/<bucket>.<process>.npy

A process appends tracks as it finishes them, behind room for a shard's header. Nobody else writes to its files, and
what a kill leaves lies between two tracks or behind the last; where each track begins is told in the track's entry. A
file that holds the tracks of a bucket one after the other and nothing else becomes the bucket's shard by a header.
"""

import os
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

import numpy as np

from padstal.core.data.content import bytes_of
from padstal.ingest.uncached import write_at

HEADER_BYTES = 128
"""Bytes of a shard's header."""


def append(folder: Path, bucket: str, clips: Iterable[np.ndarray]) -> tuple[str, int]:
    """Put clips, int16 [S, C] each, behind those of this process; the file's name, and the byte where they begin.

    Raises:
        OSError: They cannot be written.
    """
    name = f"{bucket}.{_owner(os.getpid())}.npy"
    file = os.open(folder / name, os.O_WRONLY | os.O_CREAT, 0o666)
    try:  # not synced: what a power failure tears is seen when read
        start = at = max(HEADER_BYTES, os.fstat(file).st_size)
        for pcm_SC in clips:
            data = bytes_of(pcm_SC)
            write_at(file, data, at)
            at += len(data)
    finally:
        os.close(file)
    return name, start


@lru_cache(maxsize=1)
def _owner(process: int) -> str:
    """Names a process, whose number alone comes again."""
    return f"{process}-{os.urandom(6).hex()}"


def holds(path: Path, end: int) -> bool:
    """Whether a bucket file reaches byte `end`; opened, so that other machines' writes are seen (NFS)."""
    try:
        with path.open("rb") as file:
            return os.fstat(file.fileno()).st_size >= end
    except FileNotFoundError:
        return False
