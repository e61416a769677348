"""A whole finished scale, faked: every artefact that the report reads, small, deterministic, with hostile texts."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml
from tests.evaluation.fakes import setting

from padstal.core.data.atomic import write_json
from padstal.core.data.manifest import COLUMNS, write_table
from padstal.core.paths import Paths
from padstal.sampling.setting import Setting

RATE, SECONDS = 16_000, 2.0
HOSTILE = "<script>alert('caption')</script> & \"quoted\" | pipe `tick` </blockquote> @someone #12 [a](https://example.invalid)"
GENRES = ("ambient", "house", "jazz", "waltz")
SYSTEMS = ("audio_dit", "tal_dit")
STRENGTHS = (0.1, 0.25, 0.5)
SETTINGS = (
    setting("none", w=7.0),
    setting("none", w=3.0),
    *(setting(method, strength, 7.0) for method in ("cads", "pads") for strength in STRENGTHS),
)
DECISIONS = ("kept", "replaced", "fused", "captioned", "kept_unfit", "unconditional", "redundant")


def write_finished_scale(root: Path, *, scale: str = "demo", prompts: int = 4, timings: bool = True) -> Paths:
    """Fill `root` with a finished run of `scale`; the same bytes each time."""
    paths = Paths(root, scale)
    generator = np.random.default_rng(7)
    paths.params.write_text(yaml.safe_dump(_params(scale, prompts)), encoding="utf-8")
    manifest = _manifest(generator)
    _write_data(paths, manifest, generator)
    _write_models(paths)
    _write_curves(paths, generator)
    _write_reconstructions(paths, manifest)
    _write_samples(paths, prompts)
    for name, metrics in _metrics().items():
        write_json(paths.reports / "metrics" / f"{name}.json", {"scale": scale, **metrics})
    write_json(paths.metrics("evaluate"), evaluation(generator))
    if timings:
        _write_timings(paths)
    return paths


def lock(scale: str, *stages: str) -> str:
    """The text of a `dvc.lock` that knows `stages`, each with one output."""
    outs = {name: [{"path": f"data/{scale}/{name}", "md5": "0" * 32}] for name in stages}
    return yaml.safe_dump({"schema": "2.0", "stages": {name: {"cmd": "run", "outs": outs[name]} for name in stages}})


def tone(pitch: float, brightness: float, noise: float, seed: int, seconds: float = SECONDS) -> np.ndarray:
    """A few plucked chords: int16 [S, 1]."""
    generator = np.random.default_rng(seed)
    beat = np.arange(RATE // 4) / RATE
    plucks = []
    for _ in range(round(seconds * 4)):
        step = float(generator.choice([1.0, 1.26, 1.5, 2.0]))
        partials = [brightness**k / k * np.sin(2 * np.pi * pitch * step * k * beat) for k in range(1, 7)]
        plucks.append(np.exp(-9 * beat) * np.sum(partials, axis=0))
    sound = np.concatenate(plucks)
    sound += noise * generator.standard_normal(len(sound))
    return (sound / np.abs(sound).max() * 20_000).astype(np.int16)[:, None]


def evaluation(generator: np.random.Generator) -> dict[str, object]:
    """`evaluate.json` of a run in which TAL and PADS help."""
    sweep = [_measured(system, one, generator) for system in SYSTEMS for one in SETTINGS]
    rows = [row for row in sweep if row["strength"] in (0.0, 0.25) and row["guidance"] == 7.0]
    levels = {**sweep[0], "system": "qa_mdt", "label": "none w = 1, guidance.kind = negative_prompt, quality = 3"}
    matched_rows = [
        {**row, "clap_f": 0.27, "intervals": {**row["intervals"], "clap_f": None}, "bracketed_share": 1.0}
        for row in rows
        if row["method"] != "none"
    ]
    for row in matched_rows:
        for name in ("strength", "guidance", "setting", "label", "record"):
            del row[name]
    return {
        "scale": "demo",
        "rows": [*rows, levels],
        "sweep": [*sweep, levels],
        "differences": [_departed(row) for row in (*sweep, levels)],
        "paths": _paths(),
        "over_trainings": [
            {
                "system": "tal_dit",
                "trainings": ["tal_dit", "seed2"],
                "sweep": rows[-1:],
                "differences": [_departed(rows[-1])],
            }
        ],
        "chosen_by": "most diverse (Vendi) on tune prompts among those that keep 90% of the unperturbed CLAP-f",
        "matched": {
            "clap_f": 0.27,
            "why": "",
            "common_range": [0.22, 0.31],
            "rows": matched_rows[1:],
            "refused": [
                {
                    "system": "audio_dit",
                    "method": "cads",
                    "path": "cads",
                    "why": "spans CLAP-f [0.28, 0.31] and does not reach 0.27",
                }
            ],
            "baseline": {"system": "audio_dit", "method": "cads", "path": "cads"},
            "differences": [
                _difference("tal_dit", "pads", "vendi", 1.4, (0.5, 2.3), 0.21),
                _difference("tal_dit", "pads", "mrecall", 0.03, (-0.02, 0.08), 0.1),
                _difference("tal_dit", "pads", "kl", -0.1, (-0.2, -0.01), -0.12),
                _difference("audio_dit", "pads", "vendi", -0.4, (-0.7, -0.1), -0.05),
            ],
            "published": {
                "source": "PADS-TAL slides, table of section 3",
                "rows": [
                    {
                        "system": "tal",
                        "method": "pads",
                        "mrecall": 0.407,
                        "vendi": 26.075,
                        "kl": 0.626,
                        "fd": 135.5,
                    }
                ],
            },
        },
        "retention": {
            "rows": [{**row, "retention": share} for share in (0.9, 0.5) for row in matched_rows[1:]],
            "refused": [
                {
                    "system": "audio_dit",
                    "method": "cads",
                    "path": "cads",
                    "retention": 0.9,
                    "why": "comes down to 95% of the alignment",
                }
            ],
            "area": [],
        },
        "latent_space": {
            "k": 5,
            "labels": "truth",
            "spaces": [
                {
                    "codec": s.partition(".")[0],
                    "space": s,
                    "pooling": pooling,
                    "precision": p,
                    "interval": [p - 0.05, p + 0.05],
                    "chance": 0.125,
                    "queries": 80,
                }
                for s, p in (("audio", 0.3), ("tal", 0.52), ("tal.w_m", 0.31), ("tal.z_p", 0.7))
                for pooling in ("mean", "flat")
            ],
        },
        "foundation": {
            "clap_recall_at_10": {"value": 0.61, "chance": 0.083, "times_chance": 7.3, "n": 120},
            "tagger_genre": {"value": 0.82, "chance": 0.125, "times_chance": 6.6, "n": 120},
            "pmos_against_severity": {"spearman": 0.86, "n": 160, "spearman_test": None, "n_test": 20},
            "origin": {"clap": "trained on the composer's draw"},
        },
        "truth": {
            "exact_duplicates": {
                "planted": 6,
                "flagged": 6,
                "precision": 1.0,
                "recall": 1.0,
                "recall_interval": [0.6, 1],
            },
            "foreign_licences": {"planted": 4, "flagged": 4, "precision": 1.0, "recall": 1.0},
            "sound_files_kept": {"value": 1.0, "interval": [0.9, 1.0], "n": 30},
            "screening": {
                "clipping": {"refused": 1, "repaired": 0, "files": 5, "roc_area": 0.8},
                "noise": {"refused": 0, "repaired": 0, "files": 5},
            },
            "quality": {
                "degraded": {"value": 0.9, "chance": 0.5, "n": 24},
                "pmos_of_clean": 4.6,
                "of_kind": {"clipping": {"pmos": 3.1, "roc_area": 0.9, "spearman": 0.8, "n": 5}},
                "lowest_level": {
                    "planted": 9,
                    "flagged": 4,
                    "precision": 1.0,
                    "precision_interval": [0.6, 1.0],
                    "precision_chance": 0.1,
                    "recall": 0.4,
                    "recall_interval": [0.2, 0.7],
                },
            },
            "near_duplicates": {"planted": 6, "flagged": 5, "precision": 1.0, "recall": 0.83},
            "left": {
                "foreign_licences": 0,
                "exact_duplicates": 0,
                "near_duplicates": 1,
                "recordings_in_two_splits": 0,
                "artists_in_two_splits": 0,
            },
            "unlikely": {
                "degraded": {"value": 0.4, "chance": 0.3, "times_chance": 1.33, "n": 5},
                "genre_entropy_before": 2.0,
                "genre_entropy_after": 1.9,
                "of_genre": {"jazz": {"tracks": 6, "lost": 1}, "house": {"tracks": 6, "lost": 2}},
            },
            "captions": {
                "wrong": {
                    "planted": 64,
                    "flagged": 39,
                    "precision": 0.513,
                    "precision_chance": 0.1,
                    "precision_interval": [0.2, 0.8],
                    "recall": 0.312,
                    "recall_interval": [0.1, 0.6],
                    "roc_area": 0.8,
                    "roc_area_of_disagreement": 0.87,
                    "roc_area_of_better_generated": 0.77,
                },
                "wrong_left": {"value": 0.406, "interval": [0.2, 0.6], "n": 64},
                "right_left": {"value": 0.142, "interval": [0.1, 0.2], "n": 556},
                "of_fault": {
                    "wrong": {
                        "clips": 64,
                        "tracks": 16,
                        "decisions": {"fused": 24, "replaced": 40},
                        "genre_before": 0.0,
                        "genre_after": 0.56,
                        "clap_score": {
                            "before": {"value": 0.27, "interval": [0.2, 0.3], "n": 64},
                            "after": {"value": 0.38, "interval": [0.3, 0.4], "n": 64},
                            "difference": {"value": 0.11, "interval": [0.04, 0.19], "n": 64},
                        },
                    },
                },
                "wrong_by_threshold": [
                    {"rho2": 0.1, "precision": 1.0, "recall": 0.16},
                    {"rho2": 0.2, "precision": 0.5, "recall": 0.31},
                ],
            },
        },
        "reconstruction": {
            "audio": {"clap_f": 0.29, "clap_f_of_originals": 0.33, "pmos": 3.4, "pmos_of_originals": 3.9, "n": 4}
        },
        "reference": {"clap_f": 0.34, "vendi": 9.1, "n": 12},
        "design": {"test_prompts": 12, "tune_prompts": 4, "samples_a_prompt": 3, "seeds": 3, "confidence": 0.95},
    }


def _paths() -> list[dict[str, object]]:
    plain, weak, *others = SETTINGS
    ends = {
        "none": [plain, weak],
        **{name: [plain, *(one for one in others if one.method_name == name)] for name in ("cads", "pads")},
    }
    return [
        {"system": system, "method": name, "path": name, "settings": [one.id for one in settings]}
        for system in SYSTEMS
        for name, settings in ends.items()
    ]


def _measured(system: str, one: Setting, generator: np.random.Generator) -> dict[str, Any]:
    method, strength, guidance = one.method_name, one.strength, one.w
    gain = {"none": 0.0, "cads": 2.0, "pads": 3.0}[method] * strength + (0.9 if system == "tal_dit" else 0)
    loss = {"none": 0.0, "cads": 0.25, "pads": 0.11}[method] * strength + (0.03 if guidance < 5 else 0)
    values = {
        "clap_f": 0.31 - loss,
        "vendi": 5 + 2 * gain + (0.7 if guidance < 5 else 0),
        "vendi_within": 1.5 + 0.3 * gain,
        "ibs": 0.8 - 0.08 * gain,
        "mrecall": 0.3 + 0.04 * gain,
        "coverage": 0.2 + 0.01 * gain,
        "kl": 0.9 - 0.05 * gain,
        "fd": 1031.0 - gain,
        "pmos": 2.9,
        "bandwidth": 5.6,
        "noise_floor": -41.2,
        "crest_factor": 12.4,
        "copies": 0.05,
    }
    wide = {name: abs(value) * 0.06 for name, value in values.items() if value is not None}
    intervals = {name: [values[name] - width, values[name] + width * 1.1] for name, width in wide.items()}
    named = {"system": system, "method": method, "path": method, "setting": one.id, "label": one.label(SETTINGS)}
    key = {**named, "strength": strength, "guidance": guidance, "record": one.model_dump(mode="json")}
    return {**key, **values, "n": 36, "fd_is_singular": True, "intervals": intervals}


def _departed(row: dict[str, Any]) -> dict[str, object]:
    """What a setting has less than another; numbers and label are as long as a demo's longest."""
    less = dict.fromkeys(row["intervals"], -0.00744)
    intervals = {name: [-0.00944, -0.00511] for name in less}
    return {**row, **less, "intervals": intervals, "label": f"{row['label']} against none w = 1, guidance.kind = cfg"}


