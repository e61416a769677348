"""A system plays the frozen prompts, as the stage `sample` plays the grid: run in the folder of its own revision.

A champion plays with the code, params and weights of its own revision, so that a change of architecture or of the
sampler can be judged too. Contract between revisions, which must not change:

    python -m padstal.operations.promotion.play FROZEN OUT SYSTEM METHOD

in a folder with `params.yaml` and `models/` reads the JSON of `frozen.py`, takes the grid's first setting of METHOD,
and writes into OUT what `write_grid` does (the samples [P·I] with prompts first, then seeds, then takes) and
`record.json`.
"""

import sys
from pathlib import Path

from padstal.core.data.atomic import write_json
from padstal.core.paths import Paths
from padstal.operations.promotion.frozen import read
from padstal.sampling.grid import requests
from padstal.sampling.write_grid import write_grid
from padstal.systems.trained import trained


def main(frozen_file: Path, out: Path, name: str, method: str) -> None:
    """Generate.

    Raises:
        FileNotFoundError: A model is missing.
        ValueError: Models that do not belong together, no such system, or a method that the grid does not have.
    """
    import torch
    from tqdm import tqdm

    frozen, _ = read(frozen_file)
    found = trained(Paths(Path.cwd(), frozen.scale), name, method)
    system = found.load()
    torch.use_deterministic_algorithms(True, warn_only=True)
    out.mkdir(parents=True, exist_ok=True)
    write_grid(
        out,
        system,
        frozen.table,
        requests(frozen.table, frozen.seeds, frozen.samples_per_seed),
        [found.usual],
        batch=found.params.batch,
        precision=found.params.precision,
        progress=tqdm,
    )
    record = {"setting": found.usual.id, "record": found.usual.model_dump(mode="json")}
    known = {"sample_rate": system.sample_rate, "system": name, "precision": found.params.precision}
    write_json(out / "record.json", known | record)


if __name__ == "__main__":
    try:
        main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], sys.argv[4])
    except (ValueError, FileNotFoundError) as error:
        sys.exit(f"play: {error}")
