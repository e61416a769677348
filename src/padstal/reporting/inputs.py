"""Everything the report shows, read once; what a run has not made is `None` or empty, never an error."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from padstal.core.data.atomic import read_json
from padstal.core.data.content import sha256_file
from padstal.core.data.manifest import ClipAudio
from padstal.core.data.track_ledger import ROOT_FILE
from padstal.core.model_folder import WEIGHTS
from padstal.core.params import read_yaml
from padstal.core.paths import Paths
from padstal.core.protocols import TEXT_GROUP
from padstal.sampling.setting import SETTINGS, Setting, read_settings

STAGES = {
    "ingest": "brings all sources to clips of one form, with provenance and licence",
    "validate": "checks what was ingested and what was curated against expectations, and how far they drifted",
    "gate": "stops the run where the data break an expectation",
    "prepare": "makes or fetches the foundation models",
    "score": "predicts the quality of every clip",
    "caption": "keeps, replaces or merges captions by what CLAP hears",
    "curate": "takes duplicates and unlikely tracks out",
    "train_vae": "trains the autoencoders",
    "encode": "turns clips into latents",
    "train_diffusion": "trains the diffusion models on latents",
    "sample": "generates the grid of prompts, seeds and settings",
    "evaluate": "measures alignment, diversity and quality",
    "report": "writes this page",
}
"""Stage → what it does, in the order of `dvc.yaml`."""
CHECKED = ("ingest", "curate")
"""Stages whose data set `validate` and `gate` look at."""


@dataclass(frozen=True)
class ModelFolder:
    """One trained model.

    Attributes:
        kind: "foundation", "vae" or "diffusion".
        config: Its `config.json`; empty where there is none.
        fingerprint: SHA-256 of its `model.safetensors`; "" where there is none.
        weights_bytes: Length of that file.
        ledger: Its `tracks.json`: how many tracks it was trained on, and the SHA-256 of their list; empty without one.
    """

    kind: str
    name: str
    config: Mapping[str, Any]
    fingerprint: str
    weights_bytes: int
    ledger: Mapping[str, Any] = field(default_factory=dict)

    @property
    def origin(self) -> str:
        return str(self.config.get("origin", "") or "")

    @property
    def codec(self) -> str:
        """Of a diffusion model: the codec whose latents it learnt; "" of any other."""
        return str(self.config.get("latents", {}).get("codec", ""))


@dataclass(frozen=True)
class SampleSet:
    """What one system generated: `table` (samples.parquet), its settings by id, `prompts`, `audio_NSC` int16."""

    system: str
    table: pd.DataFrame
    settings: Mapping[str, Setting]
    prompts: pd.DataFrame | None
    audio_NSC: np.ndarray


@dataclass(frozen=True)
class Reconstructions:
    """Held-out clips after one codec: `table` (clip_id, row) and `audio_KSC` int16."""

    codec: str
    table: pd.DataFrame
    audio_KSC: np.ndarray


@dataclass(frozen=True)
class Inputs:
    """One scale's artefacts, as the report reads them.

    Attributes:
        params: The active scale's sections, by name, without budgets (they are no property of the result).
        metrics: `reports/<scale>/metrics/*.json` by file name without ending.
        curves: `reports/<scale>/curves/*.csv` likewise.
        systems: `systems` of params.
    """

    scale: str
    params: Mapping[str, Any]
    metrics: Mapping[str, Mapping[str, Any]]
    curves: Mapping[str, pd.DataFrame]
    manifest: pd.DataFrame | None = None
    quarantine: pd.DataFrame | None = None
    verdict: Mapping[str, Any] | None = None
    scores: pd.DataFrame | None = None
    distribution: Mapping[str, Any] = field(default_factory=dict)
    captions: pd.DataFrame | None = None
    dataset: pd.DataFrame | None = None
    removed: pd.DataFrame | None = None
    models: tuple[ModelFolder, ...] = ()
    samples: tuple[SampleSet, ...] = ()
    reconstructions: tuple[Reconstructions, ...] = ()
    clip_audio: ClipAudio | None = None
    systems: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @property
    def text_aware(self) -> frozenset[str]:
        """Codecs with a part for text among their channel groups, as the denoisers on their latents record them."""
        diffusion = [model for model in self.models if model.codec]
        return frozenset(one.codec for one in diffusion if TEXT_GROUP in one.config["latents"]["channel_groups"])

    @property
    def curated(self) -> pd.DataFrame | None:
        """Clips after curation; before it has run, all of them."""
        return self.manifest if self.dataset is None else self.dataset

    def systems_with(self, denoiser: str) -> list[str]:
        """Systems that sample with a denoiser: `tal_dit`, or `discodiff` with `discodiff_primary`."""
        return [
            name for name, own in self.systems.items() if own.get("denoiser") in (denoiser, denoiser.rpartition("_")[0])
        ]

    @property
    def evaluation(self) -> Mapping[str, Any]:
        return self.metrics.get("evaluate", {})

    @property
    def sample_rate(self) -> int:
        return int(self.params.get("ingest", {}).get("sample_rate", 16_000))

    @property
    def clip_seconds(self) -> float:
        return float(self.params.get("ingest", {}).get("clip_seconds", 0.0))


def read_inputs(paths: Paths, params: Mapping[str, Any]) -> Inputs:
    """The artefacts of `paths.scale`; `params` are the scale's sections."""
    return Inputs(
        scale=paths.scale,
        params={name: section for name, section in params.items() if name != "budget"},
        metrics={file.stem: read_record(file) or {} for file in sorted((paths.reports / "metrics").glob("*.json"))},
        curves={file.stem: _csv(file) for file in sorted((paths.reports / "curves").glob("*.csv"))},
        **data_tables(paths),
        verdict=_verdict(paths),
        models=_models(paths),
        samples=_samples(paths),
        reconstructions=_reconstructions(paths),
        clip_audio=ClipAudio(paths.ingest) if (paths.ingest / "shards").is_dir() else None,
        systems=read_yaml(paths.params).get("systems") or {} if paths.params.is_file() else {},
    )


