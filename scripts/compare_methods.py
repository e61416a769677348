"""Sets params.yaml to an experiment of docs/science.md: every method on one model, and padding codes on its twin.

For a clone of its own, whose params lose their comments:
    python scripts/compare_methods.py audio_dit && dvc repro            # a DiT at demo
    python scripts/compare_methods.py discodiff && dvc repro            # DiscoDiff at study: an hour and more
    python scripts/compare_methods.py discodiff --codes && dvc repro    # with a twin that reads padding codes
    python scripts/compare_methods.py discodiff --trainings 3 && dvc repro    # and what holds over three seeds
    python scripts/compare_methods.py audio_dit_at_study --trainings 3 && dvc repro    # on an aligned DiT
"""

import argparse
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

PARAMS = Path(__file__).resolve().parents[1] / "params.yaml"
CODES = {"rows": 8, "scale": 0.6, "share": 0.5, "jitter": 0.1}
NONE = {"kind": "none"}


@dataclass(frozen=True)
class Experiment:
    """On which model.

    Attributes:
        system: Its name in params; twins are made like it.
        training: What replaces values of the denoisers' training.
        weak: Step whose weights autoguidance turns away from.
        w: Usual guidance; `other_w` are the others.
        cads: s of CADS, and `pads` of PADS, in units of the rms of real rows.
        repulsion: s of Particle Guidance and SPARKE, if they are asked; moves as much as a latent has numbers.
    """

    scale: str
    system: str
    training: dict[str, Any]
    weak: int
    w: float
    other_w: tuple[float, ...]
    cads: tuple[float, ...]
    pads: tuple[float, ...]
    tau1: tuple[float, ...]
    repulsion: tuple[float, ...]
    sample: dict[str, Any] = field(default_factory=dict)
    evaluate: dict[str, Any] = field(default_factory=dict)

    def sweeps(self) -> dict[str, Any]:
        """Every method that needs no codes."""
        usual = self.guided(self.w)
        annealed = {"unit": "salient_rms", "tau1": list(self.tau1), "tau2": 0.9}
        interval = {"kind": "interval", "w": self.w, "sigma_low": 0.0, "sigma_high": 2.0}
        apart = ("particle_guidance", "sparke") if self.repulsion else ()
        return {
            "guidance": {"method": NONE, "guidance": self.guided(self.w, *self.other_w)},
            "cads": {
                "method": {"kind": "cads", **annealed, "strength": list(self.cads), "rescale": 1.0},
                "guidance": usual,
            },
            "pads": {"method": {"kind": "pads", **annealed, "strength": list(self.pads)}, "guidance": usual},
            **{kind: {"method": self.repelled(kind), "guidance": usual} for kind in apart},
            "interval": {"method": NONE, "guidance": interval},
            "weak": {"method": NONE, "guidance": {"kind": "autoguidance", "w": 2.0}},
        }

    def sweeps_of_codes(self) -> dict[str, Any]:
        """Of the model with codes."""
        codes = {"kind": "padding_code", "strength": [0.3, 0.6, 0.9, 1.3]}
        return {
            "guidance": {"method": NONE, "guidance": self.guided(self.w, 1.0, 2.0)},
            "codes": {"method": codes, "guidance": self.guided(self.w)},
        }

    def guided(self, *w: float) -> dict[str, Any]:
        return {"kind": "cfg", "w": list(w)}

    def repelled(self, kind: str) -> dict[str, Any]:
        return {"kind": kind, "strength": list(self.repulsion)}