def _difference(
    system: str, method: str, metric: str, by: float, around: tuple[float, float], share: float
) -> dict[str, object]:
    named = {"system": system, "method": method, "path": method, "metric": metric}
    return {**named, "difference": by, "interval": list(around), "share_of_baseline": share}


def _params(scale: str, prompts: int) -> dict[str, object]:
    report = {"title": "padstal", "captions_shown": 30, "prompts_shown": prompts, "reconstructions_shown": 2}
    sections = {
        "ingest": {
            "sample_rate": RATE,
            "clip_seconds": SECONDS,
            "channels": 1,
            "licences": {"allow": ["CC-BY", "CC0-1.0"], "deny": [], "non_commercial": "refuse", "unknown": "refuse"},
            "sources": [{"kind": "synth", "tracks": 24}],
        },
        "train_vae": {
            "audio": {
                "steps": 900,
                "weights": {"kl": 2e-5},
                "discriminator": {
                    "network": {"kind": "stft", "fft_sizes": [2048, 1024, 512], "filters": 16},
                    "rate": {"kind": "constant", "warmup_steps": 50},
                },
            },
            "tal": {"steps": 1000, "training": {"init_from": f"models/{scale}/vae/audio"}},
        },
        "train_diffusion": {"audio_dit": {"steps": 1500, "learning_rate": 5e-4}, "tal_dit": {"steps": 1500}},
        "report": report,
        "budget": {"report": 20},
    }
    return {
        "scale": scale,
        "runtime": {"device": "cpu", "workers": 1, "threads": 1},
        "tracking": {"mode": "disabled", "project": "padstal", "entity": None},
        "systems": {f"{codec}_dit": {"codec": codec, "denoiser": f"{codec}_dit"} for codec in ("audio", "tal")},
        "scales": {scale: sections},
    }


