"""`padstal freeze-prompts`: the prompts that champions and challengers are judged on, written once."""

from pathlib import Path

from padstal.commands.project import paths_of, promote_params
from padstal.core.params import check, load_section, read_yaml
from padstal.core.runtime import RuntimeParams
from padstal.evaluation.config import EvaluateParams
from padstal.evaluation.hear import JUDGES, load_ears
from padstal.ingest.config import IngestParams
from padstal.sampling.config import SampleParams


def run(root: Path, scale: str | None, count: int | None, force: bool) -> int:
    """Choose prompts from the test split, listen to their clips, write `data/<scale>/frozen_prompts.json`.

    Raises:
        FileNotFoundError: The data set or a model that listens is missing.
        ValueError: There are frozen prompts already, or no captions in the test split.
    """
    paths, params = paths_of(root, scale), promote_params(root)
    where = paths.frozen_prompts.relative_to(root)
    if paths.frozen_prompts.exists() and not force:
        raise ValueError(
            f"{where}: there are frozen prompts already; with others, figures of earlier decisions do not compare "
            "(--force writes them nevertheless)"
        )
    sample = load_section(paths.params, "sample", SampleParams, paths.scale)
    evaluate = load_section(paths.params, "evaluate", EvaluateParams, paths.scale)
    rate = load_section(paths.params, "ingest", IngestParams, paths.scale).sample_rate
    threads = check(RuntimeParams, read_yaml(paths.params).get("runtime"), "runtime").threads
    for needed in (paths.curate / "dataset.parquet", *(paths.foundation(role) / "config.json" for role in JUDGES)):
        if not needed.is_file():
            raise FileNotFoundError(f"{needed.relative_to(root)}: not found; run `dvc repro`, or `dvc pull`")

    import torch

    from padstal.core.data.manifest import read_table
    from padstal.operations.promotion.frozen import freeze, write
    from padstal.sampling.grid import choose_prompts

    torch.set_num_threads(threads)
    dataset = read_table(paths.curate / "dataset.parquet")
    prompts = choose_prompts(dataset, {"tune": 0, "test": count or params.prompts}, sample.prompt_seed)
    if prompts.empty:
        raise ValueError(f"{paths.curate / 'dataset.parquet'}: no clip of the test split has a caption to prompt with")
    frozen = freeze(
        paths,
        dataset,
        prompts,
        load_ears(paths.foundation, evaluate, "cpu"),
        rate,
        evaluate.batch_clips,
        sample.seeds,
        sample.samples_per_seed,
    )
    write(paths.frozen_prompts, frozen)
    print(
        f"{where}: {len(frozen.prompts)} prompts of {len({one.genre for one in frozen.prompts})} genres, "
        f"{frozen.samples} samples each; commit it, so that every challenger plays on the same"
    )
    if len(frozen.prompts) < params.least_prompts:
        print(f"promote.least_prompts asks for {params.least_prompts}: no decision can rest on these")
    return 0
