"""`padstal generate`: takes of a prompt as WAV files, with all that it takes to make them again."""

import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from padstal.commands.project import paths_of
from padstal.core.data.atomic import atomic_file, read_json, write_json
from padstal.core.data.content import sha256_file
from padstal.core.params import check, load_section, read_yaml
from padstal.core.paths import Paths
from padstal.core.runtime import RuntimeParams
from padstal.sampling.config import SampleParams, SettingParams

PERTURBATIONS = ("none", "cads", "pads")
LONGEST_SLUG = 48


@dataclass(frozen=True)
class Options:
    """What was asked for; None takes the value of the sampling grid in params.yaml."""

    prompt: str
    count: int
    model: str
    perturb: str
    strength: float | None
    guidance: float | None
    steps: int | None
    seed: int
    out: Path


def run(root: Path, options: Options, scale: str | None) -> int:
    """Write `out/<prompt>-<seed>-<index>.wav` and one JSON with the settings and the models' fingerprints.

    Raises:
        FileNotFoundError: The model has not been trained.
        ValueError: No such perturbation, or models that do not belong together.
    """
    paths = paths_of(root, scale)
    if options.perturb not in PERTURBATIONS:
        raise ValueError(f"--perturb {options.perturb}: expected one of {', '.join(PERTURBATIONS)}")
    folders = _models(paths, options.model)
    params = load_section(paths.params, "sample", SampleParams, paths.scale)
    setting = next((one for one in params.settings if one.perturbation == options.perturb), params.settings[0])
    strength = _strength(options, setting)
    runtime = check(RuntimeParams, read_yaml(paths.params).get("runtime"), "runtime")

    import soundfile
    import torch
    from tqdm import tqdm

    from padstal.sampling.files import to_pcm
    from padstal.sampling.generate import Sampler, generate, load_bundle
    from padstal.sampling.perturbation import Perturbation

    torch.set_num_threads(runtime.threads)
    gpu = runtime.device != "cpu" and torch.cuda.is_available()
    device = torch.device("cuda" if gpu else "cpu")
    bundle = load_bundle(folders["diffusion"], folders["vae"], folders["text_encoder"], device)
    guidance = setting.guidance[0] if options.guidance is None else options.guidance
    steps = options.steps or params.steps
    sampler = Sampler(
        params.solver, steps, params.sigma_min, params.sigma_max, guidance, params.batch, params.precision
    )
    perturbation = Perturbation(
        mode=options.perturb,  # type: ignore[arg-type]
        strength=strength,
        tau1=setting.tau1,
        tau2=setting.tau2,
        rescale=setting.rescale if options.perturb == "cads" else 0.0,
        min_low=setting.min_low,
        perturb_uncond=setting.perturb_uncond,
    )
    takes = list(range(options.count))
    audio_NCS = generate(
        bundle,
        [options.prompt] * options.count,
        [options.seed] * options.count,
        sampler=sampler,
        perturbation=perturbation,
        indices=takes,
        progress=lambda chunks: tqdm(chunks, unit="batch", desc="generate"),
    )
    files = [options.out / f"{slug(options.prompt)}-{options.seed}-{take:03d}.wav" for take in takes]
    for file, pcm_SC in zip(files, to_pcm(audio_NCS), strict=True):
        with atomic_file(file) as temporary:
            soundfile.write(temporary, pcm_SC, bundle.sample_rate, subtype="PCM_16", format="WAV")
        print(file)
    settings = options.out / f"{slug(options.prompt)}-{options.seed}.json"
    write_json(settings, _record(paths.scale, options, folders, asdict(sampler), asdict(perturbation), files))
    print(settings)
    return 0


def slug(prompt: str) -> str:
    """A file name's part from a prompt: "Slow, solo piano!" → "slow-solo-piano"."""
    words = re.sub(r"[^\w]+", "-", prompt.lower()).strip("-")
    return words[:LONGEST_SLUG].rstrip("-") or "unprompted"


def _models(paths: Paths, model: str) -> dict[str, Path]:
    """Folders of the denoiser, its autoencoder and the text encoder.

    Raises:
        FileNotFoundError: One of them is missing.
    """
    folder = paths.diffusion(model)
    if not (folder / "config.json").is_file():
        trained = sorted(one.name for one in paths.models.glob("diffusion/*") if (one / "config.json").is_file())
        here = (
            f"trained at scale {paths.scale}: {', '.join(trained)}"
            if trained
            else f"nothing is trained at scale {paths.scale}"
        )
        raise FileNotFoundError(f"no model {model!r} ({here}); `make repro` trains audio_dit and tal_dit")
    found = {
        "diffusion": folder,
        "vae": paths.vae(read_json(folder / "config.json")["vae"]),
        "text_encoder": paths.foundation("text_encoder"),
    }
    for role, one in found.items():
        if not (one / "model.safetensors").is_file():
            raise FileNotFoundError(
                f"{role}: no weights in {one.relative_to(paths.root)}; run `make repro` or `dvc pull`"
            )
    return found


def _strength(options: Options, setting: SettingParams) -> float:
    if options.perturb == "none":
        return 0.0
    return setting.strengths[0] if options.strength is None else options.strength


def _record(
    scale: str,
    options: Options,
    folders: dict[str, Path],
    sampler: dict[str, Any],
    perturbation: dict[str, Any],
    files: list[Path],
) -> dict[str, Any]:
    return {
        "scale": scale,
        "prompt": options.prompt,
        "model": options.model,
        "seed": options.seed,
        "sampler": sampler,
        "perturbation": perturbation,
        "models": {role: sha256_file(folder / "model.safetensors") for role, folder in folders.items()},
        "files": {file.name: sha256_file(file) for file in files},
    }
