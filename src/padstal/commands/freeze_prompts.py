"""`padstal freeze-prompts`: the prompts that champions and challengers are judged on, written once."""

from pathlib import Path

from padstal.commands.project import params_of
from padstal.core.data.manifest import read_table
from padstal.operations.promotion.frozen import FrozenPrompts, Prompt, write
from padstal.sampling.grid import choose_prompts


def run(root: Path, scale: str | None, count: int | None, force: bool) -> int:
    """Choose prompts from the test split, write `data/<scale>/frozen_prompts.json`.

    Raises:
        FileNotFoundError: The data set is missing.
        ValueError: There are frozen prompts already, or no captions in the test split.
    """
    paths, tree = params_of(root, scale)
    params, sample = tree.promote, tree.scales[paths.scale].sample
    where, file = paths.frozen_prompts.relative_to(root), paths.curate / "dataset.parquet"
    if paths.frozen_prompts.exists() and not force:
        raise ValueError(
            f"{where}: there are frozen prompts already; with others, figures of earlier decisions do not compare "
            "(--force writes them nevertheless)"
        )
    if not file.is_file():
        raise FileNotFoundError(f"{file.relative_to(root)}: not found; run `dvc repro`, or `dvc pull`")
    rows = choose_prompts(read_table(file), {"tune": 0, "test": count or params.prompts}, sample.prompt_seed)
    if rows.empty:
        raise ValueError(f"{file}: no clip of the test split has a caption to prompt with")
    prompts = tuple(Prompt(**row) for row in rows.drop(columns="role").to_dict("records"))
    frozen = FrozenPrompts(paths.scale, sample.seeds, sample.samples_per_seed, prompts)
    write(paths.frozen_prompts, frozen)
    print(
        f"{where}: {len(prompts)} prompts, {frozen.samples} samples each; commit it, so that every challenger plays on "
        "the same"
    )
    if len(prompts) < params.least_prompts:
        print(f"promote.least_prompts asks for {params.least_prompts}: no decision can rest on these")
    return 0