AUDIO_DIT: dict[str, Any] = {"system": "audio_dit", "w": 4.0, "evaluate": {"widest_bracket": 0.35}}
EXPERIMENTS = {
    "audio_dit": Experiment(
        scale="demo",
        **AUDIO_DIT,
        training={"steps": 700, "ema_decay": 0.997, "keep_every": 175, "log_every": 50, "validate_every": 100},
        weak=175,
        other_w=(0.5, 1.0, 1.5, 2.0),
        cads=(0.5, 1.0, 2.0),
        pads=(0.5, 1.0, 2.0),
        tau1=(0.3, 0.6),
        repulsion=(10.0, 100.0),
        sample={"tune_prompts": 2, "test_prompts": 12},
    ),
    "audio_dit_at_study": Experiment(
        scale="study",
        **AUDIO_DIT,
        training={"steps": 2400, "keep_every": 600},
        weak=600,
        other_w=(1.0,),
        cads=(0.5,),
        pads=(2.0, 3.0, 4.0, 8.0, 16.0),
        tau1=(0.3,),
        repulsion=(),
        sample={"tune_prompts": 2},
    ),
    "discodiff": Experiment(
        scale="study",
        system="discodiff",
        training={"keep_every": 600},
        weak=600,
        w=3.0,
        other_w=(0.5, 1.0, 1.5, 2.0, 5.0),
        cads=(0.1, 0.2, 0.5),
        pads=(1.0, 2.0, 4.0, 8.0),
        tau1=(0.3,),
        repulsion=(300.0, 1000.0),
        sample={"tune_prompts": 2},
        evaluate={"baseline": ["discodiff", "cads"]},
    ),
}


def changed(tree: dict[str, Any], name: str, *, codes: bool, trainings: int) -> dict[str, Any]:
    """The params of an experiment, of those in `tree`."""
    one, tree = EXPERIMENTS[name], deepcopy(tree)
    tree["scale"] = one.scale
    plain, own = one.system, tree["systems"][one.system]
    grid = own["grid"]
    tree["autoencoders"] = {codec: place for codec, place in tree["autoencoders"].items() if codec == own["codec"]}
    tree["codecs"] = [own["codec"]]
    tree["denoisers"] = denoisers_of(tree, plain)
    tree["systems"] = {plain: {**own, "weak_step": one.weak}}
    tree["promote"]["system"] = plain
    scale = tree["scales"][one.scale]
    for denoiser in tree["denoisers"]:
        scale["train_diffusion"][denoiser]["training"] |= one.training
    scale["sample"]["grids"][grid]["sweeps"] = one.sweeps()
    scale["sample"] |= one.sample
    scale["evaluate"] |= one.evaluate
    again = [f"seed{number}" for number in range(2, trainings + 1)]
    for number, twin in enumerate(again, 1):
        for section in add_twin(tree, plain, twin):
            section["training"]["seed"] += 1000 * number
    scale["evaluate"]["retrained"] = {plain: again} if again else {}
    if codes:
        for section in add_twin(tree, plain, "codes"):
            section["form"]["padding_codes"] = CODES
        tree["systems"]["codes"] |= {"grid": "codes", "weak_step": None}
        for scale in tree["scales"].values():
            grids = scale["sample"]["grids"]
            grids["codes"] = {"sampler": grids[grid]["sampler"], "sweeps": one.sweeps_of_codes()}
    return tree


def denoisers_of(tree: dict[str, Any], system: str) -> dict[str, Any]:
    """A system's entries of `denoisers`; their folders begin with its name."""
    return {name: place for name, place in tree["denoisers"].items() if place["folder"].split("/")[0] == system}


def add_twin(tree: dict[str, Any], plain: str, twin: str) -> list[dict[str, Any]]:
    """Add a system named `twin` with denoisers of its own; gives their sections, at all scales, as params ask for."""
    sections = []
    for denoiser, place in denoisers_of(tree, plain).items():
        name = denoiser.replace(plain, twin)
        tree["denoisers"][name] = {**place, "folder": place["folder"].replace(plain, twin)}
        for scale in tree["scales"].values():
            scale["train_diffusion"][name] = deepcopy(scale["train_diffusion"][denoiser])
            sections.append(scale["train_diffusion"][name])
    tree["systems"][twin] = {**tree["systems"][plain], "denoiser": twin}
    return sections


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Set params.yaml to an experiment of docs/science.md.")
    parser.add_argument("experiment", choices=EXPERIMENTS)
    parser.add_argument("--codes", action="store_true", help="train a twin that reads padding codes")
    parser.add_argument("--trainings", type=int, default=1, metavar="K", help="of the system, with K seeds; pooled")
    asked = parser.parse_args()
    tree = yaml.safe_load(PARAMS.read_text(encoding="utf-8"))
    params = changed(tree, asked.experiment, codes=asked.codes, trainings=asked.trainings)
    PARAMS.write_text(yaml.safe_dump(params, sort_keys=False), encoding="utf-8")
