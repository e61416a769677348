"""A world small enough to know: each genre is a tone, and models that hear tones."""

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from padstal.core.data.atomic import write_json
from padstal.core.data.manifest import write_table
from padstal.core.protocols import Tags
from padstal.sampling.setting import Setting

RATE = 2000
SAMPLES = 1024
GENRES = ("ambient", "jazz", "rock", "techno")
TONES = {genre: 100.0 + 200.0 * number for number, genre in enumerate(GENRES)}
BANDS = 16


def spectrum(audio_BS: np.ndarray) -> np.ndarray:
    """Band energies [B, BANDS], square-rooted."""
    power = np.abs(np.fft.rfft(audio_BS.astype(np.float64), axis=1)) ** 2
    bands = np.array_split(power[:, 1:], BANDS, axis=1)
    return np.sqrt(np.stack([band.mean(axis=1) for band in bands], axis=1) + 1e-9)


def tone(genre: str, phase: float = 0.0, detune: float = 0.0, samples: int = SAMPLES) -> np.ndarray:
    return 0.5 * np.sin(2 * np.pi * (TONES[genre] + detune) * np.arange(samples) / RATE + phase)


class FakeClap:
    sample_rate = RATE
    window_seconds = 0.256

    def embed_audio(self, audio_BS: np.ndarray) -> np.ndarray:
        x = spectrum(audio_BS)
        return (x / np.linalg.norm(x, axis=1, keepdims=True)).astype(np.float32)

    def embed_text(self, texts: list[str]) -> np.ndarray:
        named = [next((genre for genre in GENRES if genre in text), GENRES[0]) for text in texts]
        return self.embed_audio(np.stack([tone(genre, samples=512) for genre in named]))


class FakeTagger:
    sample_rate = RATE
    genres: tuple[str, ...] = GENRES
    instruments = ("piano",)
    moods = ("calm",)

    def tag_features(self, features_BF: np.ndarray) -> Tags:
        audio = np.exp(features_BF)
        likeness = (audio / np.linalg.norm(audio, axis=1, keepdims=True)) @ FakeClap().embed_text(list(GENRES)).T
        odds = np.exp(8 * likeness)
        one = np.ones((len(features_BF), 1), np.float32)
        return Tags((odds / odds.sum(axis=1, keepdims=True)).astype(np.float32), one, one, 120 * one[:, 0])

    def features(self, audio_BS: np.ndarray) -> np.ndarray:
        return np.log(spectrum(audio_BS)).astype(np.float32)


class FakeEmbedder:
    """Band energies of two halves of a clip, or with `classes` a posterior, their shares in so many bands."""

    sample_rate = RATE

    def __init__(self, classes: int = 0, *, reads_channels: bool = False) -> None:
        self.classes, self.reads_channels = classes, reads_channels

    def embed(self, audio_BCS: np.ndarray) -> np.ndarray:
        if self.classes:
            bands = spectrum(audio_BCS[:, 0])[:, None, : self.classes]
            return (bands / bands.sum(axis=2, keepdims=True)).astype(np.float32)
        halves = [
            np.concatenate([spectrum(half) for half in part_BCS.transpose(1, 0, 2)], axis=1)
            for part_BCS in np.split(audio_BCS, 2, axis=2)
        ]
        return np.stack(halves, axis=1).astype(np.float32)


class FakePmos:
    sample_rate = RATE

    def score(self, audio_BS: np.ndarray) -> np.ndarray:
        x = spectrum(audio_BS)
        return (1 + 4 * x.max(axis=1) / x.sum(axis=1)).astype(np.float32)


def setting(method: str = "none", strength: float = 0.0, w: float = 4.0, **changes: Any) -> Setting:
    """A setting; `changes` are of the method or of the sampler."""
    annealing = {"strength": strength, "tau1": 0.5, "tau2": 0.9}
    own = {"none": {}, "pads": annealing, "cads": {**annealing, "rescale": 1.0}}[method]
    sampler = {"solver": {"kind": "dpmpp_2m"}, "steps": 16, "sigma_min": 0.03, "sigma_max": 100.0}
    method_of = {"kind": method, **own, **{name: one for name, one in changes.items() if name in own}}
    rest = {name: one for name, one in changes.items() if name not in ("tau1", "tau2", "rescale")}
    return Setting.model_validate({**sampler, "method": method_of, "guidance": {"kind": "cfg", "w": w}, **rest})


