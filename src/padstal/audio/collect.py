"""Many folders of music to one manifest, one quarantine and shards: every file ends in one of the two tables."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from padstal.audio import rejection
from padstal.audio.captions_table import Row, Table, read_captions
from padstal.audio.containers import EXTENSIONS
from padstal.audio.licence import allowed, normalise
from padstal.audio.parallel import ordered_map
from padstal.audio.shards import ShardWriter
from padstal.audio.track import ClipForm, Order, Rejection, Track, crashed, take_in
from padstal.manifest import COLUMNS, INTEGER_COLUMNS, TEXT_COLUMNS, split_of
from padstal.storage.content import ADDRESS_DIGITS, clip_address, sha256_file
from padstal.storage.listing import walk

QUARANTINE_COLUMNS = ("source", "path", "sha256", "reason", "detail")
Progress = Callable[..., Iterable[Any]]


@dataclass(frozen=True)
class Folder:
    """A tree of audio files.

    Attributes:
        name: The manifest's `source`.
        path: Of the folder.
        captions: The captions table, relative to it, if there is one.
        licence: Of files whose row names none; "" for none.
        failed: Files that could not be brought to the folder, with why.
    """

    name: str
    path: Path
    captions: str | None
    licence: str
    failed: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Collected:
    """What came of the sources.

    Attributes:
        manifest: One row a clip, columns of `manifest.COLUMNS`.
        quarantine: One row a file or table row that is not used: `QUARANTINE_COLUMNS`.
        files: Files that claim to be audio, or that a table names.
        kept: Those of them that gave clips.
        ignored: Other files.
        silent_clips: Clips of kept files left out as silent.
    """

    manifest: pd.DataFrame
    quarantine: pd.DataFrame
    files: int
    kept: int
    ignored: int
    silent_clips: int


@dataclass(frozen=True)
class _Candidate:
    source: str
    path: str
    full: Path
    sha256: str
    row: Row
    licence: str

    @property
    def track_id(self) -> str:
        return self.sha256[:ADDRESS_DIGITS]

    def refuse(self, reason: str, detail: str) -> dict[str, str]:
        values = (self.source, self.path, self.sha256, reason, detail)
        return dict(zip(QUARANTINE_COLUMNS, values, strict=True))


def collect(
    folders: Iterable[Folder],
    *,
    shards: Path,
    form: ClipForm,
    licences: tuple[str, ...],
    shares: Mapping[str, float],
    split_seed: int,
    shard_clips: int,
    workers: int,
    progress: Progress | None = None,
) -> Collected:
    """Take in all files of `folders` and write the clips' samples to `shards`.

    Exact copies of a file are kept once, at the first path in the order of sources and then of names. A file whose
    licence the policy does not name is not decoded.

    Raises:
        FileNotFoundError: A folder, or its captions table, is not there.
        ValueError: A captions table cannot be read.
    """
    show = progress or (lambda items, **_: items)
    candidates: list[_Candidate] = []
    refused: list[dict[str, str]] = []
    ignored = 0
    for folder in folders:
        ignored += _candidates(folder, licences, candidates, refused, show)
    firsts: dict[str, _Candidate] = {}
    copies: list[_Candidate] = []
    for candidate in candidates:
        if firsts.setdefault(candidate.sha256, candidate) is not candidate:
            copies.append(candidate)

    rejections: dict[str, Rejection] = {}
    rows: list[dict[str, Any]] = []
    kept = silent_clips = 0
    writer = ShardWriter(shards, shard_clips)
    orders = (Order(candidate.full, form) for candidate in firsts.values())
    results = ordered_map(take_in, orders, workers=workers, crashed=crashed)
    for candidate, result in zip(firsts.values(), show(results, total=len(firsts), unit="track"), strict=True):
        if isinstance(result, Rejection):
            rejections[candidate.sha256] = result
            refused.append(candidate.refuse(result.reason, result.detail))
        else:
            kept += 1
            silent_clips += result.silent_clips
            split = split_of(candidate.row.artist.casefold() or candidate.track_id, shares, split_seed)
            rows += _manifest_rows(candidate, result, form, split, writer)
    writer.flush()
    for copy in copies:
        first = firsts[copy.sha256]
        failure = rejections.get(copy.sha256)
        if failure is None:
            refused.append(copy.refuse(rejection.DUPLICATE, _place(first, copy)))
        else:
            refused.append(copy.refuse(failure.reason, f"same bytes as {_place(first, copy)}: {failure.detail}"))
    quarantine = pd.DataFrame(refused, columns=list(QUARANTINE_COLUMNS)).astype(str)
    quarantine = quarantine.sort_values(["source", "path", "reason"], kind="stable", ignore_index=True)
    of_files = int(quarantine["reason"].isin(rejection.FILE_REASONS).sum())
    files = kept + of_files
    return Collected(_typed(rows), quarantine, files, kept, ignored, silent_clips)


def _candidates(
    folder: Folder,
    licences: tuple[str, ...],
    candidates: list[_Candidate],
    refused: list[dict[str, str]],
    show: Progress,
) -> int:
    """Adds the folder's files to `candidates` or `refused`; gives how many files are neither."""
    table = Table({}, [])
    if folder.captions:
        if not (folder.path / folder.captions).is_file():
            raise FileNotFoundError(f"{folder.path / folder.captions}: no such captions table")
        table = read_captions(folder.path / folder.captions)
    refuse = partial(_refused, folder.name)
    refused += [refuse(path, reason, detail) for path, reason, detail in table.refused]
    refused += [refuse(path, rejection.FETCH_FAILED, why) for path, why in folder.failed.items()]
    seen, ignored = set(folder.failed), 0
    for found in show(walk(folder.path), unit="file"):
        path = found.printable
        seen.add(path)
        if path == folder.captions:
            continue
        if path not in table.rows and Path(path).suffix.lower() not in EXTENSIONS:
            ignored += 1
            continue
        if path != found.path:
            refused.append(refuse(path, rejection.NAME, "a name that is not UTF-8"))
            continue
        if not found.regular:
            refused.append(
                refuse(path, rejection.NOT_REGULAR, "a link, pipe, device or socket: expected a regular file")
            )
            continue
        full = folder.path / path
        row = table.rows.get(path, Row(path=path))
        licence = normalise(row.licence or folder.licence)
        candidate = _Candidate(folder.name, path, full, sha256_file(full), row, licence)
        if allowed(licence, licences):
            candidates.append(candidate)
        else:
            stated = f"{licence}: not among the licences allowed" if licence else "no licence is stated"
            refused.append(candidate.refuse(rejection.LICENCE, stated))
    refused += [
        refuse(path, rejection.MISSING, "the captions table names a file that is not there")
        for path in table.rows
        if path not in seen
    ]
    return ignored


