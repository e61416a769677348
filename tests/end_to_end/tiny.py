"""A copy of this repository whose demo scale is so small that the whole pipeline takes minutes."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml
from tests.flows.checkout import BEING_WRITTEN

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent
NEEDED = ("src", "flows", "dvc.yaml", "params.yaml", "pyproject.toml", ".gitignore", ".dvcignore")

TINY_FIT = {"steps": 4, "batch": 16}
TINY_TEXT_ENCODER = {"captions": 200, "held_out_captions": 20, "fit": TINY_FIT}
TINY_TRAINING = {"log_every": 2, "validation_clips": 4, "checkpoint_every": 100, "rate": {"warmup_steps": 1}}
TINY_VAE = {
    "discriminator": {"start": 2, "rate": {"warmup_steps": 1}},
    "training": {**TINY_TRAINING, "steps": 4, "batch": 2, "validate_every": 4},
}
TINY_DIT = {
    "form": {"backbone": {"width": 48, "depth": 2}},
    "training": {**TINY_TRAINING, "steps": 6, "batch": 4, "validate_every": 2},
}
TINY_MDT = {
    "form": {"backbone": {"width": 32, "heads": 2, "encoder_blocks": 2, "decoder_blocks": 1}},
    "training": {**TINY_TRAINING, "steps": 6, "batch": 4, "validate_every": 2},
}
TINY_UNET = {
    "form": {"backbone": {"width": 16, "multiples": [1, 2], "groups": 4, "heads": 2}},
    "training": {**TINY_TRAINING, "steps": 6, "batch": 4, "validate_every": 2},
}
TINY_GRIDS: dict[str, Any] = {name: {"sampler": {"steps": 3}} for name in ("pads_tal", "qa_mdt", "discodiff")}
TINY_GRIDS["pads_tal"]["sweeps"] = {
    "unperturbed": {"guidance": {"w": [2.0, 1.0]}},
    **{method: {"method": {"strength": [0.1, 1.0]}} for method in ("cads", "pads")},
}
TINY_GRIDS["qa_mdt"]["sweeps"] = {"levels": {"attributes": {"quality": [5.0, 1.0]}}}
CHANGES: dict[str, Any] = {
    "ingest": {
        "sources": [{"kind": "synth", "tracks": 40, "track_seconds": 9.0, "seed": 7}],
        "splits": {"train": 0.5, "validation": 0.2, "test": 0.3},
    },
    "validate": {
        "ingest": {"min_clips": 8, "max_uncaptioned_share": 0.6, "max_quarantine_share": 0.6},
        "curate": {
            "min_clips": 8,
            "max_removed_share": 0.9,
            "max_unconditional_share": 0.9,
            "split_shares": {"train": [0.1, 0.9], "validation": [0.01, 0.6], "test": [0.01, 0.8]},
        },
    },
    "prepare": {
        "draw": {"held_out": 20},
        "clap": {"clips": 40, "fit": TINY_FIT},
        "pmos": {"clips": 40, "fit": TINY_FIT},
        "tagger": {"clips": 40, "fit": TINY_FIT},
        "text_encoder": TINY_TEXT_ENCODER,
        "flan_t5": TINY_TEXT_ENCODER,
        "mel_codec": {"clips": 40, "fit": TINY_FIT},
        "dac": {"clips": 40, "fit": {"steps": 4, "batch": 4}},
    },
    "curate": {"min_likelihood_tracks": 8},
    "train_vae": {"audio": TINY_VAE, "tal": TINY_VAE},
    "encode": {"reconstructions": 2, "measured_clips": 4},
    "train_diffusion": {
        **dict.fromkeys(("audio_dit", "tal_dit"), TINY_DIT),
        "qa_mdt": TINY_MDT,
        **dict.fromkeys(("discodiff_primary", "discodiff_secondary"), TINY_UNET),
    },
    "sample": {"tune_prompts": 1, "test_prompts": 3, "batch": 12, "refined_clips": 4, "grids": TINY_GRIDS},
    "evaluate": {"draws": 1000, "set_draws": 100, "reference_clips": 20, "latent_clips": 60},
    "report": {"captions_shown": 5, "prompts_shown": 1, "reconstructions_shown": 1},
}


def make_copy(root: Path) -> Path:
    """A git and DVC repository at `root` with this code, and params made tiny; its cache is its own."""
    root.mkdir(parents=True)
    for name in NEEDED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, root / name, ignore=BEING_WRITTEN)
        else:
            shutil.copy(source, root / name)
    (root / ".dvc").mkdir()
    for name in ("config", ".gitignore"):
        shutil.copy(ROOT / ".dvc" / name, root / ".dvc" / name)
    change_params(root, CHANGES)
    command(root, "git", "init", "-q")
    command(root, "padstal", "scan")
    return root


def change_params(root: Path, changes: dict[str, Any]) -> None:
    """Change values of the demo scale."""
    file = root / "params.yaml"
    tree = yaml.safe_load(file.read_text(encoding="utf-8"))
    _merge(tree["scales"]["demo"], changes)
    tree["runtime"]["threads"] = 1
    tree["tracking"]["mode"] = "disabled"
    file.write_text(yaml.safe_dump(tree, sort_keys=False), encoding="utf-8")


def command(root: Path, program: str, *arguments: str, first: Path = BIN) -> str:
    """Run a program of the environment in `root`; its standard output. Fails with all that it said.

    What it runs itself is looked for in the folder `first`, then in the environment.
    """
    found = BIN / program
    env = {
        **os.environ,
        "PATH": os.pathsep.join([str(first), str(BIN), os.environ["PATH"]]),
        "PYTHONPATH": str(root / "src"),
        "HF_HUB_OFFLINE": "1",
        "DVC_NO_ANALYTICS": "1",
        "DVC_SITE_CACHE_DIR": str(root / ".site-cache"),
        "PREFECT_HOME": str(root / ".prefect"),
    }
    done = subprocess.run(
        [str(found) if found.exists() else program, *arguments], cwd=root, env=env, capture_output=True, text=True
    )
    assert done.returncode == 0, f"{program} {' '.join(arguments)}:\n{done.stdout[-6000:]}\n{done.stderr[-6000:]}"
    return done.stdout


def _merge(into: dict[str, Any], changes: dict[str, Any]) -> None:
    for key, value in changes.items():
        if isinstance(value, dict):
            _merge(into[key], value)
        else:
            assert key in into, f"{key}: no such parameter"
            into[key] = value
