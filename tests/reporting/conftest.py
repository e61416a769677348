"""One finished scale for all tests of the report; they only read it."""

from pathlib import Path

import pytest
import yaml
from tests.reporting.finished import write_finished_scale

from padstal.core.paths import Paths
from padstal.reporting.inputs import Inputs, read_inputs

SHOWN = {"title": "padstal", "captions_shown": 30, "prompts_shown": 2, "reconstructions_shown": 1}


def sections(paths: Paths) -> dict[str, object]:
    return yaml.safe_load(paths.params.read_text(encoding="utf-8"))["scales"][paths.scale]


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Paths:
    return write_finished_scale(tmp_path_factory.mktemp("finished"), prompts=2)


@pytest.fixture(scope="session")
def inputs(finished: Paths) -> Inputs:
    return read_inputs(finished, sections(finished))


@pytest.fixture
def empty(tmp_path: Path) -> Inputs:
    """A scale of which nothing has run."""
    return read_inputs(Paths(tmp_path, "demo"), {})