def _manifest(generator: np.random.Generator) -> pd.DataFrame:
    rows = []
    for clip in range(48):
        track = clip // 2
        genre = GENRES[track % 4]
        caption = HOSTILE if clip == 0 else f"{genre}, warm piano and soft drums, {80 + track} bpm"
        artist = "" if track % 9 == 8 else f"Artist <b>{track % 7}</b>"
        text = {
            "clip_id": f"{clip:016x}",
            "track_id": f"{track:016x}",
            "source": "synth",
            "path": f"{track}.wav",
            "sha256": f"{track:064x}",
            "artist": artist,
            "licence": ("CC-BY-4.0", "CC0-1.0", "CC-BY-SA-4.0")[track % 3],
            "caption": "" if clip == 5 else caption,
            "tags": genre,
            "split": ("train", "train", "train", "validation", "test")[track % 7 % 5],
        }
        numbers = {
            "offset_seconds": 2.0 * (clip % 2),
            "clip_seconds": SECONDS,
            "track_seconds": 4.1,
            "sample_rate": RATE,
            "channels": 1,
        }
        rows.append({**text, **numbers, "shard": 0, "row": clip})
    table = pd.DataFrame(rows)
    for column in COLUMNS:
        if column not in table:
            table[column] = "" if column in ("album", "title", "source_url") else generator.normal(size=len(table))
    return table[list(COLUMNS)]


