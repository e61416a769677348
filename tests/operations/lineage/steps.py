"""The steps of a pipeline in miniature with the outputs of the real one: small tables, shards, latents and weights."""

import hashlib
import json
import random
import shutil
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from padstal.core.data.track_ledger import write_ledger
from padstal.rights.tombstones import read_tombstones, veil

DATA, MODELS, REPORTS = Path("data/demo"), Path("models/demo"), Path("reports/demo")
CLIPS, SAMPLES, SHARD = 2, 24, 4


def pcm(sha256: str, clip: int) -> np.ndarray:
    """Samples of a clip: nothing else has these bytes."""
    return np.random.default_rng([int(sha256[:8], 16), clip]).integers(-30000, 30000, SAMPLES).astype(np.int16)


def clip_id(sha256: str, clip: int) -> str:
    return hashlib.sha256(f"{sha256}:{clip}".encode()).hexdigest()[:16]


def _fresh(path: Path) -> Path:
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir(parents=True)
    return path


def _write(path: Path, rows: list[dict], names: tuple[str, ...]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)  # it may be one file with DVC's cache
    pq.write_table(pa.table({name: [row[name] for row in rows] for name in names}), path, compression="zstd")


def _read(path: Path) -> list[dict]:
    return pq.read_table(path).to_pylist()


def ingest() -> None:
    tombstones = read_tombstones(Path("data/tombstones.jsonl"))
    corpus, out = _fresh(DATA / "corpus"), _fresh(DATA / "ingest")
    tracks, refused, captions = [], [], []
    for name in sorted(Path("source").glob("*.wav")):
        sha256 = hashlib.sha256(name.read_bytes()).hexdigest()
        row = {"sha256": sha256, "source": "source", "path": name.name, "reason": "duplicate"}
        if sha256 in tombstones:
            refused.append({**row, "sha256": "", "path": veil("source", name.name), "reason": "forgotten"})
            continue
        shutil.copy(name, corpus / name.name)
        captions.append(f"{name.name},a song called {name.stem}\n")
        (refused if sha256 in {track["sha256"] for track in tracks} else tracks).append(row)
    (corpus / "captions.csv").write_text("".join(captions))
    rows, shards = [], {}
    for track in sorted(tracks, key=lambda track: track["sha256"]):
        shard = int(track["sha256"][:2], 16) % SHARD
        for clip in range(CLIPS):
            held = shards.setdefault(shard, [])
            artist = f"artist {int(track['sha256'][:4], 16) % 7}"
            fixed = {"clip_id": clip_id(track["sha256"], clip), "shard": shard, "row": len(held), "artist": artist}
            more = {"title": Path(track["path"]).stem, "licence": "CC-BY-4.0", "source_url": "", "album": ""}
            split = "test" if int(track["sha256"][4:6], 16) < 64 else "train"
            times = {"offset_seconds": float(clip), "clip_seconds": 1.0}
            rows.append({**track, **fixed, **more, **times, "split": split, "track_id": track["sha256"][:16]})
            held.append(pcm(track["sha256"], clip))
    (out / "shards").mkdir()
    for shard, held in shards.items():
        np.save(out / "shards" / f"{shard:05d}.npy", np.stack(held))
    _write(out / "manifest.parquet", rows, tuple(rows[0]))
    _write(out / "quarantine.parquet", refused, ("source", "path", "sha256", "reason"))
    _write(DATA / "truth.parquet", tracks, ("path", "sha256"))
    _metrics(
        "ingest", {"files": len(tracks) + len(refused), "forgotten": sum(r["reason"] == "forgotten" for r in refused)}
    )


def gate() -> None:
    out = _fresh(DATA / "gate" / "ingest")
    (out / "passed.json").write_text(json.dumps({"passed": bool(_read(DATA / "ingest" / "manifest.parquet"))}))


