"""`sample`: the sampling grid of one model, prompts × seeds × settings (PADS-TAL 2.1)."""

import numpy as np
import pandas as pd

from padstal.core.data.atomic import atomic_folder
from padstal.core.data.manifest import read_table, write_table
from padstal.diffusion.checkpoint import MismatchError
from padstal.diffusion.checkpoint import load as load_diffusion
from padstal.sampling.config import SampleParams
from padstal.sampling.files import to_pcm
from padstal.sampling.generate import Bundle, Sampler, conditioning_scale, generate, load_bundle
from padstal.sampling.grid import Cell, choose_prompts, requests
from padstal.sampling.perturbation import Perturbation
from padstal.stages.harness import Stage, StageError, run_stage


def main(stage: Stage[SampleParams]) -> None:
    params, paths = stage.params, stage.paths
    stage.seed(params.seeds[0])  # nothing draws from it: samples have generators of their own
    bundle = _bundle(stage)
    dataset = read_table(paths.curate / "dataset.parquet")
    prompts = choose_prompts(dataset, {"tune": params.tune_prompts, "test": params.test_prompts}, params.prompt_seed)
    if "test" not in set(prompts["role"]):
        raise StageError(f"{paths.curate / 'dataset.parquet'}: no clip of the test split has a caption to prompt with")
    wanted = requests(prompts, params.seeds, params.samples_per_seed)
    cells = _cells(params)
    base = Sampler(params.solver, params.steps, params.sigma_min, params.sigma_max, 1.0, params.batch, params.precision)

    chunks = -(-len(wanted) // params.batch)
    ticks = iter(stage.progress(range(len(cells) * chunks), unit="chunk"))
    tables, clipped = [], 0
    config = bundle.model.config
    with atomic_folder(paths.samples(stage.item)) as folder:
        shape = (len(cells) * len(wanted), config.frames * config.ratio, config.channels)
        audio = np.lib.format.open_memmap(folder / "audio.npy", mode="w+", dtype=np.int16, shape=shape)
        for number, cell in enumerate(cells):
            first = number * len(wanted)
            sound_NCS = generate(
                bundle,
                wanted["prompt"].tolist(),
                wanted["seed"].tolist(),
                sampler=cell.sampler(base),
                perturbation=cell.perturbation,
                indices=wanted["index"].tolist(),
                seconds=list(zip(wanted["seconds_start"], wanted["seconds_total"], strict=True)),
                progress=lambda numbers: (number for number, _ in zip(numbers, ticks, strict=False)),
            )
            clipped += int((np.abs(sound_NCS) > 1).sum())
            audio[first : first + len(wanted)] = to_pcm(sound_NCS)
            tables.append(_table(stage.item, cell, wanted, first))
        audio.flush()
        next(ticks, None)
        write_table(pd.concat(tables, ignore_index=True), folder / "samples.parquet")
        write_table(prompts, folder / "prompts.parquet")
    scale = conditioning_scale(bundle, prompts["prompt"].tolist())
    stage.write_metrics(
        {
            "samples": len(cells) * len(wanted),
            "cells": len(cells),
            "prompts": len(prompts),
            "clipped_share": clipped / audio.size,
            "padding_share": scale.padding_share,
            "salient_rms": scale.salient_rms,
        }
    )
    stage.say(f"{len(cells)} settings × {len(wanted)} samples, {len(prompts)} prompts")


def _bundle(stage: Stage[SampleParams]) -> Bundle:
    """The models, checked to belong together."""
    paths, folder = stage.paths, stage.paths.diffusion(stage.item)
    try:
        vae = load_diffusion(folder, "cpu").config.vae
        return load_bundle(folder, paths.vae(vae), paths.foundation("text_encoder"), stage.device())
    except MismatchError as error:
        raise StageError(str(error)) from None


def _cells(params: SampleParams) -> list[Cell]:
    """Every setting at every guidance and strength."""
    return [
        Cell(
            Perturbation(
                mode=setting.perturbation,
                strength=strength,
                tau1=setting.tau1,
                tau2=setting.tau2,
                rescale=setting.rescale,
                min_low=setting.min_low,
                perturb_uncond=setting.perturb_uncond,
            ),
            guidance,
        )
        for setting in params.settings
        for guidance in setting.guidance
        for strength in setting.strengths
    ]


def _table(model: str, cell: Cell, wanted: pd.DataFrame, first: int) -> pd.DataFrame:
    """One row a sample of a cell; `row` is its place in `audio.npy`."""
    return pd.DataFrame(
        {
            "row": np.arange(first, first + len(wanted)),
            "model": model,
            "perturbation": cell.perturbation.mode,
            "strength": cell.perturbation.strength,
            "guidance": cell.guidance,
            "prompt_id": wanted["prompt_id"].to_numpy(),
            "prompt": wanted["prompt"].to_numpy(),
            "seed": wanted["seed"].to_numpy(),
            "index": wanted["index"].to_numpy(),
        }
    )


if __name__ == "__main__":
    run_stage("sample", SampleParams, main, items=("audio_dit", "tal_dit"))
