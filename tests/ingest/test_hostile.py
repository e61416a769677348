"""Every kind of bad file ends in quarantine with its reason, or is kept; counts add up, time and memory are bounded."""

import os
import time
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pytest
from tests.ingest.hostile_files import KINDS
from tests.ingest.kinds import KEPT, NO_INPUT, REPAIRED, Kind

from padstal.core.data.manifest import read_table
from padstal.ingest import rejection
from padstal.ingest.clip_form import Screening
from padstal.ingest.collect import Folder, collect
from padstal.ingest.config import CollectParams, Splits
from padstal.ingest.rejection import NO_FILE_REASONS
from padstal.ingest.worker_pool import Workers
from padstal.rights.policy import Policy

PARAMS = CollectParams(
    sample_rate=16_000,
    channels=1,
    clip_seconds=1.024,
    hop_seconds=1.024,
    min_track_seconds=1.1,
    max_track_seconds=30.0,
    loudness_lufs=-20.0,
    silence_dbfs=-60.0,
    screening=Screening(),
    licences=Policy(allow=("CC0-1.0",), deny=(), non_commercial="refuse", unknown="refuse"),
    splits=Splits(train=0.8, validation=0.1, test=0.1),
    split_seed=0,
    shard_tracks=64,
    max_file_seconds=60.0,
)
MOST_MEMORY = 300 * 2**20
"""Bytes that the whole collection of files may add to this process at its peak."""


@dataclass(frozen=True)
class Found:
    """What `collect` counted and wrote."""

    files: int
    kept: int
    manifest: pd.DataFrame
    quarantine: pd.DataFrame


def collected(
    folder: Path,
    out: Path,
    captions: str | None = None,
    workers: int = 1,
    store: Path | None = None,
    max_file_seconds: float | None = PARAMS.max_file_seconds,
) -> Found:
    """What comes of a folder; in this process alone if there is one worker and no limit of a file's time."""
    out.mkdir(exist_ok=True)
    counted = collect(
        [Folder("hostile", folder, captions, "CC0-1.0")],
        out=out,
        store=store or out.with_name(f"{out.name}-store"),
        params=PARAMS.model_copy(update={"max_file_seconds": max_file_seconds}),
        workers=Workers(workers),
    )
    return Found(
        counted.kept + counted.refused_files,
        counted.kept,
        read_table(out / "manifest.parquet"),
        read_table(out / "quarantine.parquet"),
    )


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> tuple[Found, dict[str, str], float, int]:
    """The collection, each file's outcome, the time it took (s), and the memory that it added at its peak (bytes)."""
    folder = tmp_path_factory.mktemp("hostile")
    for kind in KINDS:
        path = folder / (kind.file or kind.name)
        if kind.make:
            kind.make(path)
        else:
            path.write_bytes(kind.content())
    Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew: tests before this one have theirs
    before, start = _memory("VmRSS"), time.perf_counter()
    found = collected(folder, tmp_path_factory.mktemp("shards"))
    seconds, added = time.perf_counter() - start, _memory("VmHWM") - before
    outcomes: dict[str, str] = {}
    for row in found.quarantine.itertuples():
        assert row.path not in outcomes, f"{row.path} is twice in quarantine"
        assert row.detail, f"{row.path} has no detail"
        outcomes[row.path] = row.reason
    for path, repairs in found.manifest.groupby("path")["repairs"].first().items():
        assert path not in outcomes, f"{path} is kept and in quarantine"
        outcomes[path] = REPAIRED + repairs if repairs else KEPT
    return found, outcomes, seconds, added


def _memory(line: str) -> int:
    """A line of this process's status in bytes: memory that it has ("VmRSS") or had at its peak ("VmHWM")."""
    status = Path("/proc/self/status").read_text()
    return int(next(row.split()[1] for row in status.splitlines() if row.startswith(f"{line}:"))) * 1024


def _shown(kind: Kind) -> str:
    return (kind.file or kind.name).encode("ascii", "backslashreplace").decode()


def test_names_of_kinds_are_distinct_and_there_are_many():
    assert len({kind.file or kind.name for kind in KINDS}) == len(KINDS) >= 60


@pytest.mark.slow
def test_every_kind_ends_where_it_must(run):
    found, outcomes, *_ = run
    details = found.quarantine.set_index("path")["detail"]
    wrong = {}
    for kind in KINDS:
        name = kind.file or kind.name
        outcome = outcomes.get(name, NO_INPUT)
        if outcome not in kind.outcomes:
            wrong[_shown(kind)] = f"{outcome}, not {' or '.join(kind.outcomes)}: {details.get(name, '')}"
    assert wrong == {}


@pytest.mark.slow
def test_the_counts_add_up(run):
    found, outcomes, *_ = run
    inputs = sum(kind.outcome != NO_INPUT for kind in KINDS)
    assert found.files == inputs == len(outcomes)
    kept = sum(outcome.startswith(KEPT) for outcome in outcomes.values())
    assert found.kept == kept == found.manifest["path"].nunique()
    assert found.files == found.kept + (~found.quarantine["reason"].isin(NO_FILE_REASONS)).sum()


@pytest.mark.slow
def test_time_and_memory_are_bounded(run):
    *_, seconds, added = run
    assert seconds < 0.2 * len(KINDS)
    assert added < MOST_MEMORY


def test_a_name_that_is_not_utf8_and_a_device_are_turned_away(tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    with open(os.fsencode(folder) + b"/\xff\xfe.wav", "wb") as file:
        file.write(b"RIFF")
    devices = 0
    try:
        os.mknod(folder / "zero.wav", 0o020644, os.makedev(1, 5))
        devices = 1
    except OSError:
        pass  # not allowed here
    found = collected(folder, tmp_path / "out")
    assert found.quarantine["reason"].tolist() == [rejection.NAME, *[rejection.NOT_REGULAR] * devices]
