"""A small made-up corpus on disk, and foundation models that answer by rule, for tests of the data stages."""

import hashlib
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml

import padstal.foundation
from padstal.core.data.atomic import write_json
from padstal.core.data.manifest import COLUMNS, write_table
from padstal.core.paths import Paths
from padstal.core.runtime import RuntimeParams, TrackingParams
from padstal.stages.harness import Stage

RATE = 8_000
CLIP_SECONDS = 1.024
CLIPS_OF_TRACK = 5
SPLITS = ("train", "train", "train", "train", "validation", "test")


def music(seed: int, seconds: float = CLIPS_OF_TRACK * CLIP_SECONDS, rate: int = RATE) -> np.ndarray:
    """A melody of random notes with two harmonics, float32 [S]."""
    rng = np.random.default_rng([1234, seed])
    t = np.arange(round(seconds * rate)) / rate
    note = np.floor(t / 0.16).astype(int)
    pitch = 200 * 2 ** (rng.integers(0, 30, note.max() + 1) / 12)
    second = 300 * 2 ** (rng.integers(0, 30, note.max() + 1) / 12)
    fade = np.exp(-3 * (t / 0.16 - note))
    audio = sum(
        np.sin(2 * np.pi * k * pitch[note] * t) / k + np.sin(2 * np.pi * k * second[note] * t) / k for k in (1, 2, 3)
    )
    return (0.1 * fade * audio).astype(np.float32)


