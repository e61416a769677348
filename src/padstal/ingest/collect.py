"""Many folders of music to one manifest, one quarantine and shards: every file ends in one of the two tables.

What came of a file is kept by its content (`track_cache`), so that a run costs what is new. The result is a
function of what the folders hold: the same bytes whatever runs came before, by any number of workers.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, nullcontext
from dataclasses import asdict, dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any

from padstal.core.data.manifest import INTEGER_COLUMNS, NUMBER_COLUMNS, TEXT_COLUMNS, split_group, split_of
from padstal.core.progress import Progress, silent
from padstal.ingest import rejection
from padstal.ingest.candidates import Folder, find_candidates
from padstal.ingest.clip_form import ClipForm
from padstal.ingest.clip_samples import DamagedError
from padstal.ingest.config import CollectParams
from padstal.ingest.digests import Digests
from padstal.ingest.file_register import Candidate, FileRegister
from padstal.ingest.outcome import OUTCOME, Rejection, Track
from padstal.ingest.shards import bucket_count, bucket_of
from padstal.ingest.supervised_worker import fork_server
from padstal.ingest.table_writer import TableWriter
from padstal.ingest.track import Order, lost, store_key, take_in
from padstal.ingest.track_cache import TrackCache
from padstal.ingest.worker_pool import Workers, ordered_map

QUARANTINE_COLUMNS = ("source", "path", "sha256", "reason", "detail")
PREPARED = "padstal.ingest.prepared"
"""The module that prepares a process that workers are copied from."""
Answer = Track | Rejection | Mapping[str, Any] | Sequence[str]
"""What the store has of a file, or `take_in` says."""


@dataclass
class Collected:
    """Counts of what came of the sources.

    Attributes:
        kept: Files that gave clips.
        ignored: Files that do not claim to be audio.
        clips, silent_clips, captioned_clips: Clips written; left out as silent; with a caption.
        from_store: Tracks that were taken from the store; says nothing about the result.
        artists: Of files kept.
        reasons: Refusals of files and rows.
        repairs: Files kept by what was put right in them.
        licences: Files kept by licence.
        splits: Clips by split.
        forgotten: (source, path) of files that are in a source and are to be forgotten.
    """

    kept: int = 0
    ignored: int = 0
    clips: int = 0
    silent_clips: int = 0
    captioned_clips: int = 0
    from_store: int = 0
    artists: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    repairs: Counter[str] = field(default_factory=Counter)
    licences: Counter[str] = field(default_factory=Counter)
    splits: Counter[str] = field(default_factory=Counter)
    forgotten: list[tuple[str, str]] = field(default_factory=list)

    @property
    def refused_files(self) -> int:
        return sum(count for reason, count in self.reasons.items() if reason not in rejection.NO_FILE_REASONS)

    @property
    def files(self) -> int:
        return self.kept + self.refused_files

    def metrics(self, form: ClipForm) -> dict[str, Any]:
        """Counts of files, reasons, licences and splits; nothing that depends on earlier runs."""
        duplicates = self.reasons[rejection.DUPLICATE]
        return {
            "files": self.files,
            "files_kept": self.kept,
            "files_quarantined": self.refused_files - duplicates,
            "files_duplicate": duplicates,
            "files_ignored": self.ignored,
            "rows_without_file": sum(self.reasons[reason] for reason in rejection.ROW_REASONS),
            "quarantined": dict(self.reasons),
            "repaired": dict(self.repairs),
            "clips": self.clips,
            "clips_silent": self.silent_clips,
            "hours": self.clips * form.clip_samples / form.sample_rate / 3600,
            "captioned_share": self.captioned_clips / self.clips if self.clips else None,
            "artists": self.artists,
            "licences": dict(self.licences),
            "clips_by_split": dict(self.splits),
        }


def collect(
    folders: Iterable[Folder],
    *,
    out: Path,
    store: Path,
    params: CollectParams,
    workers: Workers,
    forgotten: Collection[str] = (),
    progress: Progress = silent,
) -> Collected:
    """Take in all files of `folders`; write `manifest.parquet`, `quarantine.parquet` and `shards/` into folder `out`.

    Exact copies of a file are kept once, at the first path in the order of sources and then of names, under the most
    restrictive of their licences; if one of them is forbidden, none is kept. A file whose licence the policy refuses is
    not decoded.

    Args:
        folders: The sources, in their order.
        out: Folder for the results.
        store: Folder that keeps what came of each file, and digests of the sources; without it all is read anew.
        params: What is asked of the files.
        workers: Who decodes.
        forgotten: SHA-256 of files that are not read, and not named anywhere (`rights/tombstones.py`).
        progress: Wraps files and tracks, to show progress.

    Raises:
        FileNotFoundError: A folder, or a table of its metadata, is not there.
        ValueError: A table cannot be read.
        RuntimeError: A file was lost or counted twice.
    """
    collected = Collected()
    form = params.form
    children = workers.kind == "processes" and not workers.here(params.max_file_seconds)
    register = FileRegister()
    with fork_server(PREPARED) if children else nullcontext():
        with closing(digests_of(store)) as digests:
            files = 0
            for rank, folder in enumerate(folders):
                counts, left_out = find_candidates(
                    folder, rank, params.licences, forgotten, register, digests, workers.count, progress
                )
                files += counts["files"]
                collected.ignored += counts["ignored"]
                collected.forgotten += [(folder.name, path) for path in left_out]
            digests.sweep()
        (out / "shards").mkdir(parents=True)
        with closing(TrackCache(store, store_key(form))) as tracks:
            run = _Run(params, form, workers, tracks, out / "shards", register, collected, register.settle())
            with TableWriter(out / "manifest.parquet", TEXT_COLUMNS, NUMBER_COLUMNS, INTEGER_COLUMNS) as manifest:
                for bucket, members in groupby(run.results(progress), key=lambda member: run.bucket(member[0])):
                    for row in run.shard(bucket, dict(members)):
                        manifest.add(row)
            tracks.sweep(register.has)
        with TableWriter(out / "quarantine.parquet", QUARANTINE_COLUMNS, ()) as quarantine:
            for refusal in register.refusals():
                quarantine.add(asdict(refusal))
        collected.reasons, collected.artists = register.reasons(), len(run.artists)
        if files != collected.files:
            found = f"{collected.kept} kept and {collected.refused_files} refused"
            raise RuntimeError(f"{files} files seen, but {found}")
    return collected


def digests_of(store: Path) -> Digests:
    """The digests of sources that a store remembers."""
    return Digests(store / "digests.sqlite")


@dataclass(frozen=True)
class _Run:
    """What the steps of one `collect` share."""

    params: CollectParams
    form: ClipForm
    workers: Workers
    store: TrackCache
    shards: Path
    register: FileRegister
    collected: Collected
    firsts: list[Candidate]
    artists: set[str] = field(default_factory=set)

    @property
    def buckets(self) -> int:
        return bucket_count(len(self.firsts), self.params.shard_tracks)

    def bucket(self, candidate: Candidate) -> int:
        return bucket_of(candidate.sha256, self.buckets)

    def results(self, show: Progress) -> Iterator[tuple[Candidate, Track | Rejection]]:
        """What came of each candidate, in the order of sha256."""
        answers = show(self._taken_in(map(self._order, self.firsts)), total=len(self.firsts), unit="track")
        for candidate, answer in zip(self.firsts, answers, strict=True):
            yield candidate, self._result(candidate, answer)

    def shard(self, bucket: int, results: dict[Candidate, Track | Rejection]) -> Iterator[dict[str, Any]]:
        """Write the shard of one bucket; its manifest rows."""
        shape = self.form.clip_samples, self.form.channels
        while True:
            tracks = [(one.sha256, result.clips) for one, result in results.items() if isinstance(result, Track)]
            try:
                if tracks:
                    self.store.write_shard(self.shards / f"{bucket:05d}.npy", shape, tracks)
                break
            except DamagedError as damaged:
                self.store.drop(damaged.sha256)
                for one, result in results.items():
                    if isinstance(result, Track) and self.store.read(one.sha256) is None:
                        results[one] = self._result(one, next(self._taken_in(iter([self._order(one)]))))
        row = 0
        for candidate, result in results.items():
            self.register.conclude(candidate, result)
            if isinstance(result, Rejection):
                continue
            self._count(candidate, result)
            for values in self._rows(candidate, result):
                yield {**values, "shard": bucket, "row": row}
                row += 1

    def _order(self, candidate: Candidate) -> Order:
        return Order(candidate.full, candidate.sha256, candidate.stamp, self.form, self.store.folder)

    def _taken_in(self, orders: Iterator[Order]) -> Iterator[Answer]:
        return ordered_map(
            take_in,
            orders,
            workers=self.workers,
            seconds=self.params.max_file_seconds,
            known=self._known,
            lost=lost,
        )

    def _known(self, order: Order) -> Track | Rejection | None:
        result = self.store.read(order.sha256)
        self.collected.from_store += result is not None
        return result

    def _result(self, candidate: Candidate, answer: Answer) -> Track | Rejection:
        if isinstance(answer, Track | Rejection):
            return answer
        if not isinstance(answer, Mapping):
            return Rejection(*answer)
        outcome = OUTCOME.validate_python(answer)
        self.store.keep(candidate.sha256, outcome)
        return outcome

    def _split(self, candidate: Candidate) -> str:
        group = split_group(candidate.row.artist, candidate.row.album, candidate.track_id)
        return split_of(group, dict(self.params.splits), self.params.split_seed)

    def _count(self, candidate: Candidate, track: Track) -> None:
        clips, counts = len(track.clips), self.collected
        if candidate.row.artist:
            self.artists.add(candidate.row.artist.casefold())
        counts.kept += 1
        counts.clips += clips
        counts.silent_clips += track.silent_clips
        counts.captioned_clips += clips if candidate.row.caption else 0
        counts.repairs.update([*track.repairs, *notes_of(candidate)])
        counts.licences[candidate.licence] += 1
        counts.splits[self._split(candidate)] += clips

    def _rows(self, candidate: Candidate, track: Track) -> Iterator[dict[str, Any]]:
        form = self.form
        of_track = {
            **asdict(candidate.row),
            "track_id": candidate.track_id,
            "source": candidate.source,
            "path": candidate.path,
            "sha256": candidate.sha256,
            "licence": candidate.licence,
            "repairs": "; ".join([*track.repairs, *notes_of(candidate)]),
            "split": self._split(candidate),
            "clip_seconds": form.clip_samples / form.sample_rate,
            "track_seconds": track.seconds,
            "sample_rate": track.sample_rate,
            "channels": track.channels,
        }
        for clip in track.clips:
            offset = clip.offset_samples / form.sample_rate
            yield {**of_track, **vars(clip.measures), "clip_id": clip.clip_id, "offset_seconds": offset}


def notes_of(candidate: Candidate) -> list[str]:
    """What is to be said of a candidate's row and licence."""
    return [note for note in candidate.note.split("; ") if note]
