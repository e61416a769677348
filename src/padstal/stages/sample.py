"""`sample`: the sampling grid of one system, prompts × seeds × settings (PADS-TAL 2.1)."""

from padstal.codecs.encode import held_out_rows
from padstal.codecs.latents.store import LatentStore
from padstal.core.data.atomic import atomic_folder
from padstal.core.data.manifest import read_table
from padstal.sampling.config import SampleParams
from padstal.sampling.grid import requests
from padstal.sampling.prompt_sets import prompts_of
from padstal.sampling.write_grid import write_grid
from padstal.stages.harness import Stage, StageError, run_stage, stage_errors
from padstal.systems.config import systems_in
from padstal.systems.refined_clips import write_refined_clips


def main(stage: Stage[SampleParams]) -> None:
    params, paths = stage.params, stage.paths
    stage.seed(params.seeds[0])  # nothing draws from it: samples have generators of their own
    config = systems_in(paths.params)[stage.item]
    try:
        settings, seconds = params.settings_on(config.grid), params.grids[config.grid].seconds
        system = config.load(stage.item, paths, stage.device())
        system.check(settings)
        played = tuple(dict.fromkeys(map(system.nearest, settings)))
        lasting = system if seconds is None else system.lasting(seconds)
    except ValueError as error:
        raise StageError(str(error)) from None
    dataset = read_table(paths.curate / "dataset.parquet")
    with stage_errors(FileNotFoundError, ValueError, doing="sample.test_prompts"):
        prompts, about = prompts_of(params, dataset)
    if "test" not in set(prompts["role"]):
        raise StageError(f"{paths.curate / 'dataset.parquet'}: no clip of the test split has a caption to prompt with")
    if seconds is not None:
        prompts = prompts.assign(seconds_start=0.0, seconds_total=seconds)
    wanted = requests(prompts, params.seeds, params.samples_per_seed)
    with atomic_folder(paths.samples(stage.item)) as folder:
        metrics = write_grid(
            folder,
            lasting,
            prompts,
            wanted,
            played,
            batch=params.batch,
            precision=params.precision,
            progress=stage.progress,
        )
        if len(config.denoisers) > 1:
            write_refined_clips(
                folder,
                system,
                LatentStore.open(paths.latents(config.codec)),
                dataset.iloc[held_out_rows(dataset, params.refined_clips)],
                played[0],
                seed=params.seeds[0],
                batch=params.batch,
                bf16=params.precision == "bf16-mixed",
                progress=stage.progress,
            )
    stage.write_metrics({**metrics, **about})
    if len(played) < len(settings):
        stage.say(f"{len(settings) - len(played)} settings left out: no clip had their quality, the nearest is played")
    stage.say(f"{len(played)} settings × {len(wanted)} samples, {len(prompts)} prompts")


if __name__ == "__main__":
    run_stage("sample", SampleParams, main, items="systems")