def _write_data(paths: Paths, manifest: pd.DataFrame, generator: np.random.Generator) -> None:
    for folder in (paths.ingest / "shards", paths.validate("ingest"), paths.score, paths.caption, paths.curate):
        folder.mkdir(parents=True)
    write_table(manifest, paths.ingest / "manifest.parquet")
    reasons = ["duplicate", "duplicate", "licence", "too_short", "cannot_decode"]
    write_table(
        pd.DataFrame({"path": [f"q{i}.wav" for i in range(5)], "reason": reasons}), paths.ingest / "quarantine.parquet"
    )
    sounds = [tone(110 * 2 ** ((clip % 12) / 12), 0.4 + 0.1 * (clip % 4), 0.002, clip) for clip in range(len(manifest))]
    np.save(paths.ingest / "shards" / "00000.npy", np.stack(sounds))
    write_json(paths.validate("ingest") / "verdict.json", _verdict())
    pmos = (4.1 - generator.gamma(1.5, 0.5, len(manifest))).clip(1, 5)
    levels = np.digitize(pmos, [2, 3, 3.6, 4]) + 1
    scores = pd.DataFrame(
        {"clip_id": manifest["clip_id"], "pmos": pmos, "quality_level": levels, "prefix": "medium quality"}
    )
    write_table(scores, paths.score / "scores.parquet")
    write_json(paths.score / "distribution.json", {"mu": float(pmos.mean()), "sigma": float(pmos.std()), "n": 30})
    generated = [f"{GENRES[clip % 4]}, electric piano, calm" for clip in range(len(manifest))]
    fits = generator.uniform(0.1, 0.6, (3, len(manifest)))
    decisions = [DECISIONS[clip % len(DECISIONS)] for clip in range(len(manifest))]
    captions = pd.DataFrame(
        {
            "clip_id": manifest["clip_id"],
            "original": manifest["caption"],
            "generated": generated,
            "decision": decisions,
            "caption": [
                "" if decision == "unconditional" else text for decision, text in zip(decisions, generated, strict=True)
            ],
            "similarity_original_audio": np.where(manifest["caption"] == "", np.nan, fits[0]),
            "similarity_generated_audio": fits[1],
            "similarity_original_generated": np.where(manifest["caption"] == "", np.nan, fits[2]),
            "similarity_caption_audio": fits[0] + 0.08 + 0.1 * fits[2],
        }
    )
    write_table(captions, paths.caption / "captions.parquet")
    likelihood = generator.normal(-40, 6, len(manifest))
    dataset = manifest.assign(
        pmos=pmos, quality_level=levels, log_likelihood=likelihood, caption=captions["caption"]
    ).iloc[4:]
    write_table(dataset, paths.curate / "dataset.parquet")
    removed = pd.DataFrame(
        {"clip_id": manifest["clip_id"].head(4), "reason": ["near_duplicate"] * 2 + ["unlikely"] * 2}
    )
    write_table(removed, paths.curate / "removed.parquet")


