"""The stage `report` on a finished scale."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.reporting.finished import write_finished_scale

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
def test_two_runs_write_equal_bytes_and_what_dvc_expects(tmp_path: Path) -> None:
    written = []
    for name in ("one", "two"):
        root = tmp_path / name
        root.mkdir()
        paths = write_finished_scale(root, prompts=2, timings=name == "two")
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join([*filter(None, sys.path), str(ROOT / "src")])}
        run = subprocess.run(
            [sys.executable, "-m", "padstal.stages.report"], cwd=root, env=environment, capture_output=True, text=True
        )
        assert run.returncode == 0, run.stderr
        files = [paths.page, paths.summary, *sorted(paths.model_cards.iterdir())]
        written.append({file.relative_to(root): file.read_bytes() for file in files})
        assert paths.report.is_file()
    assert written[0] == written[1]
    assert len(written[0]) == 2 + 4 + 1
