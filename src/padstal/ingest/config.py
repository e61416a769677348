"""`ingest`: where music comes from and what a clip is."""

from pathlib import PurePath
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from padstal.core.section import Section, value


class SynthSource(Section):
    """Music that the project composes itself, with planted faults and their truth (`corpus/`)."""

    kind: Literal["synth"]
    tracks: int = value("tracks to compose before duplicates are planted", "tracks", ge=8)
    track_seconds: float = value("length of a track", "s", gt=1, le=600)
    seed: int = value("seed of the composer", ge=0)

    @property
    def name(self) -> str:
        """As the manifest's `source`."""
        return self.kind


Layout = Literal["captions", "fma", "mtg_jamendo", "magnatagatune", "audioset", "song_describer"]


class FolderSource(Section):
    """A tree of audio files with an optional captions table beside it, or a published dataset as it is published."""

    kind: Literal["folder"]
    path: str = value("folder, absolute or relative to the repository", min_length=1)
    captions: str | None = Field(
        default=None,
        description="captions table (CSV, JSONL or Parquet), relative to `path`",
        json_schema_extra={"unit": ""},
    )
    layout: Layout = Field(
        default="captions",
        description="what the metadata look like: a captions table, or the tables of a published dataset",
        json_schema_extra={"unit": ""},
    )
    licence: str | None = Field(
        default=None,
        description="licence of files whose row names none",
        json_schema_extra={"unit": "SPDX or CC id"},
    )

    @property
    def name(self) -> str:
        """As the manifest's `source`: the folder's own name."""
        return PurePath(self.path).name

    @model_validator(mode="after")
    def _one_kind_of_table(self) -> "FolderSource":
        _check_table(self.captions, self.layout)
        return self


def _check_table(captions: str | None, layout: Layout) -> None:
    if captions is not None and layout != "captions":
        raise ValueError(f"captions = {captions}: the layout {layout} has its own tables; leave it out")


class Licences(Section):
    """Licences that tracks may have; whatever is not allowed here goes to quarantine (`rights/policy.py`)."""

    allow: tuple[str, ...] = value(
        "licences that may be used, in any spelling; one without a version stands for all its versions",
        "SPDX or CC ids",
        min_length=1,
    )
    deny: tuple[str, ...] = value("licences that may not be used; wins over `allow`", "SPDX or CC ids")
    non_commercial: Literal["allow", "refuse"] = value(
        "whether licences that forbid commercial use may be used, if `allow` names them"
    )
    unknown: Literal["allow", "refuse"] = value(
        "whether tracks may be used whose licence is not stated, or is none we know"
    )


class Fetch(Section):
    """How objects come from a store. The defaults suit Amazon's and most others."""

    connections: int = value("objects fetched at a time", "threads", default=16, ge=1, le=256)
    attempts: int = value(
        "requests in a row without progress before an object counts as failed", default=6, ge=1, le=50
    )
    longest_wait_seconds: float = value(
        "bound of the waits between them, which double", "s", default=20.0, gt=0, le=300
    )
    timeout_seconds: float = value("for a connection, and for the next byte", "s", default=30.0, gt=0, le=600)
    max_failed_share: float = value("share of objects that may fail before the stage does", default=0.01, ge=0, le=1)
    max_object_mebibytes: int = value("longer objects fail", "MiB", default=2048, ge=1)


class S3Source(Section):
    """A bucket, or a prefix of one, of any S3-compatible store; credentials come from boto3's own chain alone."""

    kind: Literal["s3"]
    uri: str = value("s3://bucket/prefix; the prefix is a folder", pattern=r"^s3://[A-Za-z0-9._-]{1,255}(/.*)?$")
    name: str = value(
        "the manifest's `source` and the mirror's folder in data/mirror; by default the last part of `uri`",
        default="",
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$",
        validate_default=True,
    )
    endpoint_url: str | None = value("of a store other than Amazon's", default=None, pattern=r"^https?://[^/@?#]+/?$")
    region: str | None = value("null leaves it to boto3's own chain", default=None)
    anonymous: bool = value("ask without credentials, where anyone may read", default=False)
    captions: str | None = value("captions table (CSV, JSONL or Parquet), relative to `uri`", default=None)
    layout: Layout = value(
        "what the metadata look like: a captions table, or the tables of a published dataset", default="captions"
    )
    licence: str | None = value("licence of files whose row names none", "SPDX or CC id", default=None)
    manifest: str | None = value(
        "CSV or JSONL of the keys wanted (columns `key` and, if known, `sha256`), relative to `uri`; null takes all",
        default=None,
    )
    fetch: Fetch = Fetch()

    @model_validator(mode="before")
    @classmethod
    def _name_from_uri(cls, raw: Any) -> Any:
        if isinstance(raw, dict) and not raw.get("name") and isinstance(raw.get("uri"), str):
            return {**raw, "name": PurePath(raw["uri"]).name}
        return raw

    @model_validator(mode="after")
    def _one_kind_of_table(self) -> "S3Source":
        _check_table(self.captions, self.layout)
        return self


