"""A stage begins by making room for itself: dead half outputs go, and a place that cannot be written is said first."""

import errno
import os
import shutil
import sys
from collections import namedtuple
from pathlib import Path

import pytest

from padstal.core.data.leftovers import temporary_prefix
from padstal.ingest.config import IngestParams
from padstal.stages.harness import Stage, run_stage

ROOT = Path(__file__).resolve().parents[2]
Usage = namedtuple("Usage", "total used free")


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copy(ROOT / "params.yaml", tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["ingest"])
    return tmp_path


def _nothing(stage: Stage[IngestParams]) -> None:
    pass


def test_what_a_killed_stage_left_goes_when_the_next_one_starts(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    name = temporary_prefix("ingest").replace(f"-{os.getpid()}-", f"-{2**22 + 1}-") + "abcd1234"
    left = here / "data" / "demo" / name
    left.mkdir(parents=True)
    (left / "shard").write_text("half")
    run_stage("ingest", IngestParams, _nothing)
    assert not left.exists()
    assert f"removed what a killed stage left half written: data/demo/{name}" in capsys.readouterr().out


def test_a_full_disk_stops_a_stage_before_it_works(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda place: Usage(2**40, 2**40, 0))
    with pytest.raises(SystemExit):
        run_stage("ingest", IngestParams, lambda stage: pytest.fail("it worked"))
    assert "ingest failed: " in (said := capsys.readouterr().err)
    assert "data/demo: 0 MiB are free on its disk" in said


def test_a_disk_that_fills_while_a_stage_works_is_a_sentence(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def fill(stage: Stage[IngestParams]) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "data/demo/shards/00001.npy")

    with pytest.raises(SystemExit):
        run_stage("ingest", IngestParams, fill)
    assert "data/demo/shards/00001.npy: the disk or the quota is full; make room" in capsys.readouterr().err


def test_a_file_where_the_state_belongs_is_a_sentence(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / ".state").write_text("")
    with pytest.raises(SystemExit):
        run_stage("ingest", IngestParams, _nothing)
    assert "ingest failed: " in (said := capsys.readouterr().err)
    assert "a file lies where a folder belongs; move it away" in said
