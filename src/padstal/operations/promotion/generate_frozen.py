"""One system's samples of the frozen prompts: run as a program in the folder of the revision that it belongs to.

A champion plays with the code, params and weights of its own revision, so that a change of architecture or of the
sampler can be judged too. Contract between revisions, which must not change:

    python -m padstal.operations.promotion.generate_frozen FROZEN OUT SYSTEM METHOD

in a folder with `params.yaml` and `models/` reads the JSON of `frozen.py`, takes the grid's first setting of METHOD,
and writes `OUT/audio.npy` (int16 [P·I, S, C]: prompts first, then seeds, then takes) and `OUT/record.json`.
"""

import sys
from pathlib import Path

import numpy as np

from padstal.core.data.atomic import write_json
from padstal.core.paths import Paths
from padstal.operations.promotion.frozen import read
from padstal.operations.promotion.player import player
from padstal.sampling.grid import requests


def main(frozen_file: Path, out: Path, name: str, method: str) -> None:
    """Generate.

    Raises:
        FileNotFoundError: A model is missing.
        ValueError: Models that do not belong together, no such system, or a method that the grid does not have.
    """
    import pandas as pd
    import torch

    frozen, _ = read(frozen_file)
    found = player(Paths(Path.cwd(), frozen.scale), name, method)
    torch.use_deterministic_algorithms(True, warn_only=True)
    wanted = requests(pd.DataFrame([vars(one) for one in frozen.prompts]), frozen.seeds, frozen.samples_per_seed)
    pcm_NSC, rate = found.play(
        found.usual,
        wanted["prompt"].tolist(),
        wanted["seed"].tolist(),
        wanted["index"].tolist(),
        {name: wanted[name].tolist() for name in ("seconds_start", "seconds_total")},
    )
    out.mkdir(parents=True, exist_ok=True)
    np.save(out / "audio.npy", pcm_NSC)
    record = {"setting": found.usual.id, "record": found.usual.model_dump(mode="json")}
    write_json(
        out / "record.json", {"sample_rate": rate, "system": name, "precision": found.params.precision, **record}
    )


if __name__ == "__main__":
    try:
        main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], sys.argv[4])
    except (ValueError, FileNotFoundError) as error:
        sys.exit(f"generate_frozen: {error}")