def curate() -> None:
    out = _fresh(DATA / "curate")
    rows = _read(DATA / "ingest" / "manifest.parquet")
    for row in rows:  # re-recordings carry the name of what they are a copy of
        row["duplicate_group"] = row["path"].partition("~")[0].removesuffix(".wav") if _copied(row, rows) else ""
    left = {row["sha256"] for row in rows if "~" in row["path"]}
    names = (*rows[0],)
    _write(out / "dataset.parquet", [row for row in rows if row["sha256"] not in left], names)
    _write(out / "removed.parquet", [row for row in rows if row["sha256"] in left], names)


def _copied(row: dict, rows: list[dict]) -> bool:
    stem = row["path"].partition("~")[0].removesuffix(".wav")
    return any(other["path"].startswith(f"{stem}~") for other in rows)


def prepare() -> None:
    (_fresh(MODELS / "foundation" / "clap") / "model.safetensors").write_bytes(random.Random(1).randbytes(64))


def train_vae(name: str) -> None:
    rows = [row for row in _read(DATA / "curate" / "dataset.parquet") if row["split"] == "train"]
    audio = [np.load(DATA / "ingest" / "shards" / f"{row['shard']:05d}.npy")[row["row"]] for row in rows]
    _model(MODELS / "vae" / name, f"train_vae_{name}", rows, np.mean(audio, axis=0))


def encode(name: str) -> None:
    out = _fresh(DATA / "latents" / name)
    rows = _read(DATA / "curate" / "dataset.parquet")
    weight = np.load(MODELS / "vae" / name / "model.npy")
    audio = [np.load(DATA / "ingest" / "shards" / f"{row['shard']:05d}.npy")[row["row"]] for row in rows]
    np.save(out / "latents.npy", np.stack(audio).astype(np.float32) * 2 + weight.astype(np.float32) * 0)
    _write(out / "index.parquet", [{**row, "row": at} for at, row in enumerate(rows)], ("clip_id", "split", "row"))


def train_diffusion(name: str) -> None:
    seed = json.loads(Path("params.yaml").read_text())["scales"]["demo"]["train_diffusion"]["seed"]
    rows = [row for row in _read(DATA / "curate" / "dataset.parquet") if row["split"] == "train"]
    latents = np.load(DATA / "latents" / name.removesuffix("_dit") / "latents.npy")
    _model(MODELS / "diffusion" / name, f"train_diffusion_{name}", rows, latents.mean(axis=0) + seed)


def _model(folder: Path, stage: str, rows: list[dict], weights: np.ndarray) -> None:
    np.save(_fresh(folder) / "model.npy", weights)
    if Path("ledgers").exists():
        write_ledger(REPORTS / "ledger" / f"{stage}.json", folder, (row["sha256"] for row in rows))
    else:
        (REPORTS / "ledger").mkdir(parents=True, exist_ok=True)
        (REPORTS / "ledger" / f"{stage}.json").write_text("{}")


def sample() -> None:
    out = _fresh(DATA / "samples" / "tal_dit")
    rows = [row for row in _read(DATA / "curate" / "dataset.parquet") if row["split"] == "test"]
    _write(out / "prompts.parquet", rows, ("clip_id", "title"))
    np.save(out / "audio.npy", np.load(MODELS / "diffusion" / "tal_dit" / "model.npy"))


def report() -> None:
    rows = _read(DATA / "ingest" / "manifest.parquet")
    (_fresh(REPORTS / "model_cards") / "ATTRIBUTION.md").write_text("\n".join(row["title"] for row in rows))
    (REPORTS / "page.html").unlink(missing_ok=True)
    (REPORTS / "page.html").write_bytes(b"".join(pcm(row["sha256"], 0).tobytes() for row in rows[:5]))


def _metrics(stage: str, content: dict) -> None:
    (REPORTS / "metrics").mkdir(parents=True, exist_ok=True)
    (REPORTS / "metrics" / f"{stage}.json").write_text(json.dumps(content))


if __name__ == "__main__":
    globals()[sys.argv[1]](*sys.argv[2:])
