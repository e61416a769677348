"""`ingest`: where music comes from and what a clip is."""

from pathlib import PurePath
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from padstal.params.section import Section, value


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


class FolderSource(Section):
    """A tree of audio files with an optional captions table beside it."""

    kind: Literal["folder"]
    path: str = value("folder, absolute or relative to the repository", min_length=1)
    captions: str | None = Field(
        default=None,
        description="captions table (CSV, JSONL or Parquet), relative to `path`",
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
    licences: tuple[str, ...] = value("licences allowed; other tracks go to quarantine", "SPDX or CC ids", min_length=1)
    shard_clips: int = value("clips in one shard file", "clips", ge=1)

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
