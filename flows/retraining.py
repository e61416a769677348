"""Retraining, step by step, without Prefect: what the sources hold now becomes a challenger, or a reason why not.

Each step asks git and DVC what is done already, so a run that was killed anywhere is gone on with by the next one:

    scan        the sources into `data/<scale>/sources.json`; its hash names the branch `retrain/<hash>`
    begin       the branch: new with the manifest, or the one that an earlier run left
    check       `padstal challenge --check`: frozen prompts and drift reference are there
    before      the stages that need no trained model
    training    the stages from the first training to the last: here, or by a worker that takes exactly this commit
    after       evaluation and report
    decide      `padstal challenge`: challenger against champion; the decision is committed before anything follows it
    promote     `padstal promote`: tags and pull request, or nothing; then the outcome is committed
"""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from flows import run_branch
from flows.dag import read_dag
from flows.failure import FailureKind, StageFailedError
from flows.parameters import TRAINING
from flows.repro import StageRun, summary
from flows.stages import phases, run_stages, up_to_date
from flows.steps import Steps
from flows.workspace import Workspace
from padstal.core.data.atomic import write_json
from padstal.core.git import blobs, git
from padstal.core.params import read_yaml
from padstal.core.secrets import without_user
from padstal.operations.tracking.group import RETRAINING

AGAIN = "challenge again"
"""What `padstal promote` says of a decision that does not hold any more: another champion, other thresholds."""
Result = Literal["no new data", "promoted", "refused"]


@dataclass
class Journal:
    """What a run has found and done so far; also what it tells when it fails.

    Attributes:
        scale: The active scale of params.yaml.
        manifest: Hash of the manifest, "" before the scan.
        branch: The run's branch, "" before the scan.
        commit: Last commit of the run.
        files: Files that the sources hold; what the scan said.
        result: How it ended, `None` before.
        why: Reasons.
        stages: What became of the stages.
    """

    scale: str = ""
    manifest: str = ""
    branch: str = ""
    commit: str = ""
    files: str = ""
    result: Result | None = None
    why: list[str] = field(default_factory=list)
    stages: list[StageRun] = field(default_factory=list)

    def end(self, result: Result, why: Sequence[str]) -> "Journal":
        self.result, self.why = result, list(why)
        return self


Train = Callable[[Workspace, str, Sequence[str]], None]
"""Has a worker bring stages up to date: at the workspace's commit, pushing to a branch."""


def retrain(
    space: Workspace, steps: Steps, journal: Journal, train: Train | None = None, base: str = "main"
) -> Journal:
    """One retraining in a workspace at the tip of `base`; the journal is filled as it goes.

    Args:
        space: The workspace.
        steps: Its steps.
        journal: An empty one.
        train: Has a worker train; trained here if `None`.
        base: The branch that it starts from and that a promoted challenger is proposed to.

    Raises:
        StageFailedError: A step failed, other than by a gate that refused; what was done is on the branch.
        GitError: As of `run_branch.push`.
    """
    journal.scale = read_yaml(space.root / "params.yaml")["scale"]
    manifest = scan(space, steps, journal)
    if manifest is None:
        return journal.end("no new data", [f"the sources hold what {base} was made from"])
    before = begin(steps, journal, manifest, base)
    if before is not None:
        read_lines = f"{journal.branch} has handled just these data: {before['outcome']}"
        return journal.end("no new data", [read_lines, *before["why"]])
    steps.padstal("challenge", "--check")  # what it will need in the end, before anything is trained
    parts = phases(read_dag(space.root), TRAINING)
    try:
        journal.stages += run_stages(journal.branch, parts.before, steps)
        if train is None:
            journal.stages += run_stages(journal.branch, parts.training, steps, each=True)
        else:
            journal.stages += trained_elsewhere(space, journal, parts.training, steps, train)
        journal.stages += run_stages(journal.branch, parts.after, steps)
    except StageFailedError as failure:
        if failure.kind is not FailureKind.REFUSED:
            raise
        return finish(steps, journal, "refused", [f"{failure.stage}: {failure.words}"])
    promote, why = decide(steps, journal)
    carry_out = ("promote", "--decision", str(_file(journal, "decision")))
    try:
        steps.padstal(*carry_out)
    except StageFailedError as failure:
        if AGAIN not in failure.words:
            raise
        steps.say(f"the decision is out of date: {failure.words}")
        promote, why = decide(steps, journal, anew=True)
        steps.padstal(*carry_out)
    return finish(steps, journal, "promoted" if promote else "refused", why)


def scan(space: Workspace, steps: Steps, journal: Journal) -> bytes | None:
    """The manifest of what the sources hold now; `None` if the branch has the same."""
    lines = steps.padstal("scan")
    journal.files = lines[-1] if lines else ""
    file = _manifest_file(journal)
    content = (space.root / file).read_bytes()
    journal.commit = space.commit
    if blobs(space.root, [f"{space.commit}:{file}"]) == [content]:
        return None
    journal.manifest = hashlib.sha256(content).hexdigest()[:16]
    journal.branch = f"{RETRAINING}{journal.manifest}"
    return content


