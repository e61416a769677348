"""Thousands of mutants of every kind of file and table: no crash, no hang, none lost, memory bounded."""

import resource
import time
from collections import Counter
from dataclasses import astuple
from pathlib import Path

import numpy as np
import pytest
from tests.ingest.encoders import WHOLE, good
from tests.ingest.fuzz import mutant
from tests.ingest.hostile_tables import FILES, TABLES
from tests.ingest.test_hostile import Found, collected

from padstal.ingest.captions_table import Table, read_captions
from padstal.ingest.decode import decode
from padstal.ingest.rejection import NO_FILE_REASONS, ROW_REASONS

MOST_MEMORY = 600 * 2**20
"""Bytes that mutants of 4-second files may add to what good ones take."""
SEED = 20_240
AAC_DELAY = 1024
"""Samples that are heard where an edit list is lost."""
MP3_PADDING = 1105
"""Samples that LAME puts in front."""


def _memory() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _mutants(folder: Path, count: int, seed: int) -> None:
    folder.mkdir()
    whole = [good(kind) for kind in WHOLE]
    for index in range(count):
        kind = index % len(WHOLE)
        content = mutant(whole[kind], whole, np.random.default_rng([seed, index]))
        (folder / f"{index:06d}_{WHOLE[kind]}.wav").write_bytes(content)


def _fuzz_files(tmp_path: Path, count: int, workers: int) -> None:
    good_folder = tmp_path / "good"
    good_folder.mkdir()
    for kind in WHOLE:
        (good_folder / f"{kind}.wav").write_bytes(good(kind))
    assert collected(good_folder, tmp_path / "warm").kept == len(WHOLE)
    before = _memory()
    _mutants(tmp_path / "in", count, SEED)
    start = time.perf_counter()
    found = collected(tmp_path / "in", tmp_path / "out", workers=workers)
    seconds = time.perf_counter() - start
    reasons = Counter(found.quarantine["reason"])
    print(f"\n{count} files, {count / seconds:.0f} a second; {found.kept} kept, {dict(reasons)}")
    assert (
        found.files == count == found.kept + sum(reasons[reason] for reason in reasons if reason not in NO_FILE_REASONS)
    )
    names = set(found.manifest["path"]) | set(found.quarantine["path"])
    assert len(names) == count
    assert not set(reasons) & {"crashed", "timeout"}
    assert 0.01 * count < found.kept < 0.6 * count  # otherwise the mutants are too weak, or too strong, to say much
    assert _memory() - before < MOST_MEMORY

    _assert_sound_is_kept(tmp_path / "in", found)


def _assert_sound_is_kept(folder: Path, found: Found) -> None:
    """What is kept without a note sounds as a good file does, where the container has a checksum of its sound, and is
    as long as one elsewhere (in ADTS nothing tells)."""
    goods = []
    for kind in WHOLE:
        (folder / "good").write_bytes(good(kind))
        goods.append(decode(folder / "good", min_seconds=1, max_seconds=60).audio_SC)
    for path in found.manifest.loc[found.manifest["repairs"] == "", "path"].unique():
        decoded = decode(folder / path, min_seconds=1, max_seconds=60)
        if decoded.container in ("flac", "ogg", "mp3"):
            assert any(_sounds_like(decoded.audio_SC, good_SC) for good_SC in goods), path
        elif decoded.container != "aac":
            lengths = [len(decoded.audio_SC) - len(good_SC) for good_SC in goods]
            assert any(0 <= more <= AAC_DELAY for more in lengths), path


def _sounds_like(audio_SC: np.ndarray, good_SC: np.ndarray) -> bool:
    """Whether all of a good file's samples are there: an MP3 that lost its encoder's name has padding around them."""
    starts = (0,) if len(audio_SC) == len(good_SC) else (0, MP3_PADDING)
    return any(np.array_equal(audio_SC[start : start + len(good_SC)], good_SC) for start in starts)


def _read(path: Path) -> Table | str:
    try:
        return read_captions(path, FILES)
    except ValueError as error:
        return str(error)


def _fuzz_tables(tmp_path: Path, count: int) -> None:
    whole = [kind for kind in TABLES if kind.name.startswith("good.")]
    contents = [kind.content() * (1 if kind.name.endswith("parquet") else 5) for kind in whole]
    outcomes: Counter[str] = Counter()
    before, start = _memory(), time.perf_counter()
    for index in range(count):
        kind = index % len(whole)
        path = tmp_path / f"table{Path(whole[kind].name).suffix}"
        path.write_bytes(mutant(contents[kind], contents, np.random.default_rng([SEED, index])))
        table = _read(path)
        if isinstance(table, str):
            assert len(table) < 1500, index
            outcomes["stopped"] += 1
            continue
        assert all(reason in ROW_REASONS for _, reason, _ in table.refused), index
        for text in (text for row in table.rows.values() for text in astuple(row)):
            text.encode("utf-8")  # what goes on can be written
        outcomes["refused rows" if table.refused else "read"] += 1
    seconds = time.perf_counter() - start
    print(f"\n{count} tables, {count / seconds:.0f} a second: {dict(outcomes)}")
    assert sum(outcomes.values()) == count
    assert min(outcomes.values()) > 0.02 * count
    assert seconds < 0.1 * count
    assert _memory() - before < MOST_MEMORY


@pytest.mark.slow
def test_no_mutant_of_a_file_crashes_hangs_or_is_lost(tmp_path):
    _fuzz_files(tmp_path, 600, workers=1)


@pytest.mark.slow
def test_no_mutant_of_a_table_crashes_hangs_or_is_lost(tmp_path):
    _fuzz_tables(tmp_path, 600)


@pytest.mark.slow
@pytest.mark.long
@pytest.mark.timeout(1800)
def test_ten_thousand_mutants_of_files_in_two_processes(tmp_path):
    _fuzz_files(tmp_path, 12_000, workers=2)


@pytest.mark.slow
@pytest.mark.long
def test_thousands_of_mutants_of_tables(tmp_path):
    _fuzz_tables(tmp_path, 4000)
