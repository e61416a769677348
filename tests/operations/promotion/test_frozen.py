"""Frozen prompts: what they hold, that they are kept, and how each revision plays them."""

import json
from pathlib import Path

import numpy as np
import pytest
import yaml
from tests.diffusion.fakes import FRAMES, RATIO
from tests.operations.promotion.world import World, freeze
from tests.stages.test_sample import PARAMS, RUNS, write_system
from typer.testing import CliRunner

from padstal.cli import app
from padstal.core.data.atomic import read_json
from padstal.core.paths import Paths
from padstal.operations.promotion import frozen, play
from padstal.operations.promotion.frozen import FrozenPrompts, Prompt
from padstal.sampling.setting import Setting

PROMPTS = FrozenPrompts(
    "demo",
    (5, 6),
    2,
    tuple(Prompt(f"test_00{n}", text, f"clip{n}", 0.0, 18.0) for n, text in enumerate(("a", "b"))),
)


@pytest.mark.slow
def test_they_come_from_different_clips_of_the_test_split(world: World) -> None:
    made = freeze(Paths(world.root, "demo"))
    assert len(made.prompts) == len({one.clip_id for one in made.prompts}) == 16


def test_they_are_read_as_written(tmp_path: Path) -> None:
    frozen.write(tmp_path / "frozen.json", PROMPTS)
    assert frozen.read(tmp_path / "frozen.json")[0] == PROMPTS


def test_something_else_is_no_frozen_prompts(tmp_path: Path) -> None:
    (tmp_path / "frozen.json").write_text('{"format": "another"}')
    with pytest.raises(ValueError, match="no frozen prompts of this version"):
        frozen.read(tmp_path / "frozen.json")
    with pytest.raises(FileNotFoundError, match="freeze-prompts"):
        frozen.read(tmp_path / "none.json")


def test_the_command_writes_them_once(world: World) -> None:
    file = world.root / "data/demo/frozen_prompts.json"
    before = file.read_bytes()
    refused = CliRunner().invoke(app, ["freeze-prompts"])
    assert refused.exit_code == 1
    assert "there are frozen prompts already" in refused.stderr
    assert file.read_bytes() == before
    forced = CliRunner().invoke(app, ["freeze-prompts", "--force", "--count", "5"])
    assert forced.exit_code == 0, forced.output
    assert len(read_json(file)["prompts"]) == 5
    assert "promote.least_prompts asks for 8" in forced.output


def test_a_revision_plays_them_with_its_own_params_and_twice_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_system(Paths(tmp_path, "demo"), monkeypatch)
    runtime = {"device": "cpu", "workers": 1, "threads": 1}
    params = {**yaml.safe_load(RUNS), "runtime": runtime, "scales": {"demo": {"sample": PARAMS}}}
    (tmp_path / "params.yaml").write_text(json.dumps(params))
    frozen.write(tmp_path / "frozen.json", PROMPTS)
    monkeypatch.chdir(tmp_path)
    for name in ("one", "two"):
        play.main(tmp_path / "frozen.json", tmp_path / name, "tal_dit", "cads")
    audio = np.load(tmp_path / "one" / "audio.npy")
    assert audio.shape == (2 * 4, FRAMES * RATIO, 1)
    assert audio.dtype == np.int16
    assert (tmp_path / "one" / "audio.npy").read_bytes() == (tmp_path / "two" / "audio.npy").read_bytes()
    record = read_json(tmp_path / "one" / "record.json")
    setting = Setting.model_validate(record["record"])
    assert (record["sample_rate"], record["system"], record["setting"]) == (8000, "tal_dit", setting.id)
    assert (setting.method_name, setting.strength) == ("cads", 0.1)
    with pytest.raises(ValueError, match=r"method.kind = another: the grid has no such setting; it has: none w = 1"):
        play.main(tmp_path / "frozen.json", tmp_path / "three", "tal_dit", "another")
    with pytest.raises(ValueError, match=r"no system 'other': params.yaml has tal_dit"):
        play.main(tmp_path / "frozen.json", tmp_path / "three", "other", "cads")
