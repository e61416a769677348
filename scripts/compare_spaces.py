"""Sets params.yaml to an experiment of docs/pads_tal.md: one diffusion in an audio latent space and a text-aware one.

For a clone of its own, whose params lose their comments. DVC does not watch what a training begins from, so run twice:
    python scripts/compare_spaces.py && dvc repro train_vae@audio && dvc repro    # TAL from the audio autoencoder
    python scripts/compare_spaces.py --from-scratch && dvc repro                  # TAL as the paper trains it
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
    "unperturbed": {"method": {"kind": "none"}, "guidance": {"kind": "cfg", "w": [W, 1.0]}},
    "cads": {
        "method": {"kind": "cads", **ANNEALED, "strength": 0.5, "rescale": 1.0},
        "guidance": {"kind": "cfg", "w": W},
    },
    "pads": {"method": {"kind": "pads", **ANNEALED, "strength": 2.0}, "guidance": {"kind": "cfg", "w": W}},
}
STEPS = 2400
"""Of each denoiser."""
WARM_STEPS, JUDGED_FROM = 400, 200
"""Of a text-aware autoencoder that begins as the audio one; a discriminator joins half-way."""


def changed(tree: dict[str, Any], *, from_scratch: bool) -> dict[str, Any]:
    """The params of the experiment, of those in `tree`."""
    tree = deepcopy(tree)
    tree["scale"] = "study"
    tree["autoencoders"] = tree["codecs"] = ["audio", "tal"]
    for kind in ("denoisers", "systems"):
        tree[kind] = {name: tree[kind][name] for name in SYSTEMS}
    study = tree["scales"]["study"]
    for name in SYSTEMS:
        study["train_diffusion"][name]["training"]["steps"] = STEPS
    study["sample"]["grids"]["pads_tal"]["sweeps"] = deepcopy(SWEEPS)
    study["sample"]["tune_prompts"] = 2
    study["evaluate"]["widest_bracket"] = 0.35
    if not from_scratch:
        tal = study["train_vae"]["tal"]
        tal["codec"]["private_std"] = 0.693147
        tal["discriminator"]["start"] = JUDGED_FROM
        warm = {"init_from": "models/study/vae/audio", "hold": ["encoder_w_m"]}
        tal["training"] |= {**warm, "steps": WARM_STEPS, "learning_rate": 5.0e-4}
    return tree


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Set params.yaml to an experiment of docs/pads_tal.md.")
    parser.add_argument("--from-scratch", action="store_true", help="train TAL as the paper does")
    asked = parser.parse_args()
    found = changed(yaml.safe_load(PARAMS.read_text(encoding="utf-8")), from_scratch=asked.from_scratch)
    PARAMS.write_text(yaml.safe_dump(found, sort_keys=False), encoding="utf-8")
