"""`padstal profile`: only data that passed become a reference, both data sets or none, byte for byte."""

import shutil
from pathlib import Path

import pytest

from padstal.commands.profile import NO_REFERENCE, create_missing, run
from padstal.core.data.atomic import read_json, write_json
from padstal.core.paths import Paths
from padstal.curation.expectations import drift
from padstal.curation.expectations.config import DriftLimits

PARAMS = Path(__file__).resolve().parents[2] / "params.yaml"
PROFILE = {"tracks": 3, "features": {"licence": {"kind": "categorical", "tracks": 3, "share": {"CC0-1.0": 1.0}}}}


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    """Two data sets with a profile, of which `ingest` alone has passed."""
    shutil.copy(PARAMS, tmp_path)
    paths = Paths(tmp_path, "demo")
    for item in ("ingest", "curate"):
        write_json(paths.validate(item) / "profile.json", PROFILE)
    write_json(paths.gate("ingest") / "passed.json", {})
    create_missing(paths)
    return paths


def test_an_empty_reference_is_one_that_nothing_is_compared_with(paths: Paths) -> None:
    assert read_json(paths.reference("curate")) == NO_REFERENCE
    assert (
        drift.compare(
            NO_REFERENCE,
            PROFILE,
            DriftLimits(severity="warning", categorical=0, numeric=0, embedding=0, false_alarm=0.01),
        )
        == ()
    )


def test_data_that_have_not_passed_do_not_become_a_reference_nor_does_the_other_data_set(paths: Paths) -> None:
    with pytest.raises(FileNotFoundError, match=r"gate/curate/passed.json: not found; .* dvc repro gate@curate"):
        run(paths.root, None)
    assert read_json(paths.reference("ingest")) == NO_REFERENCE


def test_the_reference_is_the_profile_and_a_scan_leaves_it(paths: Paths, capsys: pytest.CaptureFixture[str]) -> None:
    write_json(paths.gate("curate") / "passed.json", {})
    assert run(paths.root, "demo") == 0
    assert "data/demo/reference/curate.json: 1 features of 3 tracks" in capsys.readouterr().out
    create_missing(paths)
    for item in ("ingest", "curate"):
        assert paths.reference(item).read_bytes() == (paths.validate(item) / "profile.json").read_bytes()
