"""How many clips a scale has: as told, as its own run counted them, or as the scanned sources let expect."""

from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from padstal.core.data.atomic import read_json
from padstal.core.paths import Paths
from padstal.ingest.clip_form import ClipForm, offsets
from padstal.ingest.config import FolderSource, IngestParams, S3Source, SynthSource

LOOKED_INTO = 200
"""Files whose headers tell how long a byte sounds, evenly over the listing."""


@dataclass(frozen=True)
class Music:
    """Clips that come in, and those that curation keeps; `origin` says who counted them."""

    clips: int
    curated: int
    form: ClipForm
    origin: str

    @property
    def seconds(self) -> float:
        """Of all clips."""
        return self.clips * self.form.clip_seconds

    @property
    def clip_bytes(self) -> int:
        """Of a clip as shards and samples hold it, int16."""
        return 2 * self.form.clip_samples * self.form.channels


def music_of(paths: Paths, params: IngestParams, clips: int | None) -> Music:
    """`clips` if it is told; else what `ingest` and `curate` counted; else what the sources held at their last scan.

    Raises:
        ValueError: Nobody knows how many there are.
    """
    if clips is not None:
        return Music(clips, clips, params, "as told by --clips")
    ingested, curated = paths.metrics("ingest"), paths.metrics("curate")
    if ingested.is_file():
        counted = read_json(ingested)["clips"]
        kept = read_json(curated)["kept"] if curated.is_file() else counted
        return Music(counted, kept, params, f"as counted by ingest ({ingested.relative_to(paths.root)})")
    if not paths.sources.is_file():
        raise ValueError(f"{paths.sources} is not there: say how many clips there are (--clips), or run `padstal scan`")
    listed = {_key(entry): entry.get("files", []) for entry in read_json(paths.sources)["sources"]}
    found = 0
    for source in params.sources:
        if isinstance(source, SynthSource):
            found += source.tracks * _clips(source.track_seconds, params)
            continue
        folder = paths.root / source.path if isinstance(source, FolderSource) else paths.mirror(source.name)
        found += _clips_of_files(listed.get(_key(source.model_dump()), []), folder, source, params)
    return Music(found, found, params, f"by the sources' last scan ({paths.sources.relative_to(paths.root)})")


def _key(entry: dict[str, Any]) -> tuple[Any, ...]:
    return entry["kind"], entry.get("path") or entry.get("uri")


def _clips(seconds: float, form: ClipForm) -> int:
    """Clips of a track."""
    if not form.min_track_seconds <= seconds <= form.max_track_seconds:
        return 0
    samples = round(seconds * form.sample_rate)
    return len(offsets(samples, clip_samples=form.clip_samples, hop_samples=form.hop_samples))


def _clips_of_files(files: list[dict[str, Any]], folder: Path, source: FolderSource | S3Source, form: ClipForm) -> int:
    """Clips of listed files, whose lengths follow from their bytes by the headers of some of each ending.

    Raises:
        ValueError: None of a listing's sounding files lies in `folder`.
    """
    import soundfile

    kinds: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for file in files:
        if file["bytes"]:
            kinds[Path(file["path"]).suffix.lower()].append(file)
    clips, heard = 0, 0
    for some in kinds.values():
        seconds = counted = 0.0
        for file in some[:: -(-len(some) // LOOKED_INTO)]:
            try:
                seconds += soundfile.info(folder / file["path"]).duration
            except (RuntimeError, OSError):  # no sound, or not here
                continue
            counted += file["bytes"]
        if counted:
            heard += len(some)
            clips += sum(_clips(file["bytes"] * seconds / counted, form) for file in some)
    if not heard:
        raise ValueError(
            f"source {source.name}: none of its {len(files)} listed files can be looked into at {folder}; "
            "say how many clips there are (--clips)"
        )
    return clips