def _refused(source: str, path: str, reason: str, detail: str) -> dict[str, str]:
    return dict(zip(QUARANTINE_COLUMNS, (source, path, "", reason, detail), strict=True))


def _place(first: _Candidate, other: _Candidate) -> str:
    return first.path if first.source == other.source else f"{first.source}: {first.path}"


def _manifest_rows(
    candidate: _Candidate, track: Track, form: ClipForm, split: str, writer: ShardWriter
) -> list[dict[str, Any]]:
    rows = []
    for clip in track.clips:
        shard, row = writer.add(clip.pcm_SC)
        rows.append(
            {
                **asdict(candidate.row),
                **asdict(clip.measures),
                "clip_id": clip_address(clip.pcm_SC, candidate.track_id, clip.offset_samples),
                "track_id": candidate.track_id,
                "source": candidate.source,
                "path": candidate.path,
                "sha256": candidate.sha256,
                "licence": candidate.licence,
                "split": split,
                "offset_seconds": clip.offset_samples / form.sample_rate,
                "clip_seconds": form.clip_samples / form.sample_rate,
                "track_seconds": track.seconds,
                "sample_rate": track.sample_rate,
                "channels": track.channels,
                "shard": shard,
                "row": row,
            }
        )
    return rows


def _typed(rows: list[dict[str, Any]]) -> pd.DataFrame:
    types = {
        name: str if name in TEXT_COLUMNS else "int64" if name in INTEGER_COLUMNS else "float64" for name in COLUMNS
    }
    return pd.DataFrame(rows, columns=list(COLUMNS)).astype(types)
