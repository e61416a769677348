"""Retraining ends as it should, leaves main alone, and trains nothing twice though it is killed."""

import json
import signal
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
from flows.failure import StageFailedError
from flows.retraining import Journal, Train, retrain
from flows.stages import train_at
from flows.steps import Steps
from flows.workspace import workspace
from tests.flows.retrain_once import once
from tests.flows.retraining_tiny import Tiny, make_tiny, write

from flows import repro, run_branch

DVC = repro.dvc
ALL_TRAINED = ["train_vae starts at 0", "train_vae trained", "train_diffusion starts at 0", "train_diffusion trained"]
KILLS = [
    ("flows.retraining", "scan", "after", "1"),
    ("flows.run_branch", "push", "before", "1"),  # the branch has its commit here alone
    ("flows.steps", "repro", "after", "1"),  # ingest has run
    ("flows.stages", "record", "before", "1"),
    ("flows.run_branch", "commit_all", "before", "2"),  # data pushed, nothing committed
    ("flows.steps", "repro", "after", "1"),  # a training has ended, nothing is recorded
    ("flows.run_branch", "push", "before", "2"),
    ("flows.steps", "transfer", "before", "1"),
    ("flows.run_branch", "commit_all", "before", "2"),  # decided, not committed
    ("flows.run_branch", "push", "after", "2"),  # the decision is pushed
    ("flows.retraining", "finish", "before", "1"),  # promoted, not said
    ("flows.run_branch", "push", "before", "2"),
]
pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.fixture
def tiny(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, _dvc_here: None) -> Tiny:
    made = make_tiny(tmp_path)
    for name, value in made.environment().items():
        monkeypatch.setenv(name, value)
    return made


@contextmanager
def opened(tiny: Tiny, name: str, revision: str = "main") -> Iterator[Steps]:
    with workspace(name, revision=revision, home=tiny.home) as root:
        yield Steps(root, lambda _: None)


def retrained(tiny: Tiny, train: Train | None = None) -> Journal:
    with opened(tiny, "retrain") as steps:
        return retrain(steps, Journal(), train)


def test_better_data_are_promoted_once_and_worse_or_hostile_ones_refused_once(tiny: Tiny) -> None:
    main = tiny.branches()["main"]

    good = retrained(tiny)
    assert (good.result, good.why) == ("promoted", ["Better."])
    assert tiny.logged() == [*ALL_TRAINED, "challenge", "promote"]
    assert tiny.branches() == {"main": main, good.branch: good.commit}
    assert json.loads(tiny.show(good.branch, "reports/demo/metrics/evaluate.json"))["letters"] > 0
    again = retrained(tiny)
    assert again.result == "no new data"
    assert f"{good.branch} has handled just these data: promoted" in again.why[0]

    (tiny.music / "b.txt").write_text("drifted song\n")
    drifted = retrained(tiny)
    assert (drifted.result, drifted.why) == ("refused", ["1 check fails.", "Diversity fell."])
    assert retrained(tiny).result == "no new data"
    assert tiny.logged() == [*ALL_TRAINED, "challenge", "promote", *ALL_TRAINED, "challenge"]

    (tiny.music / "b.txt").write_text("hostile song\n")
    hostile = retrained(tiny)
    assert hostile.result == "refused"
    assert "hostile" in hostile.why[0]
    assert "ingest" in tiny.show(hostile.branch, "dvc.lock")
    assert retrained(tiny).result == "no new data"
    assert len(tiny.logged()) == 11
    assert tiny.branches()["main"] == main

    (tiny.music / "b.txt").unlink()
    run_branch_to_main(tiny, good.commit)
    merged = retrained(tiny)
    assert (merged.result, merged.branch) == ("no new data", "")


def run_branch_to_main(tiny: Tiny, commit: str) -> None:
    subprocess.run(["git", "update-ref", "refs/heads/main", commit], cwd=tiny.origin, check=True)