def begin(steps: Steps, journal: Journal, manifest: bytes, base: str) -> dict[str, Any] | None:
    """Check out the run's branch with the manifest committed; how it ended if an earlier run has handled it."""
    root, branch = steps.root, journal.branch
    found = run_branch.tip(root, branch)
    if found is None:
        git(root, "checkout", "-q", "-b", branch)
        steps.say(f"new data: {journal.files}; branch {branch}")
    else:
        [written] = blobs(root, [f"{found}:{_file(journal, 'retraining')}"])
        state = _state(written)
        if state.get("manifest") == journal.manifest and state.get("outcome"):
            return state
        steps.say(f"going on with {branch}, which an earlier run left at {found[:12]}")
        git(root, "reset", "-q", "--hard")
        git(root, "clean", "-q", "-fd")
        git(root, "checkout", "-q", "-B", branch, found)
        run_branch.join(root, f"refs/remotes/origin/{base}")
        (root / _manifest_file(journal)).write_bytes(manifest)
    run_branch.commit_all(root, f"Scan the sources: {journal.manifest}")
    steps.push_branch(branch)
    journal.commit = run_branch.head(root)
    return None


def trained_elsewhere(
    space: Workspace, journal: Journal, stages: Sequence[str], steps: Steps, train: Train
) -> list[StageRun]:
    """Have a worker train at exactly this commit, and take over what it recorded on the branch.

    Raises:
        StageFailedError: The worker failed, or did not bring the stages up to date.
    """
    root = space.root
    if not steps.changed(stages):
        return up_to_date(stages)
    steps.say(f"handing {run_branch.head(root)[:12]} to a worker for {', '.join(stages)}")
    train(space, journal.branch, stages)
    run_branch.fetch(root)
    run_branch.join(root, f"refs/remotes/origin/{journal.branch}")
    journal.commit = run_branch.head(root)
    if steps.changed(stages):
        raise StageFailedError(
            "training", FailureKind.DVC, f"the worker ended, yet {journal.branch} lacks results of it"
        )
    return [StageRun(stage, "trained by a worker", 0.0) for stage in stages]


def decide(steps: Steps, journal: Journal, anew: bool = False) -> tuple[bool, list[str]]:
    """Whether to promote the challenger, and why; decided once for one `dvc.lock`, committed before anyone acts.

    Args:
        steps, journal: The run's.
        anew: Decide again, for the one there is does not hold any more.
    """
    root, file = steps.root, _file(journal, "decision")
    lock = hashlib.sha256((root / run_branch.LOCK).read_bytes()).hexdigest()
    state_file = root / _file(journal, "retraining")
    state = _state(state_file.read_bytes() if state_file.exists() else None)
    decided = state.get("manifest") == journal.manifest and state.get("lock") == lock and (root / file).exists()
    if anew or not decided:
        steps.pull()
        steps.padstal("challenge", "--out", str(file))
        _write_state(root, journal, {"lock": lock, "outcome": None, "why": []})
        run_branch.commit_all(root, "Decide on the challenger")
        steps.push_branch(journal.branch)
    decision = json.loads((root / file).read_text(encoding="utf-8"))
    verdict = decision["verdict"]
    return verdict["promote"], [decision["summary"], *(c["reason"] for c in verdict["checks"] if not c["passed"])]


def finish(steps: Steps, journal: Journal, result: Result, why: Sequence[str]) -> Journal:
    """Commit how it ended, so that these data are not retrained on."""
    _write_state(steps.root, journal, {"outcome": result, "why": list(why)})
    run_branch.commit_all(steps.root, f"Retraining ended: {result}")
    steps.push_branch(journal.branch)
    journal.commit = run_branch.head(steps.root)
    return journal.end(result, why)


def _manifest_file(journal: Journal) -> Path:
    return Path("data", journal.scale, "sources.json")


def _file(journal: Journal, name: str) -> Path:
    """Where the branch holds the decision ("decision") and how the run ended ("retraining")."""
    return Path("reports", journal.scale, f"{name}.json")


def _state(written: bytes | None) -> dict[str, Any]:
    """What a run wrote of itself; {} where it has not."""
    state: dict[str, Any] = json.loads(written or "{}")
    return state


def _write_state(root: Path, journal: Journal, what: dict[str, Any]) -> None:
    write_json(root / _file(journal, "retraining"), {"manifest": journal.manifest, **what})


NEXT = {
    "no new data": "Nothing to do. To have the same data tried again, delete the branch that handled them.",
    "promoted": "A pull request proposes the challenger; merging it makes these data and this model the branch's own.",
    "refused": "The champion stays. The branch keeps the challenger and its figures; these data are not tried again.",
}
FAILED = (
    "The branch that it started from is untouched. What was done is on the run's branch; the next run goes on from "
    "there and repeats nothing."
)


def report(journal: Journal, failure: Exception | None = None) -> str:
    """The text."""
    result = f"failed: {without_user(str(failure))}" if failure else journal.result or "not ended"
    lines = [f"# Retraining: {result}", ""]
    facts = {
        "scale": journal.scale,
        "sources": journal.files,
        "manifest": journal.manifest,
        "branch": journal.branch,
        "commit": journal.commit,
    }
    lines += [f"- {name}: `{value}`" for name, value in facts.items() if value]
    if journal.why:
        lines += ["", "## Why", "", *(f"- {reason}" for reason in journal.why)]
    if journal.stages:
        lines += ["", "## Stages", "", summary(journal.stages)]
    lines += ["", FAILED if failure else NEXT.get(journal.result or "", "")]
    return "\n".join(lines).rstrip() + "\n"