def write_corpus(root: Path, tracks: dict[str, np.ndarray] | None = None, count: int = 12) -> pd.DataFrame:
    """Ingest's outputs under `root` (scale demo): tracks cut into clips, two tracks an artist; returns the manifest."""
    tracks = tracks or {f"track{i:02d}": music(i) for i in range(count)}
    rows, pcm = [], []
    samples = round(CLIP_SECONDS * RATE)
    for number, (track, audio) in enumerate(tracks.items()):
        for k in range(len(audio) // samples):
            clip = audio[k * samples : (k + 1) * samples]
            pcm.append((clip[:, None] * 32767).astype(np.int16))
            rows.append(
                {
                    "clip_id": f"{track}-{k}",
                    "track_id": track,
                    "source": "synth",
                    "path": f"{track}.wav",
                    "sha256": hashlib.sha256(track.encode()).hexdigest(),
                    "artist": f"artist{number // 2}",
                    "album": f"album{number // 2}",
                    "title": track,
                    "licence": "CC-BY-4.0",
                    "source_url": "",
                    "caption": f"jazz with piano, {track}",
                    "tags": "jazz, piano",
                    "split": SPLITS[(number // 2) % len(SPLITS)],
                    "offset_seconds": k * CLIP_SECONDS,
                    "clip_seconds": CLIP_SECONDS,
                    "track_seconds": len(audio) / RATE,
                    "sample_rate": 44_100,
                    "channels": 2,
                    "loudness_lufs": -20.0,
                    "peak_dbfs": -3.0,
                    "rms_dbfs": -22.0,
                    "clipped_share": 0.0,
                    "bandwidth_hz": 3_000.0,
                    "dc_offset": 0.0005,
                    "side_db": -12.0,
                    "shard": 0,
                    "row": len(rows),
                }
            )
    manifest = pd.DataFrame(rows, columns=list(COLUMNS))
    write_ingest(root, manifest)
    shards = Paths(root, "demo").ingest / "shards"
    shards.mkdir(exist_ok=True)
    np.save(shards / "00000.npy", np.stack(pcm))
    return manifest


LICENCES = {"allow": ["CC-BY-4.0"], "deny": [], "non_commercial": "refuse", "unknown": "refuse"}


def write_ingest(root: Path, manifest: pd.DataFrame, quarantined: dict[str, str] | None = None) -> None:
    """Write the manifest, a quarantine of path → reason, and params with the policy on licences."""
    params = {"scale": "demo", "scales": {"demo": {"ingest": {"licences": LICENCES}}}}
    Paths(root, "demo").params.write_text(yaml.safe_dump(params), encoding="utf-8")
    ingest = Paths(root, "demo").ingest
    ingest.mkdir(parents=True, exist_ok=True)
    write_table(manifest, ingest / "manifest.parquet")
    bad = quarantined or {}
    sums = [hashlib.sha256(path.encode()).hexdigest() for path in bad]
    quarantine = {"source": ["synth"] * len(bad), "path": list(bad), "sha256": sums}
    table = pd.DataFrame({**quarantine, "reason": list(bad.values()), "detail": [""] * len(bad)}, dtype="str")
    write_table(table, ingest / "quarantine.parquet")
    tracks = int(manifest["track_id"].nunique())
    counts = {"files": tracks + len(bad), "files_kept": tracks, "clips": len(manifest)}
    write_json(Paths(root, "demo").metrics("ingest"), counts)


def stage(name: str, root: Path, params: Any, item: str = "") -> Stage[Any]:
    """A stage of scale demo under `root`, on the CPU."""
    return Stage(
        name=name,
        item=item,
        scale="demo",
        params=params,
        paths=Paths(root, "demo"),
        runtime=RuntimeParams(device="cpu", workers=1, threads=1),
        tracking=TrackingParams(mode="disabled", project="test", entity=None),
    )


class FakeScorer:
    """p-MOS is 5 minus ten times the deviation of the clip; silence has none."""

    sample_rate = RATE // 2

    def score(self, audio_BS: np.ndarray) -> np.ndarray:
        assert audio_BS.shape[1] == round(CLIP_SECONDS * RATE) // 2
        level_B = audio_BS.std(axis=1)
        return np.where(level_B > 0, 5 - 10 * level_B, np.nan).astype(np.float32)


class FakeClap:
    """Audio and text lie at angles: audio by its loudest frequency, text by a number in it ("at 0.3")."""

    sample_rate = RATE
    window_seconds = 0.5

    def __init__(self, features: int = 8):
        self.features = features
        self.texts_seen: list[str] = []

    def embed_audio(self, audio_BS: np.ndarray) -> np.ndarray:
        assert audio_BS.shape[1] == RATE // 2
        spectrum = np.abs(np.fft.rfft(audio_BS, axis=1))[:, : 50 * self.features].reshape(
            len(audio_BS), self.features, 50
        )
        return _unit(spectrum.sum(axis=2) + 1e-6)

    def embed_text(self, texts: list[str]) -> np.ndarray:
        self.texts_seen += texts
        seeds = [int(hashlib.sha256(text.encode()).hexdigest()[:8], 16) for text in texts]
        return _unit(np.stack([np.random.default_rng(s).standard_normal(self.features) for s in seeds]))

    def hears_whole(self, texts: list[str]) -> list[bool]:
        return [len(text) < 200 for text in texts]


class FakeHearing:
    """A captioner and tagger with two genres."""

    licence = "CC-BY-NC-4.0"

    sample_rate = RATE // 2
    genres = ("jazz", "techno")
    moods = ("calm", "dark")
    instruments = ("piano", "drums")

    def caption(self, audio_BS: np.ndarray) -> list[str]:
        assert audio_BS.shape[1] == round(CLIP_SECONDS * RATE) // 2
        return ["techno, calm, drums, 120 bpm" if audio.std() > 0.1 else "jazz, dark, piano" for audio in audio_BS]


def install(monkeypatch: pytest.MonkeyPatch, **models: Any) -> None:
    """Let `padstal.foundation.<role>.load` give `models[role]`."""
    for role, model in models.items():
        module = ModuleType(f"padstal.foundation.{role}")
        module.load = lambda *_, model=model: model  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, module.__name__, module)
        monkeypatch.setattr(padstal.foundation, role, SimpleNamespace(load=module.load), raising=False)


def _unit(x_BD: np.ndarray) -> np.ndarray:
    return (x_BD / np.linalg.norm(x_BD, axis=1, keepdims=True)).astype(np.float32)


def bits_of(found):
    """Signs of a fingerprint as bool [T, 32]."""
    return (found.code_T[:, None] >> np.arange(32, dtype=np.uint32) & 1).astype(bool)