def data_tables(paths: Paths) -> dict[str, Any]:
    """What stages say of files and clips, by the names of `Inputs`."""
    return {
        "manifest": read_rows(paths.ingest / "manifest.parquet"),
        "quarantine": read_rows(paths.ingest / "quarantine.parquet"),
        "scores": read_rows(paths.score / "scores.parquet"),
        "distribution": read_record(paths.score / "distribution.json") or {},
        "captions": read_rows(paths.caption / "captions.parquet"),
        "dataset": read_rows(paths.curate / "dataset.parquet"),
        "removed": read_rows(paths.curate / "removed.parquet"),
    }


def _verdict(paths: Paths) -> dict[str, Any] | None:
    """The verdicts on all data sets as one; each row's table says whose it is."""
    found = {
        item: verdict for item in CHECKED if (verdict := read_record(paths.validate(item) / "verdict.json")) is not None
    }
    rows = [
        {**row, "table": f"{row.get('table')} of {item}"}
        for item, verdict in found.items()
        for row in verdict.get("expectations") or []
    ]
    return {"expectations": rows} if found else None


def _models(paths: Paths) -> tuple[ModelFolder, ...]:
    found = []
    for kind in ("foundation", "vae", "diffusion"):
        for folder in _model_folders(paths.models / kind):
            weights = folder / WEIGHTS
            exists = weights.is_file()
            found.append(
                ModelFolder(
                    kind=kind,
                    name="_".join(folder.relative_to(paths.models / kind).parts),
                    config=read_record(folder / "config.json") or {},
                    fingerprint=sha256_file(weights) if exists else "",
                    weights_bytes=weights.stat().st_size if exists else 0,
                    ledger=read_record(folder / ROOT_FILE) or {},
                )
            )
    return tuple(found)


def _model_folders(folder: Path) -> list[Path]:
    """Folders of models; those of a system with several denoisers lie in one of its own, without a config."""
    found = []
    for path in sorted(path for path in folder.glob("*") if path.is_dir()):
        inner = [part.parent for part in sorted(path.glob("*/config.json"))]
        found += inner if inner and not (path / "config.json").is_file() else [path]
    return found


def _samples(paths: Paths) -> tuple[SampleSet, ...]:
    found = []
    for folder in sorted(path for path in (paths.data / "samples").glob("*") if path.is_dir()):
        found.append(sample_set(folder.name, {file.name: file for file in folder.iterdir()}))
    return tuple(one for one in found if one)


def sample_set(system: str, files: Mapping[str, Path]) -> SampleSet | None:
    """What a system generated, of its files by name; `None` where one of them is missing.

    Raises:
        ValueError: Its settings are of another version.
    """
    if not all(name in files and files[name].is_file() for name in ("samples.parquet", "audio.npy", SETTINGS)):
        return None
    prompts = read_rows(files["prompts.parquet"]) if "prompts.parquet" in files else None
    audio = np.load(files["audio.npy"], mmap_mode="r", allow_pickle=False)
    return SampleSet(system, pd.read_parquet(files["samples.parquet"]), read_settings(files[SETTINGS]), prompts, audio)


def _reconstructions(paths: Paths) -> tuple[Reconstructions, ...]:
    found = []
    for folder in sorted(path for path in (paths.data / "latents").glob("*") if path.is_dir()):
        table, audio = read_rows(folder / "reconstructions.parquet"), _array(folder / "reconstructions.npy")
        if table is not None and audio is not None:
            found.append(Reconstructions(folder.name, table, audio))
    return tuple(found)


def read_record(path: Path) -> Any:
    """The JSON of a file; `None` where there is none."""
    return read_json(path) if path.is_file() else None


def read_rows(path: Path) -> pd.DataFrame | None:
    """The table of a Parquet file; `None` where there is none."""
    return pd.read_parquet(path) if path.is_file() else None


def _csv(path: Path) -> pd.DataFrame:
    return pd.read_csv(path) if path.stat().st_size else pd.DataFrame()


def _array(path: Path) -> np.ndarray | None:
    return np.load(path, mmap_mode="r", allow_pickle=False) if path.is_file() else None