Source = Annotated[SynthSource | FolderSource | S3Source, Field(discriminator="kind")]


class Splits(Section):
    """Shares of artists (of tracks where no artist is known) in each split; they sum to 1."""

    train: float = value("share to train on", gt=0, lt=1)
    validation: float = value("share to tune on", gt=0, lt=1)
    test: float = value("share that only evaluation reads", gt=0, lt=1)

    @model_validator(mode="after")
    def _sum_to_one(self) -> "Splits":
        total = self.train + self.validation + self.test
        if abs(total - 1) > 1e-9:
            raise ValueError(f"train + validation + test = {total}, expected 1")
        return self


class Screening(Section):
    """What a track must be to be used; null asks nothing. Silence has a limit of its own."""

    max_offset: float | None = value("a larger mean of a channel is taken out", "of full scale", gt=0, lt=1)
    max_side_db: float | None = value(
        "with more energy in the channels' difference than their sum, the right one is turned over", "dB", ge=0, le=120
    )
    max_clipped_share: float | None = value(
        "tracks with a larger share of samples within 2 % of their peak go to quarantine", gt=0, lt=1
    )
    min_bandwidth_hz: float | None = value(
        "tracks with nothing above it, 60 dB below their strongest frequency, go to quarantine", "Hz", gt=0
    )


class IngestParams(Section):
    """Sources, and the form that all clips are brought to."""

    sources: tuple[Source, ...] = value("sources, read in this order", min_length=1)
    sample_rate: int = value("sample rate of clips", "Hz", ge=8_000, le=192_000)
    channels: Literal[1, 2] = value("channels of clips", "channels")
    clip_seconds: float = value("length of a clip", "s", gt=0.5, le=600)
    hop_seconds: float = value("distance between the starts of neighbouring clips of a track", "s", gt=0.1, le=600)
    min_track_seconds: float = value("shorter tracks go to quarantine", "s", ge=0)
    max_track_seconds: float = value("longer tracks go to quarantine", "s", gt=0)
    loudness_lufs: float | None = value("integrated loudness of tracks after it; null leaves it", "LUFS", ge=-60, le=0)
    silence_dbfs: float = value("tracks whose peak lies below go to quarantine", "dBFS", ge=-120, le=0)
    shard_tracks: int = value("tracks in one shard file, on average", "tracks", ge=1)
    max_file_seconds: float | None = value(
        "wall time of one file, to decode and cut it; then it goes to quarantine; null for any", "s", gt=0
    )
    screening: Screening

    licences: Licences
    splits: Splits
    split_seed: int = value("seed of the assignment of artists to splits", ge=0)

    @model_validator(mode="after")
    def _names_differ(self) -> "IngestParams":
        names = [source.name for source in self.sources]
        if len(set(names)) != len(names):
            raise ValueError(
                f"sources named {', '.join(names)}: expected distinct names (a folder's or bucket's is its last part)"
            )
        return self

    @model_validator(mode="after")
    def _lengths_fit(self) -> "IngestParams":
        if self.min_track_seconds < self.clip_seconds:
            raise ValueError(
                f"min_track_seconds = {self.min_track_seconds} must be at least clip_seconds = {self.clip_seconds}"
            )
        if self.max_track_seconds < self.min_track_seconds:
            raise ValueError(
                f"max_track_seconds = {self.max_track_seconds} must be at least "
                f"min_track_seconds = {self.min_track_seconds}"
            )
        return self
