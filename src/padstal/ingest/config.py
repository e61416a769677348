"""`ingest`: where music comes from and what a clip is."""

from pathlib import PurePath
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from padstal.core.section import Section, value
from padstal.ingest.clip_form import ClipForm
from padstal.rights.policy import Policy

Shape = Annotated[float, Field(gt=0, le=100)]
"""A parameter of a beta distribution."""


class SynthSource(Section):
    """Music that the project composes itself, with planted faults and their truth (`corpus/`)."""

    kind: Literal["synth"]
    tracks: int = value("tracks to compose before duplicates are planted", "tracks", ge=8)
    track_seconds: float = value("length of a track", "s", gt=1, le=600)
    seed: int = value("seed of the composer", ge=0)
    degraded_share: float = value("share of tracks with a planted degradation", default=0.3, ge=0, le=1)
    severity_beta: tuple[Shape, Shape] | None = value(
        "a and b of the beta distribution of its severity; null: evenly between 0.15 and 1", default=None
    )

    @property
    def name(self) -> str:
        """As the manifest's `source`."""
        return self.kind


Layout = Literal["captions", "fma", "mtg_jamendo", "magnatagatune", "audioset", "song_describer"]


class _FilesSource(Section):
    """Audio files with an optional captions table beside them, or a published dataset as it is published."""

    captions: str | None = value("captions table (CSV, JSONL or Parquet), relative to the source", default=None)
    layout: Layout = value(
        "what the metadata look like: a captions table, or the tables of a published dataset", default="captions"
    )
    licence: str | None = value("licence of files whose row names none", "SPDX or CC id", default=None)

    @model_validator(mode="after")
    def _one_kind_of_table(self) -> Self:
        if self.captions is not None and self.layout != "captions":
            raise ValueError(f"captions = {self.captions}: the layout {self.layout} has its own tables; leave it out")
        return self


class FolderSource(_FilesSource):
    """A tree of audio files."""

    kind: Literal["folder"]
    path: str = value("folder, absolute or relative to the repository", min_length=1)
    linked_folders: bool = value("whether to look into linked folders below `path`, each once", default=False)
    hidden: bool = value("whether to look at names with a leading dot", default=False)

    @property
    def name(self) -> str:
        """As the manifest's `source`: the folder's own name."""
        return PurePath(self.path).name


class Fetch(Section):
    """How objects come from a store. The defaults suit Amazon's and most others."""

    connections: int = value("objects fetched at a time", "threads", default=16, ge=1, le=256)
    attempts: int = value("requests for an object before it counts as failed", default=6, ge=1, le=50)
    timeout_seconds: float = value("for a connection, and for the next byte", "s", default=30.0, gt=0, le=600)
    max_failed_share: float = value("share of objects that may fail before the stage does", default=0.01, ge=0, le=1)
    max_object_mebibytes: int = value("longer objects fail", "MiB", default=2048, ge=1)


class S3Source(_FilesSource):
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
    manifest: str | None = value(
        "CSV or JSONL of the keys wanted (columns `key` and, if known, `sha256`), relative to `uri`; null takes all",
        default=None,
    )
    fetch: Fetch = Fetch()

    @property
    def bucket(self) -> str:
        """Of `uri`."""
        return self.uri.removeprefix("s3://").partition("/")[0]

    @property
    def prefix(self) -> str:
        """Of `uri`: a folder, "" or with a "/" at its end."""
        prefix = self.uri.removeprefix("s3://").partition("/")[2]
        return prefix if not prefix or prefix.endswith("/") else f"{prefix}/"

    @property
    def place(self) -> str:
        """As messages name it."""
        return f"{self.uri} at {self.endpoint_url}" if self.endpoint_url else self.uri

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


class CollectParams(ClipForm):
    """What is asked of all sources alike."""

    licences: Policy
    splits: Splits
    split_seed: int = value("seed of the assignment of artists to splits", ge=0)
    shard_tracks: int = value("tracks in one shard file, on average", "tracks", ge=1)
    max_file_seconds: float | None = value(
        "wall time of one file, to decode and cut it; then it goes to quarantine; null for any", "s", gt=0
    )

    @property
    def form(self) -> ClipForm:
        """The part of it that a track's clips depend on."""
        return ClipForm(**{name: getattr(self, name) for name in ClipForm.model_fields})


class IngestParams(CollectParams):
    """Sources, the form that all clips are brought to, and what is asked of them."""

    sources: tuple[Source, ...] = value("sources, read in this order", min_length=1)

    @model_validator(mode="after")
    def _names_differ(self) -> "IngestParams":
        names = [source.name for source in self.sources]
        if len(set(names)) != len(names):
            raise ValueError(
                f"sources named {', '.join(names)}: expected distinct names (a folder's or bucket's is its last part)"
            )
        return self