def _verdict() -> dict[str, object]:
    rows = [
        {"name": "clip ids are unique", "table": "clips", "column": "clip_id", "severity": "critical", "success": True},
        {
            "name": "loudness is in range",
            "table": "clips",
            "column": "loudness_lufs",
            "severity": "warning",
            "success": False,
        },
        {"name": "enough clips", "table": "clips", "column": None, "severity": "critical", "success": True},
    ]
    asked = {
        "kind": "Expect",
        "unexpected": 0,
        "offenders": [],
        "observed": "3 of 48 rows do not comply",
        "expected": "every row",
        "advice": "",
    }
    return {"success": False, "worst": "warning", "expectations": [{**asked, **row} for row in rows]}


def _write_models(paths: Paths) -> None:
    folders = {
        paths.foundation(role): {"origin": "trained on the composer's draw"}
        for role in ("clap", "pmos", "tagger", "text_encoder")
    }
    folders |= {paths.vae(name): {"sample_rate": RATE} for name in ("audio", "tal")}
    groups: dict[str, dict[str, list[int]]] = {"audio": {"z": [0, 32]}, "tal": {"w_m": [0, 32], "z_p": [32, 48]}}
    folders |= {
        paths.diffusion(f"{codec}_dit"): {"latents": {"codec": codec, "channel_groups": own}}
        for codec, own in groups.items()
    }
    for number, (folder, config) in enumerate(folders.items()):
        folder.mkdir(parents=True)
        (folder / "model.safetensors").write_bytes(bytes([number]) * 1000)
        (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")


def _write_curves(paths: Paths, generator: np.random.Generator) -> None:
    folder = paths.reports / "curves"
    folder.mkdir(parents=True)
    steps = np.arange(10, 1500, 10)
    for stage, names in (("train_vae", ("audio", "tal")), ("train_diffusion", ("audio_dit", "tal_dit"))):
        for place, name in enumerate(names):
            columns = {"step": steps}
            for quantity in ("loss", "loss_mrstft", "loss_kl") if stage == "train_vae" else ("loss", "validation_loss"):
                falling = 0.3 + np.exp(-steps / (300 + 120 * place))
                columns[quantity] = falling + 0.03 * generator.standard_normal(len(steps))
            table = pd.DataFrame(columns)
            if "validation_loss" in table:
                table.loc[table.index % 10 != 0, "validation_loss"] = np.nan
            table.to_csv(folder / f"{stage}_{name}.csv", index=False, float_format="%.6g")


def _write_reconstructions(paths: Paths, manifest: pd.DataFrame) -> None:
    held_out = manifest[manifest["split"] == "test"].head(3)
    for place, vae in enumerate(("audio", "tal")):
        folder = paths.latents(vae)
        folder.mkdir(parents=True)
        write_table(
            pd.DataFrame({"clip_id": held_out["clip_id"], "row": range(len(held_out))}),
            folder / "reconstructions.parquet",
        )
        sounds = [
            tone(110 * 2 ** ((int(row) % 12) / 12), 0.4, 0.01 + 0.02 * place, int(row)) for row in held_out["row"]
        ]
        np.save(folder / "reconstructions.npy", np.stack(sounds))


def _write_samples(paths: Paths, prompts: int) -> None:
    texts = [HOSTILE, *(f"{GENRES[at % 4]}, guitar, {90 + at} bpm" for at in range(1, prompts + 1))]
    table_of_prompts = pd.DataFrame(
        {
            "prompt_id": [f"p{at}" for at in range(prompts + 1)],
            "prompt": texts,
            "clip_id": [f"{at:016x}" for at in range(prompts + 1)],
            "role": ["test"] * prompts + ["tune"],
        }
    )
    for place, system in enumerate(SYSTEMS):
        rows, sounds = [], []
        for one in SETTINGS:
            for at in range(prompts):
                for seed in (11, 12):
                    key = {"row": len(rows), "system": system, "setting": one.id}
                    rows.append({**key, "prompt_id": f"p{at}", "prompt": texts[at], "seed": seed, "index": 0})
                    sounds.append(
                        tone(
                            98 * 2 ** (at / 5),
                            0.35 + 0.15 * place,
                            0.004 + 0.02 * one.strength,
                            seed + 10 * at + 100 * place,
                        )
                    )
        folder = paths.samples(system)
        folder.mkdir(parents=True)
        write_table(pd.DataFrame(rows), folder / "samples.parquet")
        write_table(table_of_prompts, folder / "prompts.parquet")
        write_json(folder / "settings.json", {one.id: one.model_dump(mode="json") for one in SETTINGS})
        np.save(folder / "audio.npy", np.stack(sounds))


def _metrics() -> dict[str, dict[str, object]]:
    return {
        "ingest": {"files": 29, "files_kept": 24, "quarantined": {"duplicate": 2, "licence": 1}},
        "validate_ingest": {"expectations": 3, "broken_critical": 0},
        "prepare_clap": {"recall_at_10": 0.6, "chance": None},
        "score": {"mu": 3.4, "sigma": 0.5},
        "caption": _caption_metrics(),
        "train_vae_audio": {"loss": 0.61, "steps": 900},
        "train_vae_tal": {"loss": 0.7, "steps": 1000},
        "train_diffusion_tal_dit": {"validation_loss": 0.33},
        "sample_tal_dit": {"samples": 64, "clipped_share": 0.0},
    }


def _caption_metrics() -> dict[str, object]:
    def estimate(value: float, low: float, high: float) -> dict[str, object]:
        return {"value": value, "interval": [low, high], "n": 40}

    before, after = estimate(0.373, 0.36, 0.38), estimate(0.402, 0.39, 0.41)
    return {
        "beside_paper": {
            "filtered": {"value": 0.0152, "paper": 0.089, "times": 0.171, "alarm": True},
            "fused": {"value": 0.148, "paper": 0.151, "times": 0.98, "alarm": False},
        },
        "refused": {"address": 1, "unfit": 4},
        "caption_licences": {"CC-BY-NC-4.0": 7},
        "clap_score": {
            "captioned": {"clips": 4, "before": None, "after": after, "difference": None},
            "all": {"clips": 48, "before": before, "after": after, "difference": estimate(0.03, 0.02, 0.04)},
            "replaced": {"clips": 9, "before": before, "after": after, "difference": estimate(0.2, 0.1, 0.3)},
        },
    }


def _write_timings(paths: Paths) -> None:
    for stage, item, wall in (
        ("train_vae", "tal", 155.2),
        ("ingest", "", 41.0),
        ("evaluate", "", 52.3),
        ("report", "", 9.1),
    ):
        record = {"stage": stage, "item": item, "wall_seconds": wall, "budget_seconds": 140, "peak_gibibytes": 1.42}
        write_json(paths.timing(stage, item or None), record)
