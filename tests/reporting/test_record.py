"""This machine's record."""

from pathlib import Path

from tests.reporting.finished import lock

from padstal.core.data.atomic import write_json
from padstal.core.paths import Paths
from padstal.reporting.record import machine_record, stage_timings


def test_timings_come_in_the_order_of_the_pipeline(finished: Paths) -> None:
    assert [row["label"] for row in stage_timings(finished)] == ["ingest", "train_vae@tal", "evaluate", "report"]


def test_stages_that_never_ran_here_came_from_the_cache(tmp_path: Path) -> None:
    paths = Paths(tmp_path, "demo")
    write_json(paths.timing("ingest"), {"stage": "ingest", "item": "", "wall_seconds": 1.0, "peak_gibibytes": 0.1})
    (tmp_path / "dvc.lock").write_text(lock("demo", "score", "train_vae@tal", "ingest", "report"))
    assert [(row["label"], row["cached"]) for row in stage_timings(paths)] == [
        ("ingest", False),
        ("score", True),
        ("train_vae@tal", True),
    ]
    (tmp_path / "dvc.lock").write_text(lock("study", "score"))
    assert [row["label"] for row in stage_timings(paths)] == ["ingest"]


def test_a_fetched_run_alone_is_no_record_of_this_machine(tmp_path: Path) -> None:
    (tmp_path / "dvc.lock").write_text(lock("demo", "score"))
    assert machine_record(Paths(tmp_path, "demo")) is None


def test_a_machine_that_ran_nothing_has_no_record(tmp_path: Path) -> None:
    assert machine_record(Paths(tmp_path, "demo")) is None


def test_a_folder_without_git_has_no_revision(tmp_path: Path) -> None:
    paths = Paths(tmp_path, "demo")
    record = {"stage": "ingest", "item": "", "wall_seconds": 1.0, "budget_seconds": None, "peak_gibibytes": 0.1}
    write_json(paths.timing("ingest"), record)
    found = machine_record(paths)
    assert found is not None
    assert found["revision"] == ""
    assert found["timings"][0]["budget_seconds"] is None
