"""All samples measured, cell by cell: the rows, the sweep and the matched comparison of `evaluate.json`."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from padstal.core.protocols import AudioTextEmbedder
from padstal.evaluation import comparison, copies
from padstal.evaluation.bootstrap import draw_counts
from padstal.evaluation.clap_score import clap_score, flattened, mismatched_clap_score
from padstal.evaluation.clips import Clips
from padstal.evaluation.config import EvaluateParams
from padstal.evaluation.differences import differences
from padstal.evaluation.generated import Generated
from padstal.evaluation.grid import ROLES, Cell, Grid, arrange
from padstal.evaluation.hear import HeardOnDisk, Progress
from padstal.evaluation.inception import inception_score
from padstal.evaluation.judged import Judged, Prompts, Reference
from padstal.evaluation.measure import Measured, measure
from padstal.evaluation.operating_points import paths
from padstal.evaluation.retention import at_retention, retentions
from padstal.evaluation.trainings import over_trainings
from padstal.evaluation.vendi import vendi


@dataclass(frozen=True)
class Comparison:
    """`metrics` for `evaluate.json`, and the tables behind it: `per_setting`, `per_prompt`, `per_sample`."""

    metrics: dict[str, Any]
    tables: dict[str, pd.DataFrame]


@dataclass(frozen=True)
class Role:
    """Prompts of one role with all that was measured of their samples; nothing, if there are none."""

    grid: Grid
    asked: Prompts
    measured: Mapping[Cell, Measured]


def compare(
    generated: Generated,
    heard: HeardOnDisk,
    clips: Clips,
    reference_ids: list[str],
    training_ids: list[str],
    params: EvaluateParams,
    *,
    clap: AudioTextEmbedder,
    genres: tuple[str, ...],
    generator: np.random.Generator,
    progress: Progress = iter,
) -> Comparison:
    """Measure everything.

    Args:
        generated: The samples.
        heard: What the models hear in them, row by row.
        clips: Held-out clips, the prompts' own among them.
        reference_ids: The clips that generated ones are compared with.
        training_ids: Training clips that they should not copy.
        params: How to compare.
        clap: Embeds the prompts.
        genres: The tagger's words.
        generator: For the bootstrap.
        progress: Wraps the loop over cells.

    Raises:
        ValueError: There are no test prompts, or cells have different numbers of samples.
    """
    reference = clips.reference(reference_ids, training_ids)
    roles = {}
    for role, draws in zip(ROLES, (0, params.draws), strict=True):
        grid = arrange(generated.samples, generated.settings, generated.prompts, role)
        if not grid.rows:
            continue
        asked = clips.prompts(grid.prompts, clap, genres)
        counts_RP = draw_counts(len(grid.prompts), draws, generator)
        measured = {
            cell: measure(
                Judged(heard.take(grid.rows[cell]), asked, reference, params.recall_neighbours),
                counts_RP,
                params.set_draws,
            )
            for cell in progress(list(grid.rows))
        }
        roles[role] = Role(grid, asked, measured)
    if "test" not in roles:
        count = int((generated.prompts["role"] == "test").sum())
        raise ValueError(f"{count} test prompts with samples: expected at least one")
    metrics = {
        **_settings(roles, params),
        "reference": _reference(roles["test"], clips, reference),
        "design": _design(roles, len(reference_ids), genres, params),
    }
    tables = {
        "per_setting": _per_setting(roles, params.confidence),
        "per_prompt": _per_prompt(roles, genres),
        "per_sample": _per_sample(generated, heard, clap, genres, params.batch_clips),
    }
    return Comparison(metrics, tables)


def _settings(roles: Mapping[str, Role], params: EvaluateParams) -> dict[str, Any]:
    """Cells and sweeps on test prompts; tune prompts only choose what `rows` shows."""
    measured, level = roles["test"].measured, params.confidence
    sweeps = paths(measured)
    path_of = {cell: path for path in sweeps for cell in path.own}
    tune = roles["tune"].measured if "tune" in roles else {}
    kept = retentions(sweeps)
    chosen, rule = comparison.choose(sweeps, tune, params.kept_clap_share)
    return {
        "rows": [comparison.row(cell, path, measured[cell], measured, level) for cell, path in chosen.items()],
        "chosen_by": rule,
        "sweep": [
            {**comparison.row(cell, path_of[cell], measured[cell], measured, level), "retention": kept.get(cell)}
            for cell in measured
        ],
        "differences": differences(measured, level),
        "over_trainings": over_trainings(measured, params.retrained, level, params.seed),
        "paths": comparison.as_json(sweeps),
        "matched": comparison.matched(
            sweeps,
            fixed=params.target_clap_f,
            position=params.target_position,
            seeds=roles["test"].grid.seeds,
            baseline=params.baseline,
            level=level,
        ),
        "retention": at_retention(sweeps, params.retentions, params.widest_bracket, level),
    }


def _reference(test: Role, clips: Clips, reference: Reference) -> dict[str, Any]:
    """The prompts' own held-out clips, one for each prompt that has one: what a perfect model could reach.

    `clap_f_chance` is the CLAP-f of the same clips with each other's prompts: what music that heeds no prompt gets.
    """
    own, prompts = clips.of_prompts(test.grid.prompts), test.grid.prompts
    text_ND = test.asked.text_PD[(prompts["clip_id"] != "").to_numpy()]
    found = (
        {
            "clap_f": float(clap_score(own.clap_NWD, text_ND).mean()),
            "clap_f_chance": mismatched_clap_score(own.clap_NWD, text_ND),
            "vendi": vendi(flattened(own.clap_NWD)),
            "pmos": float(own.pmos_N.mean(dtype=np.float64)),
            "inception": inception_score(own.posterior("inception")),
        }
        if len(own)
        else {}
    )  # prompts of a published set whose audio is not at hand
    return {
        **found,
        "copies": copies.USUAL,
        "n": len(own),
        "pmos_of_all": float(reference.heard.pmos_N.mean(dtype=np.float64)),
        "n_of_all": len(reference.heard),
    }


def _design(
    roles: Mapping[str, Role], reference_clips: int, genres: tuple[str, ...], params: EvaluateParams
) -> dict[str, Any]:
    test = roles["test"]
    prompts = {role: len(roles[role].grid.prompts) if role in roles else 0 for role in ROLES}
    return {
        "test_prompts": prompts["test"],
        "tune_prompts": prompts["tune"],
        "samples_a_prompt": next(iter(test.grid.rows.values())).shape[1],
        "seeds": test.grid.seeds,
        "reference_clips": reference_clips,
        "recall_genres": sorted({genres[genre] for one in test.measured.values() for genre in one.genres}),
        "confidence": params.confidence,
        "draws": params.draws,
        "set_draws": params.set_draws,
        "vendi_n": prompts["test"],
    }


def _per_setting(roles: Mapping[str, Role], level: float) -> pd.DataFrame:
    rows = []
    for role, found in roles.items():
        for cell, one in found.measured.items():
            row: dict[str, Any] = {"role": role, **comparison.named(cell), "n": one.clips, "inception": one.inception}
            bounds = one.intervals(level)
            for name, value in one.values.items():
                edges = bounds.get(name) or (None, None)
                row |= {name: value, f"{name}_low": edges[0], f"{name}_high": edges[1]}
            rows.append(row)
    table = pd.DataFrame(rows)
    numbers = [name for name in table.columns if name not in ("role", "system", "method", "setting", "n")]
    return table.astype(dict.fromkeys(numbers, "float64"))


def _per_prompt(roles: Mapping[str, Role], genres: tuple[str, ...]) -> pd.DataFrame:
    tables = []
    for role, found in roles.items():
        prompts = found.grid.prompts
        for cell, one in found.measured.items():
            table = pd.DataFrame({"prompt_id": prompts["prompt_id"], "prompt": prompts["prompt"]})
            table["genre"] = [genres[genre] for genre in found.asked.genre_P]
            tables.append(table.assign(role=role, **comparison.named(cell), **one.per_prompt))
    return pd.concat(tables, ignore_index=True)


def _per_sample(
    generated: Generated, heard: HeardOnDisk, clap: AudioTextEmbedder, genres: tuple[str, ...], batch: int
) -> pd.DataFrame:
    samples, prompts = generated.samples, generated.prompts
    place_of = {prompt_id: place for place, prompt_id in enumerate(prompts["prompt_id"])}
    text_PD = clap.embed_text(prompts["prompt"].tolist())
    place_N = samples["prompt_id"].map(place_of).to_numpy()
    score, pmos, genre, start = [], [], list[str](), 0
    for part in heard.parts(batch):
        score.append(clap_score(part.clap_NWD, text_PD[place_N[start : start + len(part)]]))
        pmos.append(part.pmos_N)
        genre += [genres[best] for best in part.genre_NG.argmax(axis=1)]
        start += len(part)
    table = samples[["system", "setting", "row", "prompt_id", "seed", "index"]]
    return table.assign(clap_f=np.concatenate(score), pmos=np.concatenate(pmos), genre=genre)
