"""All samples measured, setting by setting: the rows, the sweep and the matched comparison of `evaluate.json`."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from padstal.core.protocols import AudioTextEmbedder
from padstal.evaluation import comparison
from padstal.evaluation.bootstrap import draw_counts
from padstal.evaluation.clap_score import clap_score, flattened, mismatched_clap_score
from padstal.evaluation.clips import Clips
from padstal.evaluation.grid import Grid, Key, arrange
from padstal.evaluation.hear import Heard
from padstal.evaluation.inception import inception_score
from padstal.evaluation.measure import Measured, Prompts, Reference, measure
from padstal.evaluation.vendi import vendi


@dataclass(frozen=True)
class Choices:
    """How to compare; see `evaluation/config.py` for each."""

    recall_neighbours: int
    draws: int
    set_draws: int
    confidence: float
    target_clap_f: float | None
    target_position: float
    kept_clap_share: float
    baseline: tuple[str, str]


@dataclass(frozen=True)
class Comparison:
    """`metrics` for `evaluate.json`, and the tables behind it: `per_setting`, `per_prompt`, `per_sample`."""

    metrics: dict[str, Any]
    tables: dict[str, pd.DataFrame]


def compare(
    samples: pd.DataFrame,
    heard: Heard,
    prompts: pd.DataFrame,
    clips: Clips,
    reference_ids: list[str],
    *,
    clap: AudioTextEmbedder,
    genres: tuple[str, ...],
    choices: Choices,
    generator: np.random.Generator,
    progress: Callable[[Iterable[Key]], Iterable[Key]] = iter,
) -> Comparison:
    """Measure everything.

    Args:
        samples: One row a sample, as `heard`.
        heard: What the models hear in the samples.
        prompts: From `grid.check_prompts`.
        clips: Held-out clips, the prompts' own among them.
        reference_ids: The clips that generated ones are compared with.
        clap: Embeds the prompts.
        genres: The tagger's words.
        choices: How to compare.
        generator: For the bootstrap.
        progress: Wraps the loop over settings.

    Raises:
        ValueError: There are no test prompts, or settings have different numbers of samples.
    """
    reference = clips.reference(reference_ids)
    test = arrange(samples, prompts, "test")
    if test.prompts.empty or not test.rows:
        raise ValueError(f"{len(test.prompts)} test prompts with samples: expected at least one")
    tune = arrange(samples, prompts, "tune") if (prompts["role"] == "tune").any() else Grid(prompts.iloc[:0], {}, 0)
    by_role: dict[str, tuple[Grid, dict[Key, Measured]]] = {}
    asked: dict[str, Prompts] = {}
    for role, grid, draws in (("tune", tune, 0), ("test", test, choices.draws)):
        if not grid.rows:
            by_role[role] = (grid, {})
            continue
        asked[role] = clips.prompts(grid.prompts, clap, genres)
        counts_RP = draw_counts(len(grid.prompts), draws, generator)
        by_role[role] = (
            grid,
            {
                key: measure(
                    heard.take(grid.rows[key]),
                    asked[role],
                    reference,
                    counts_RP,
                    choices.set_draws,
                    choices.recall_neighbours,
                )
                for key in progress(list(grid.rows))
            },
        )
    measured = by_role["test"][1]
    level = choices.confidence
    chosen, rule = comparison.choose(by_role["tune"][1], list(measured), choices.kept_clap_share)
    metrics = {
        "rows": [comparison.row(key, measured[key], level) for key in chosen.values()],
        "chosen_by": rule,
        "sweep": [comparison.row(key, measured[key], level) for key in measured],
        "matched": comparison.matched(
            measured,
            fixed=choices.target_clap_f,
            position=choices.target_position,
            seeds=test.seeds,
            baseline=choices.baseline,
            level=level,
        ),
        "reference": _reference(test.prompts, asked["test"], clips, reference),
        "design": {
            "test_prompts": len(test.prompts),
            "tune_prompts": len(tune.prompts),
            "samples_a_prompt": next(iter(test.rows.values())).shape[1],
            "seeds": test.seeds,
            "reference_clips": len(reference_ids),
            "recall_genres": sorted({genres[genre] for one in measured.values() for genre in one.genres}),
            "confidence": level,
            "draws": choices.draws,
            "set_draws": choices.set_draws,
            "vendi_n": len(test.prompts),
        },
    }
    tables = {
        "per_setting": _per_setting(by_role, level),
        "per_prompt": _per_prompt(by_role, asked, genres),
        "per_sample": _per_sample(samples, prompts, heard, clap, genres),
    }
    return Comparison(metrics, tables)


def _reference(prompts: pd.DataFrame, asked: Prompts, clips: Clips, reference: Reference) -> dict[str, Any]:
    """The prompts' own held-out clips, one a prompt: what a perfect model could reach.

    `clap_f_chance` is the CLAP-f of the same clips with each other's prompts: what music that heeds no prompt gets.
    """
    own = clips.heard.take(clips.rows(prompts["clip_id"].tolist()))
    return {
        "clap_f": float(clap_score(own.clap_NWD, asked.text_PD).mean()),
        "clap_f_chance": mismatched_clap_score(own.clap_NWD, asked.text_PD),
        "vendi": vendi(flattened(own.clap_NWD)),
        "pmos": float(own.pmos_N.mean(dtype=np.float64)),
        "inception": inception_score(own.genre_NG),
        "n": len(own),
        "pmos_of_all": float(reference.heard.pmos_N.mean(dtype=np.float64)),
        "n_of_all": len(reference.heard),
    }


def _per_setting(by_role: dict[str, tuple[Grid, dict[Key, Measured]]], level: float) -> pd.DataFrame:
    rows = []
    for role, (_, measured) in by_role.items():
        for key, one in measured.items():
            row: dict[str, Any] = {"role": role, **vars(key), "n": one.clips, "inception": one.inception}
            bounds = one.intervals(level)
            for name, value in one.values.items():
                edges = bounds.get(name) or (None, None)
                row |= {name: value, f"{name}_low": edges[0], f"{name}_high": edges[1]}
            rows.append(row)
    table = pd.DataFrame(rows)
    numbers = [name for name in table.columns if name not in ("role", "model", "perturbation", "n")]
    return table.astype(dict.fromkeys(numbers, "float64"))


def _per_prompt(
    by_role: dict[str, tuple[Grid, dict[Key, Measured]]], asked: dict[str, Prompts], genres: tuple[str, ...]
) -> pd.DataFrame:
    tables = []
    for role, (grid, measured) in by_role.items():
        for key, one in measured.items():
            table = pd.DataFrame({"prompt_id": grid.prompts["prompt_id"], "prompt": grid.prompts["prompt"]})
            table["genre"] = [genres[genre] for genre in asked[role].genre_P]
            tables.append(table.assign(role=role, **vars(key), **one.per_prompt))
    return pd.concat(tables, ignore_index=True)


def _per_sample(
    samples: pd.DataFrame, prompts: pd.DataFrame, heard: Heard, clap: AudioTextEmbedder, genres: tuple[str, ...]
) -> pd.DataFrame:
    columns = ["model", "row", "perturbation", "strength", "guidance", "prompt_id", "seed", "index"]
    place_of = {prompt_id: place for place, prompt_id in enumerate(prompts["prompt_id"])}
    text_ND = clap.embed_text(prompts["prompt"].tolist())[samples["prompt_id"].map(place_of).to_numpy()]
    genre = [genres[best] for best in heard.genre_NG.argmax(axis=1)]
    return samples[columns].assign(clap_f=clap_score(heard.clap_NWD, text_ND), pmos=heard.pmos_N, genre=genre)
