"""A small scale of which stages ran one after another, with hostile texts in it, for tests of `padstal data`."""

from pathlib import Path

import numpy as np
import pandas as pd
from tests.curation.fakes import RATE, music, stage, write_corpus, write_ingest

from padstal.core.data.atomic import write_json
from padstal.core.data.manifest import read_table, write_table
from padstal.core.paths import Paths
from padstal.curation.config import CurateParams
from padstal.stages import curate

HOSTILE = "<script>alert('caption')</script> [bold]\x1b[31mred\x1b[0m\tand\nmore \u202edcba"
HOSTILE_PATH = "a&b <script>alert(1)</script> [red].wav"
QUARANTINE = {"broken.mp3": "truncated", "copy.wav": "duplicate", "secret.wav": "licence", "absent.wav": "row_missing"}
CURATE = {
    "duplicate_similarity": 0.75,
    "max_shift_seconds": 1.2,
    "keep_likelihood": 0.85,
    "min_likelihood_tracks": 2,
    "min_quality_level": 1,
    "weights": {"by": "artist", "power": 1.0},
}

DISTRIBUTION = {"mu": 3.0, "sigma": 0.7, "n": 40, "quantiser": "swapped", "gap_policy": "none"}


def ingested(root: Path) -> Paths:
    """Twelve tracks, the tenth a copy of the first; the second has hostile texts."""
    tracks = {f"{number:02d}ac0ffee{number:02d}": music(number) for number in range(12)}
    names = list(tracks)
    tracks[names[9]] = np.append(0.5 * tracks[names[0]][RATE // 2 :], np.zeros(RATE // 2, np.float32))
    manifest = write_corpus(root, tracks)
    odd = manifest["track_id"] == names[1]
    manifest.loc[odd, ["caption", "artist", "title", "album"]] = [HOSTILE, HOSTILE, HOSTILE, HOSTILE]
    manifest.loc[odd, "path"] = HOSTILE_PATH
    manifest["clip_id"] = [f"{number:04x}d1{number:02d}" for number in range(len(manifest))]
    write_ingest(root, manifest, QUARANTINE)
    counts = {"files": 15, "files_kept": 12, "clips": len(manifest)}
    paths = Paths(root, "demo")
    write_json(paths.metrics("ingest"), counts)
    return paths


def scored(root: Path) -> Paths:
    paths = ingested(root)
    manifest = read_table(paths.ingest / "manifest.parquet")
    pmos = 3 + np.sin(np.arange(len(manifest)))
    pmos[7] = np.nan
    levels = np.where(np.isnan(pmos), 0, np.nan_to_num(pmos).round()).astype(int)
    paths.score.mkdir(parents=True)
    columns = {"clip_id": manifest["clip_id"], "pmos": pmos, "quality_level": levels, "prefix": "medium quality"}
    write_table(pd.DataFrame(columns), paths.score / "scores.parquet")
    write_json(paths.score / "distribution.json", DISTRIBUTION)
    return paths


def captioned(root: Path) -> Paths:
    paths = scored(root)
    manifest = read_table(paths.ingest / "manifest.parquet")
    paths.caption.mkdir(parents=True)
    count = len(manifest)
    table = pd.DataFrame(
        {
            "clip_id": manifest["clip_id"],
            "original": manifest["caption"],
            "generated": "techno, dark",
            "decision": ["kept", "replaced", "fused"] * (count // 3),
            "caption": manifest["caption"] + ", dark",
            "caption_licence": "",
            "similarity_original_audio": np.linspace(-0.1, 0.9, count),
            "similarity_generated_audio": 0.25,
            "similarity_original_generated": np.nan,
            "similarity_caption_audio": 0.375,
        }
    )
    write_table(table, paths.caption / "captions.parquet")
    embedding = np.random.default_rng(0).standard_normal((count, 6)).astype(np.float32)
    np.save(paths.caption / "audio_embeddings.npy", embedding / np.linalg.norm(embedding, axis=1, keepdims=True))
    return paths


def curated(root: Path) -> Paths:
    paths = captioned(root)
    write_json(
        paths.score / "distribution.json",
        {"mu": 3.0, "sigma": 0.5, "n": 20, "quantiser": "swapped", "gap_policy": "none"},
    )
    curate.main(stage("curate", root, CurateParams(**CURATE)))
    return paths