def test_a_failure_leaves_main_alone_and_the_next_run_goes_on_with_mended_code(tiny: Tiny) -> None:
    good = (tiny.home / "stage.py").read_text()
    write(
        tiny.home,
        "stage.py",
        good.replace('log(f"{name} trained")', 'log(f"{name} trained" if "vae" in name else 1/0)'),
    )
    tiny.commit("Break a stage")
    main = tiny.branches()["main"]
    with pytest.raises(StageFailedError, match="train_diffusion"):
        retrained(tiny)
    assert tiny.branches()["main"] == main
    assert len(list(tiny.base.glob("*/runs/*/repository"))) == 1
    write(tiny.home, "stage.py", good)
    tiny.commit("Mend it")
    assert retrained(tiny).result == "promoted"


def test_killed_at_every_step_it_ends_the_same_with_nothing_trained_twice(tiny: Tiny) -> None:
    main = tiny.branches()["main"]
    for kill in KILLS:
        assert once(tiny, *kill).code == -signal.SIGKILL, kill
    done = once(tiny)
    assert done.code == 0, done.lines
    assert json.loads(done.lines[-1])[0] in ("promoted", "no new data")
    logged = tiny.logged()
    assert [line for line in logged if line.startswith("train")] == ALL_TRAINED
    assert logged.count("promote") == 1
    [branch] = set(tiny.branches()) - {"main"}
    state = json.loads(tiny.show(branch, "reports/demo/retraining.json"))
    assert state["outcome"] == "promoted"
    assert tiny.branches()["main"] == main


def test_what_the_challenge_will_lack_is_said_before_anything_is_trained(tiny: Tiny) -> None:
    write(tiny.home, "unready", "")
    tiny.commit("Forget the reference")
    with pytest.raises(StageFailedError, match=r"padstal challenge: .*no reference for drift"):
        retrained(tiny)
    assert tiny.logged() == []


def test_a_training_that_was_killed_goes_on_from_its_checkpoint(tiny: Tiny, monkeypatch: pytest.MonkeyPatch) -> None:
    Path(f"{tiny.log}.kill").write_text("train_vae 2")
    with monkeypatch.context() as patch:
        patch.setattr(repro, "dvc", DVC)  # the program whose end the flow's is
        assert once(tiny).code == -signal.SIGKILL
    assert retrained(tiny).result == "promoted"
    assert tiny.logged()[:3] == ["train_vae starts at 0", "train_vae starts at 3", "train_vae trained"]


def test_a_decision_that_does_not_hold_any_more_is_taken_again(tiny: Tiny) -> None:
    Path(f"{tiny.log}.late").touch()
    assert retrained(tiny).result == "promoted"
    assert tiny.logged() == [*ALL_TRAINED, "challenge", "challenge", "promote"]


def test_a_worker_with_a_cache_of_its_own_trains_at_exactly_the_commit(
    tiny: Tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, list[str]]] = []

    def worker(root: Path, branch: str, stages: Sequence[str]) -> None:
        commit = run_branch.head(root)
        asked.append((commit, list(stages)))
        with monkeypatch.context() as elsewhere:
            elsewhere.setenv("PADSTAL_DVC_CACHE", str(tmp_path / "other-cache"))
            elsewhere.setenv("PADSTAL_WORKSPACES", str(tmp_path / "other-machine"))
            for _ in range(2):  # the second finds all done
                with opened(tiny, "train", commit) as steps:
                    assert not (steps.root / "data/demo/ingest").exists()
                    trained = train_at(branch, stages, steps)
        assert [run.result for run in trained] == ["up to date", "up to date"]

    assert retrained(tiny, worker).result == "promoted"
    assert asked[0][1] == ["train_vae", "train_diffusion"]
    assert tiny.logged() == [*ALL_TRAINED, "challenge", "promote"]
    assert json.loads(tiny.show("main", "data/demo/sources.json")) == {"sources": []}


def test_a_worker_refuses_main_and_commits_that_nobody_pushed(tiny: Tiny) -> None:
    with opened(tiny, "train") as steps:
        with pytest.raises(ValueError, match="'main': expected one of a run"):
            train_at("main", ["train_vae"], steps)
        with pytest.raises(ValueError, match="is not on retrain/0"):
            train_at("retrain/0", ["train_vae"], steps)
