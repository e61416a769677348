"""Sets params.yaml to the experiment of docs/science.md: one denoiser with padding codes and one without, every method.

For a clone of its own, whose params lose their comments:
    python scripts/compare_methods.py && dvc repro
"""

from copy import deepcopy
from pathlib import Path
from typing import Any

import yaml

PARAMS = Path(__file__).resolve().parents[1] / "params.yaml"
W, STEPS, WEAK = 4.0, 700, 175
TRAINING = {"steps": STEPS, "ema_decay": 0.997, "keep_every": WEAK, "log_every": 50, "validate_every": 100}
CODES = {"rows": 8, "scale": 0.6, "share": 0.5, "jitter": 0.1}
TAU1 = [0.3, 0.6]


def guided(*w: float) -> dict[str, Any]:
    return {"kind": "cfg", "w": list(w)}


def annealed(kind: str, **values: float) -> dict[str, Any]:
    method = {"kind": kind, "unit": "salient_rms", "strength": [0.5, 1.0, 2.0], "tau1": TAU1, "tau2": 0.9, **values}
    return {"method": method, "guidance": guided(W)}


def repelled(kind: str) -> dict[str, Any]:
    return {"method": {"kind": kind, "strength": [10.0, 100.0]}, "guidance": guided(W)}


NONE = {"kind": "none"}
SWEEPS = {
    "guidance": {"method": NONE, "guidance": guided(W, 0.5, 1.0, 1.5, 2.0)},
    "cads": annealed("cads", rescale=1.0),
    "pads": annealed("pads"),
    "particles": repelled("particle_guidance"),
    "sparke": repelled("sparke"),
    "interval": {"method": NONE, "guidance": {"kind": "interval", "w": W, "sigma_low": 0.0, "sigma_high": [2.0, 6.0]}},
    "weak": {"method": NONE, "guidance": {"kind": "autoguidance", "w": [2.0, 4.0]}},
}
SWEEPS_OF_CODES = {
    "guidance": {"method": NONE, "guidance": guided(W, 1.0, 2.0)},
    "codes": {"method": {"kind": "padding_code", "strength": [0.3, 0.6, 0.9, 1.3]}, "guidance": guided(W)},
}


def changed(tree: dict[str, Any]) -> dict[str, Any]:
    """The params of the experiment, of those in `tree`."""
    tree = deepcopy(tree)
    tree["autoencoders"] = tree["codecs"] = ["audio"]
    tree["denoisers"] = {name: {"codec": "audio", "folder": name} for name in ("audio_dit", "audio_codes")}
    system = {"kind": "pads_tal", "codec": "audio"}
    tree["systems"] = {
        "audio_dit": {**system, "denoiser": "audio_dit", "grid": "pads_tal", "weak_step": WEAK},
        "audio_codes": {**system, "denoiser": "audio_codes", "grid": "codes"},
    }
    tree["promote"]["system"] = "audio_dit"
    for name, scale in tree["scales"].items():
        denoisers, grids = scale["train_diffusion"], scale["sample"]["grids"]
        if name == "demo":
            denoisers["audio_dit"]["training"] |= TRAINING
            grids["pads_tal"]["sweeps"] = SWEEPS
        denoisers["audio_codes"] = deepcopy(denoisers["audio_dit"])
        denoisers["audio_codes"]["form"]["padding_codes"] = CODES
        grids["codes"] = {"sampler": grids["pads_tal"]["sampler"], "sweeps": SWEEPS_OF_CODES}
    tree["scales"]["demo"]["sample"] |= {"tune_prompts": 2, "test_prompts": 12}
    tree["scales"]["demo"]["evaluate"]["widest_bracket"] = 0.35
    return tree


if __name__ == "__main__":
    params = changed(yaml.safe_load(PARAMS.read_text(encoding="utf-8")))
    PARAMS.write_text(yaml.safe_dump(params, sort_keys=False), encoding="utf-8")
