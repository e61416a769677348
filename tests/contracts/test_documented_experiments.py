"""Every `dvc exp run` of the documentation sets params that there are, to values that load."""

import json
import re
import runpy
import shlex
from itertools import pairwise
from pathlib import Path

import pytest
import yaml
from tests.contracts.repository import ROOT

from padstal.core.params import read_yaml
from padstal.stages.params import load_tree

pytestmark = pytest.mark.slow  # all scales are checked for each

COMMANDS = [
    (page.name, line)
    for page in sorted((ROOT / "docs").glob("*.md"))
    for block in re.findall(r"```sh\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    for line in block.splitlines()
    if line.startswith("dvc exp run") and " -S " in line
]


@pytest.mark.parametrize(("page", "line"), COMMANDS, ids=[shlex.split(line)[5] for _, line in COMMANDS])
def test_its_params_are_there_and_load(tmp_path: Path, page: str, line: str) -> None:
    from dvc.utils.hydra import apply_overrides, get_hydra_sweeps

    words = shlex.split(line)
    overrides = [word for flag, word in pairwise(words) if flag == "-S"]
    before = json.dumps(read_yaml(ROOT / "params.yaml"))  # not YAML, which takes DVC seconds; test_params.py does
    runs = get_hydra_sweeps({"params.yaml": overrides})
    assert len(runs) == 1 or "--queue" in words, f"{page}: a grid is queued"
    seen = set()
    for run in runs:
        file = tmp_path / "params.json"
        file.write_text(before)
        apply_overrides(file, run["params.yaml"])
        load_tree(file)
        seen.add(file.read_text())
    assert len(seen) == len(runs)


@pytest.mark.parametrize(
    ("name", "system", "grid", "settings"),
    [
        ("audio_dit", "audio_dit", "pads_tal", 23),
        ("audio_dit_at_study", "audio_dit", "pads_tal", 10),
        ("discodiff", "discodiff", "discodiff", 19),
    ],
)
def test_an_experiment_that_compares_methods_loads(
    name: str, system: str, grid: str, settings: int, tmp_path: Path
) -> None:
    module = runpy.run_path(str(ROOT / "scripts" / "compare_methods.py"))
    file = tmp_path / "params.yaml"
    before = yaml.safe_load((ROOT / "params.yaml").read_text())
    file.write_text(yaml.safe_dump(module["changed"](before, name, codes=True, trainings=3)))
    tree = load_tree(file)
    sample = tree.scales[tree.scale].sample
    assert [len(sample.settings_on(one)) for one in (grid, "codes")] == [settings, 7]
    assert tree.scales[tree.scale].evaluate.retrained == {system: ["seed2", "seed3"]}
    raw = yaml.safe_load(file.read_text())
    sections = raw["scales"][tree.scale]["train_diffusion"]
    for twin in ("seed2", "seed3"):
        assert raw["systems"][twin] == raw["systems"][system] | {"denoiser": twin}
    for denoiser in module["denoisers_of"](raw, system):
        trained = [sections[denoiser.replace(system, own)] for own in (system, "seed2", "seed3")]
        assert len({one["training"].pop("seed") for one in trained}) == 3
        assert trained[1:] == trained[:1] * 2, "alike but for the seed"


@pytest.mark.parametrize("from_scratch", [False, True])
def test_an_experiment_that_compares_spaces_loads(from_scratch: bool, tmp_path: Path) -> None:
    module = runpy.run_path(str(ROOT / "scripts" / "compare_spaces.py"))
    file = tmp_path / "params.yaml"
    before = yaml.safe_load((ROOT / "params.yaml").read_text())
    file.write_text(yaml.safe_dump(module["changed"](before, from_scratch=from_scratch)))
    study = load_tree(file).scales["study"]
    assert len(study.sample.settings_on("pads_tal")) == 10
    tal = study.train_vae.tal
    assert tal.training.hold == (() if from_scratch else ("encoder_w_m",))
    assert tal.codec.private_channels == study.train_vae.audio.codec.latent_channels, "w_m can be the audio latent"
