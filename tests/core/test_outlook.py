"""A stage says which of how many it is, and what is left by what stages took here, else by their budgets."""

import subprocess
import sys
from pathlib import Path

import pytest
from tests.flows.tiny import CHAIN, make_repo

from padstal.core.data.atomic import write_json
from padstal.core.outlook import outlook, stages_in_order, time_left
from padstal.core.paths import Paths

PARAMS = "scale: demo\nscales: {demo: {budget: {first: 30, middle: 60, last: 100}}}\n"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    make_repo(tmp_path, CHAIN)
    (tmp_path / "params.yaml").write_text(PARAMS)
    return tmp_path


@pytest.mark.slow
def test_a_stage_knows_its_place_and_the_time_that_is_left(root: Path) -> None:
    assert outlook(root, "middle@x") == "stage 2 of 4; about 4 min left if all that follow run"
    write_json(Paths(root, "demo").timing("last"), {"wall_seconds": 10.0})
    assert time_left(root, ["middle@y", "last"]) == "about 70 s"
    assert time_left(root, ["first", "unknown"]) == ""
    assert outlook(root, "unknown") == ""


@pytest.mark.slow
def test_dvc_is_asked_for_the_order_once_until_the_pipeline_changes(root: Path) -> None:
    stages = ["first", "middle@x", "middle@y", "last"]
    assert stages_in_order(root) == stages
    code = "import sys; from pathlib import Path; from padstal.core.outlook import stages_in_order as ask; "
    code += "print(ask(Path('.')), 'dvc' in sys.modules)"
    again = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert again.stdout.strip() == f"{stages} False"
    (root / "dvc.yaml").write_text(CHAIN.replace("first:", "begin:"))
    assert stages_in_order(root) == ["begin", *stages[1:]]


def test_elsewhere_nothing_is_said(tmp_path: Path) -> None:
    assert outlook(tmp_path, "score") == ""
