"""One model's samples of the frozen prompts: run as a program in the folder of the revision that it belongs to.

A champion plays with the code, params and weights of its own revision, so that a change of architecture or of the
sampler can be judged too. Contract between revisions:
`python -m padstal.operations.promotion.generate_frozen FROZEN OUT MODEL PERTURBATION` in a folder
with `params.yaml` and `models/` reads the JSON of `frozen.py` and writes `OUT/audio.npy` (int16 [P·I, S, C]: prompts
first, then seeds, then takes) and `OUT/record.json`.
"""

import sys
from dataclasses import asdict
from pathlib import Path

import numpy as np


def main(frozen_file: Path, out: Path, model: str, perturbation: str) -> None:
    """Generate, with the first strength and guidance that the grid has for `perturbation`.

    Raises:
        FileNotFoundError: A model is missing.
        ValueError: Models that do not belong together, or a perturbation that the grid does not have.
    """
    import pandas as pd
    import torch
    from tqdm import tqdm

    from padstal.core.data.atomic import write_json
    from padstal.core.params import check, load_section, read_yaml
    from padstal.core.paths import Paths
    from padstal.core.runtime import RuntimeParams
    from padstal.diffusion.checkpoint import load
    from padstal.operations.promotion.frozen import read
    from padstal.sampling.config import SampleParams
    from padstal.sampling.files import to_pcm
    from padstal.sampling.generate import Sampler, generate, load_bundle
    from padstal.sampling.grid import requests
    from padstal.sampling.perturbation import Perturbation

    frozen, _ = read(frozen_file)
    paths = Paths(Path.cwd(), frozen.scale)
    params = load_section(paths.params, "sample", SampleParams, paths.scale)
    runtime = check(RuntimeParams, read_yaml(paths.params).get("runtime"), "runtime")
    setting = next((one for one in params.settings if one.perturbation == perturbation), None)
    if setting is None:
        known = ", ".join(one.perturbation for one in params.settings)
        raise ValueError(f"promote.perturbation = {perturbation}: the sampling grid has {known}")
    torch.set_num_threads(runtime.threads)
    torch.use_deterministic_algorithms(True, warn_only=True)
    device = "cuda" if runtime.device != "cpu" and torch.cuda.is_available() else "cpu"
    folder = paths.diffusion(model)
    vae = load(folder, "cpu").config.vae
    bundle = load_bundle(folder, paths.vae(vae), paths.foundation("text_encoder"), device)
    sampler = Sampler(
        params.solver,
        params.steps,
        params.sigma_min,
        params.sigma_max,
        setting.guidance[0],
        params.batch,
        params.precision,
    )
    perturbed = Perturbation(
        mode=setting.perturbation,
        strength=setting.strengths[0],
        tau1=setting.tau1,
        tau2=setting.tau2,
        rescale=setting.rescale,
        min_low=setting.min_low,
        perturb_uncond=setting.perturb_uncond,
    )
    wanted = requests(pd.DataFrame([vars(one) for one in frozen.prompts]), frozen.seeds, frozen.samples_per_seed)
    audio_NCS = generate(
        bundle,
        wanted["prompt"].tolist(),
        wanted["seed"].tolist(),
        sampler=sampler,
        perturbation=perturbed,
        indices=wanted["index"].tolist(),
        seconds=list(zip(wanted["seconds_start"], wanted["seconds_total"], strict=True)),
        progress=lambda chunks: tqdm(chunks, unit="batch", desc=f"generate with {model}", mininterval=1.0),
    )
    out.mkdir(parents=True, exist_ok=True)
    np.save(out / "audio.npy", to_pcm(audio_NCS))
    record = {"sample_rate": bundle.sample_rate, "sampler": asdict(sampler), "perturbation": asdict(perturbed)}
    write_json(out / "record.json", record)


if __name__ == "__main__":
    try:
        main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], sys.argv[4])
    except (ValueError, FileNotFoundError) as error:
        sys.exit(f"generate_frozen: {error}")