def pcm(audio_S: np.ndarray) -> np.ndarray:
    return np.round(np.clip(audio_S, -1, 1) * 32767).astype(np.int16)[:, None]


def write_world(data: Path, models: Path, *, with_truth: bool = True, seeds: int = 3) -> None:
    """All that stage `evaluate` reads: 32 tracks of 2 clips, two systems, none/cads/pads at three strengths."""
    generator = np.random.default_rng(3)
    rows, audio, truths = [], [], []
    for number in range(32):
        genre = GENRES[number % 4]
        track, split = f"track{number:02d}", ("train", "test", "test", "validation")[(number // 4) % 4]
        severity = (number % 5) / 5
        sha = hashlib.sha256(track.encode()).hexdigest()
        fault = "wrong" if number % 8 == 5 else ""
        for clip in range(2):
            noise = (0.02 + 0.3 * severity) * generator.standard_normal(SAMPLES)
            audio.append(pcm(tone(genre, generator.uniform(0, 6), generator.uniform(-60, 60)) + noise))
            said = GENRES[(number + 1) % 4] if fault else genre
            rows.append(
                {
                    "clip_id": f"clip{number:02d}{clip}", "track_id": track, "source": "synth",
                    "path": f"{track}.wav", "sha256": sha,
                    "split": split, "offset_seconds": 0.5 * clip, "shard": 0, "row": len(rows),
                    "original": f"{said}, piano",
                    "caption": f"{genre}, calm", "decision": "replaced" if fault else "kept", "pmos": 5 - 4 * severity,
                    "duplicate_group": "", "licence": "CC0-1.0",
                }
            )  # fmt: skip
        truths.append(
            {
                "path": f"{track}.wav", "sha256": sha, "genre": genre, "mos": 5 - 4 * severity, "severity": severity,
                "degradation": "noise" if severity else "", "licence_foreign": False, "artist": f"{split} artist",
                "true_caption": f"{genre}, piano", "caption_fault": fault,
                "duplicate_of": {30: "track02.wav", 31: "track03.wav"}.get(number, ""),
                "duplicate_kind": {30: "near", 31: "near"}.get(number, ""),
            }
        )  # fmt: skip
    manifest, truth = pd.DataFrame(rows), pd.DataFrame(truths)
    for folder in ("ingest/shards", "score", "caption", "curate", "latents/audio", "latents/tal"):
        (data / folder).mkdir(parents=True)
    np.save(data / "ingest/shards/00000.npy", np.stack(audio))
    write_table(
        manifest.drop(columns=["original", "decision", "pmos", "duplicate_group"]), data / "ingest/manifest.parquet"
    )
    exact = {
        "path": "copy.wav",
        "sha256": truths[4]["sha256"],
        "duplicate_of": "track04.wav",
        "duplicate_kind": "exact",
    }
    truth = pd.concat([truth, pd.DataFrame([truths[4] | exact])], ignore_index=True)
    write_table(truth if with_truth else truth.iloc[:0], data / "truth.parquet")
    quarantine = pd.DataFrame(
        [{"source": "synth", "path": "copy.wav", "sha256": exact["sha256"], "reason": "duplicate", "detail": ""}]
    )
    write_table(quarantine, data / "ingest/quarantine.parquet")
    write_table(manifest[["clip_id", "pmos"]], data / "score/scores.parquet")
    captions = manifest[["clip_id", "original", "decision", "caption"]].assign(
        generated=manifest["caption"],
        similarity_original_audio=np.where(manifest["decision"] == "replaced", 0.1, 0.9),
        similarity_generated_audio=0.8,
        similarity_original_generated=0.5,
    )
    write_table(captions, data / "caption/captions.parquet")
    gone = manifest["track_id"] == "track30"
    write_table(manifest[~gone], data / "curate/dataset.parquet")
    removed = manifest.loc[gone, ["clip_id", "track_id"]].assign(reason="near_duplicate", detail="")
    write_table(removed, data / "curate/removed.parquet")
    _write_latents(data, manifest[~gone], np.stack(audio), generator)
    _write_samples(data, manifest, generator, seeds)
    for role in ("clap", "tagger", "pmos"):
        (models / "foundation" / role).mkdir(parents=True)
        write_json(models / "foundation" / role / "config.json", {"origin": "a fake of the tests"})


def _write_latents(data: Path, dataset: pd.DataFrame, audio: np.ndarray, generator: np.random.Generator) -> None:
    genre = np.array([GENRES.index(caption.split(",")[0]) for caption in dataset["caption"]])
    index = dataset[["clip_id", "split", "caption"]].assign(row=np.arange(len(dataset)))
    clues = {"audio": ({"z": (0, 4)}, np.zeros((len(genre), 4, 1))), "tal": ({"w_m": (0, 4), "z_p": (4, 8)}, None)}
    for vae, (groups, mean) in clues.items():
        if mean is None:
            mean = np.concatenate([np.zeros((len(genre), 4)), 4.0 * np.eye(4)[genre]], axis=1)[:, :, None]
        latents = mean + generator.standard_normal((len(genre), mean.shape[1], 6))
        folder = data / "latents" / vae
        np.save(folder / "latents.npy", np.concatenate([latents, np.ones_like(latents)], axis=1).astype(np.float16))
        write_table(index, folder / "index.parquet")
        write_json(folder / "config.json", {"channel_groups": groups, "clip_rate": RATE, "channels": 1, "frames": 6})
        test = index[index["split"] == "test"].head(4)
        np.save(folder / "reconstructions.npy", audio[dataset["row"].to_numpy()[test["row"].to_numpy()]])
        write_table(pd.DataFrame({"clip_id": test["clip_id"], "row": range(4)}), folder / "reconstructions.parquet")
    np.save(data / "latents/tal/z_m.npy", generator.standard_normal((len(genre), 2, 6)).astype(np.float16))


def _write_samples(data: Path, manifest: pd.DataFrame, generator: np.random.Generator, seeds: int) -> None:
    held_out = manifest[(manifest["split"] == "test") & (manifest["row"] % 2 == 0)]
    prompts = pd.DataFrame(
        {"prompt_id": [f"p{i:02d}" for i in range(len(held_out))], "prompt": held_out["caption"].to_numpy()}
    )
    prompts["clip_id"] = held_out["clip_id"].to_numpy()
    prompts["role"] = ["tune" if i < 4 else "test" for i in range(len(prompts))]
    sweep = [setting(), *(setting(kind, strength) for kind in ("cads", "pads") for strength in (0.1, 0.3, 0.6))]
    for system, spread in (("audio_dit", 30.0), ("tal_dit", 40.0)):
        rows, audio = [], []
        for prompt in prompts.itertuples():
            genre = str(prompt.prompt).split(",")[0]
            for one in sweep:
                for number in range(seeds):
                    stray = tone(
                        GENRES[generator.integers(4)], generator.uniform(0, 6), generator.uniform(-spread, spread)
                    )
                    own = tone(genre, generator.uniform(0, 6), generator.uniform(-spread, spread))
                    amount = one.strength * (1.0 if one.method_name == "cads" else 0.6)
                    audio.append(pcm((1 - amount) * own + amount * stray + 0.02 * generator.standard_normal(SAMPLES)))
                    rows.append(
                        {
                            "row": len(rows), "system": system, "setting": one.id,
                            "prompt_id": prompt.prompt_id, "prompt": prompt.prompt,
                            "seed": 100 + number, "index": number,
                        }
                    )  # fmt: skip
        folder = data / "samples" / system
        folder.mkdir(parents=True)
        write_table(pd.DataFrame(rows), folder / "samples.parquet")
        np.save(folder / "audio.npy", np.stack(audio))
        write_table(prompts, folder / "prompts.parquet")
        write_json(folder / "settings.json", {one.id: one.model_dump(mode="json") for one in sweep})
