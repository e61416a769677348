"""Sets params.yaml to an experiment of docs/pads_tal.md: one diffusion in an audio latent space and a text-aware one.

For a clone of its own, whose params lose their comments:
    python scripts/compare_spaces.py && dvc repro                   # TAL from the audio autoencoder
    python scripts/compare_spaces.py --from-scratch && dvc repro    # TAL as the paper trains it
"""

import argparse
from copy import deepcopy
from pathlib import Path
from typing import Any

import yaml

PARAMS = Path(__file__).resolve().parents[1] / "params.yaml"
SYSTEMS = ("audio_dit", "tal_dit")
W = 4.0
ANNEALED = {"unit": "salient_rms", "tau1": 0.3, "tau2": 0.9}
SWEEPS = {
    "unperturbed": {"method": {"kind": "none"}, "guidance": {"kind": "cfg", "w": [W, 2.0, 1.0]}},
    "cads": {
        "method": {"kind": "cads", **ANNEALED, "strength": [0.1, 0.25, 0.5], "rescale": 1.0},
        "guidance": {"kind": "cfg", "w": W},
    },
    "pads": {
        "method": {"kind": "pads", **ANNEALED, "strength": [2.0, 4.0, 8.0, 16.0]},
        "guidance": {"kind": "cfg", "w": W},
    },
}
STEPS = 2400
"""Of each denoiser."""


def changed(tree: dict[str, Any], *, from_scratch: bool) -> dict[str, Any]:
    """The params of the experiment, of those in `tree`."""
    tree = deepcopy(tree)
    tree["scale"] = "study"
    tree["codecs"] = list(tree["autoencoders"])
    for kind in ("denoisers", "systems"):
        tree[kind] = {name: tree[kind][name] for name in SYSTEMS}
    study = tree["scales"]["study"]
    for name in SYSTEMS:
        study["train_diffusion"][name]["training"]["steps"] = STEPS
    study["sample"]["grids"]["pads_tal"]["sweeps"] = deepcopy(SWEEPS)
    study["sample"]["tune_prompts"] = 2
    study["evaluate"]["widest_bracket"] = 0.35
    if from_scratch:  # as many steps as the audio autoencoder, and at its rate
        audio, tal = study["train_vae"]["audio"], study["train_vae"]["tal"]
        tal["codec"]["private_std"] = None
        tal["discriminator"]["start"] = audio["discriminator"]["start"]
        same = {name: audio["training"][name] for name in ("steps", "learning_rate")}
        tal["training"] |= {**same, "init_from": None, "hold": []}
    return tree


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Set params.yaml to an experiment of docs/pads_tal.md.")
    parser.add_argument("--from-scratch", action="store_true", help="train TAL as the paper does")
    asked = parser.parse_args()
    found = changed(yaml.safe_load(PARAMS.read_text(encoding="utf-8")), from_scratch=asked.from_scratch)
    PARAMS.write_text(yaml.safe_dump(found, sort_keys=False), encoding="utf-8")
