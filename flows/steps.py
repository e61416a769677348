"""What a run does in its workspace and may have to do again: stages, transfers, pushes, commands of `padstal`."""

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flows import run_branch
from flows.child import Outcome, run_child
from flows.failure import FailureKind, StageFailedError, failure_kind, last_words
from flows.repro import Say, StageRun, changed_stages, child_environment, repro, transfer
from flows.workspace import HOME
from padstal.core.git import GitError
from padstal.core.params import check, read_yaml
from padstal.operations.config import OperationsParams

Carry = Callable[[str, Callable[[], Any]], Any]
"""Carries out a step of some name: once, or as a task of Prefect that is tried again."""


def once(name: str, step: Callable[[], Any]) -> Any:
    return step()


@dataclass(frozen=True)
class Steps:
    """The steps in one workspace; each raises `StageFailedError` with the cause.

    Attributes:
        root: The workspace.
        say: Gets each line of what they write.
        carry: Carries them out.
        pulls: Get from the DVC remote what stages need and is not here; what `dvc.lock` says is done need not be here.
    """

    root: Path
    say: Say
    carry: Carry = once
    pulls: bool = True

    def stage(self, stage: str) -> StageRun:
        """Bring a stage up to date."""
        limit = read_operations().limit_of(stage, _budget(self.root))
        return self.carry(stage, lambda: repro(stage, self.root, self.say, self.pulls, limit))

    def changed(self, stages: Sequence[str], kept: Sequence[str] = ()) -> frozenset[str]:
        """Which of `stages` are out of date by themselves; the outputs of `kept` must be to be had."""
        return self.carry("status", lambda: changed_stages(self.root, self.say, stages, not self.pulls, kept))

    def push(self, stages: Sequence[str]) -> None:
        """Put the outputs of stages into the DVC remote."""
        self.carry("dvc push", lambda: transfer(self.root, "push", stages, self.say))

    def pull(self, stages: Sequence[str] = ()) -> None:
        """Get the outputs of stages; of none, all that `dvc.lock` names."""
        self.carry("dvc pull", lambda: transfer(self.root, "pull", stages, self.say))

    def push_branch(self, branch: str) -> None:
        """Push what is committed to a branch."""

        def push() -> None:
            try:
                run_branch.push(self.root, branch, self.say)
            except GitError as error:
                kind = failure_kind(Outcome(1, tuple(str(error).splitlines())))
                raise StageFailedError("git push", kind, str(error)) from error

        self.carry(f"push {branch}", push)

    def padstal(self, *arguments: str) -> tuple[str, ...]:
        """Run a `padstal` command of the workspace's code; what it said."""
        name, limit = f"padstal {arguments[0]}", read_operations().limit_unbudgeted
        command = [sys.executable, "-m", "padstal.cli", *arguments]

        def run() -> tuple[str, ...]:
            outcome = run_child(command, self.root, child_environment(self.root), self.say, limit)
            if outcome.code == 0:
                return outcome.lines
            kind = failure_kind(outcome)
            said = [line.removeprefix("padstal: ") for line in outcome.lines if line.startswith("padstal: ")]
            kind = FailureKind.STAGE if kind is FailureKind.DVC else kind
            raise StageFailedError(name, kind, said[-1] if said else last_words(outcome))

        return self.carry(name, run)


def read_operations() -> OperationsParams:
    """The section `operations` of params.yaml in the checkout that this code is part of."""
    return check(OperationsParams, read_yaml(HOME / "params.yaml").get("operations"), "operations")


def _budget(root: Path) -> dict[str, float]:
    """What stages should take in the repository at `root`, by name, in seconds; nothing where it does not say."""
    if not (root / "params.yaml").exists():
        return {}
    tree = read_yaml(root / "params.yaml")
    budget: dict[str, float] = tree.get("scales", {}).get(tree["scale"], {}).get("budget", {})
    return budget
