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


def main(frozen_file: Path, out: Path, name: str, method: str) -> None:
    """Generate.

    Raises:
        FileNotFoundError: A model is missing.
        ValueError: Models that do not belong together, no such system, or a method that the grid does not have.
    """
    import pandas as pd
    import torch
    from tqdm import tqdm

    from padstal.core.data.atomic import write_json
    from padstal.core.params import check, load_section, read_yaml
    from padstal.core.paths import Paths
    from padstal.core.runtime import RuntimeParams
    from padstal.operations.promotion.frozen import read
    from padstal.sampling.config import SampleParams
    from padstal.sampling.files import to_pcm
    from padstal.sampling.generate import generate
    from padstal.sampling.grid import requests
    from padstal.sampling.setting import of
    from padstal.systems.config import system_in

    frozen, _ = read(frozen_file)
    paths = Paths(Path.cwd(), frozen.scale)
    params = load_section(paths.params, "sample", SampleParams, paths.scale)
    config = system_in(paths.params, name)
    setting = of(params.settings_on(config.grid), {"method.kind": method})[0]
    runtime = check(RuntimeParams, read_yaml(paths.params).get("runtime"), "runtime")
    torch.set_num_threads(runtime.threads)
    torch.use_deterministic_algorithms(True, warn_only=True)
    device = "cuda" if runtime.device != "cpu" and torch.cuda.is_available() else "cpu"
    system = config.load(name, paths, device)
    wanted = requests(pd.DataFrame([vars(one) for one in frozen.prompts]), frozen.seeds, frozen.samples_per_seed)
    audio_NCS = generate(
        system,
        wanted["prompt"].tolist(),
        wanted["seed"].tolist(),
        setting,
        batch=params.batch,
        precision=params.precision,
        indices=wanted["index"].tolist(),
        attributes={name: wanted[name].tolist() for name in ("seconds_start", "seconds_total")},
        progress=lambda parts: tqdm(parts, unit="batch", desc=f"generate with {name}", mininterval=1.0),
    )
    out.mkdir(parents=True, exist_ok=True)
    np.save(out / "audio.npy", to_pcm(audio_NCS))
    record = {"setting": setting.id, "record": setting.model_dump(mode="json"), "precision": params.precision}
    write_json(out / "record.json", {"sample_rate": system.sample_rate, "system": name, **record})


if __name__ == "__main__":
    try:
        main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], sys.argv[4])
    except (ValueError, FileNotFoundError) as error:
        sys.exit(f"generate_frozen: {error}")
