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
from flows.repro import UP_TO_DATE, StageRun, summary
from flows.stages import phases, run_stages
from flows.steps import Steps
from padstal.core.data.atomic import write_json
from padstal.core.git import blobs, git, succeeds, try_git
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
        commit: Last commit of the run, "" before the branch.
        result: How it ended, `None` before.
        why: Reasons.
        stages: What became of the stages.
    """

    scale: str = ""
    manifest: str = ""
    branch: str = ""
    commit: str = ""
    result: Result | None = None
    why: list[str] = field(default_factory=list)
    stages: list[StageRun] = field(default_factory=list)

    def end(self, result: Result, why: Sequence[str]) -> "Journal":
        self.result, self.why = result, list(why)
        return self


Train = Callable[[Path, str, Sequence[str]], None]
"""Has a worker bring stages up to date: at a workspace's commit, pushing to a branch."""


def retrain(steps: Steps, journal: Journal, train: Train | None = None, base: str = "main") -> Journal:
    """One retraining in a workspace at the tip of `base`; the journal is filled as it goes.

    Args:
        steps: The workspace's.
        journal: An empty one.
        train: Has a worker train; trained here if `None`.
        base: The branch that it starts from and that a promoted challenger is proposed to.

    Raises:
        StageFailedError: A step failed, other than by a gate that refused; what was done is on the branch.
        GitError: As of `run_branch.push`.
    """
    journal.scale = read_yaml(steps.root / "params.yaml")["scale"]
    manifest = scan(steps, journal)
    if manifest is None:
        return journal.end("no new data", [f"the sources hold what {base} was made from"])
    before = begin(steps, journal, manifest, base)
    if before is not None:
        read_lines = f"{journal.branch} has handled just these data: {before['outcome']}"
        return journal.end("no new data", [read_lines, *before["why"]])
    steps.padstal("challenge", "--check")  # what it will need in the end, before anything is trained
    data, training, after = phases(read_dag(steps.root))
    try:
        journal.stages += run_stages(journal.branch, data, steps)
        if train is None:
            journal.stages += run_stages(journal.branch, training, steps, each=True)
        else:
            journal.stages += trained_elsewhere(journal, training, steps, train)
        journal.stages += run_stages(journal.branch, after, steps)
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


def scan(steps: Steps, journal: Journal) -> bytes | None:
    """The manifest of what the sources hold now; `None` if the branch has the same."""
    steps.padstal("scan")
    file = _manifest_file(journal)
    content = (steps.root / file).read_bytes()
    if blobs(steps.root, [f"HEAD:{file}"]) == [content]:
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
        steps.say(f"new data: branch {branch}")
    else:
        [written] = blobs(root, [f"{found}:{_file(journal, 'retraining')}"])
        state: dict[str, Any] = json.loads(written or "{}")
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


def trained_elsewhere(journal: Journal, stages: Sequence[str], steps: Steps, train: Train) -> list[StageRun]:
    """Have a worker train at exactly this commit, and take over what it recorded on the branch.

    Raises:
        StageFailedError: The worker failed, or did not bring the stages up to date.
    """
    root = steps.root
    if not steps.changed(stages):
        return [StageRun(stage, UP_TO_DATE, 0.0) for stage in stages]
    steps.say(f"handing {run_branch.head(root)[:12]} to a worker for {', '.join(stages)}")
    train(root, journal.branch, stages)
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
    decided = try_git(root, "log", "-1", "--format=%H", "--", str(file))
    if anew or not decided or not succeeds(root, "diff", "--quiet", decided, "--", run_branch.LOCK):
        steps.pull()
        steps.padstal("challenge", "--out", str(file))
        run_branch.commit_all(root, "Decide on the challenger")
        steps.push_branch(journal.branch)
    decision = json.loads((root / file).read_text(encoding="utf-8"))
    verdict = decision["verdict"]
    return verdict["promote"], [decision["summary"], *(c["reason"] for c in verdict["checks"] if not c["passed"])]


def finish(steps: Steps, journal: Journal, result: Result, why: Sequence[str]) -> Journal:
    """Commit how it ended, so that these data are not retrained on."""
    ended = {"manifest": journal.manifest, "outcome": result, "why": list(why)}
    write_json(steps.root / _file(journal, "retraining"), ended)
    run_branch.commit_all(steps.root, f"Retraining ended: {result}")
    steps.push_branch(journal.branch)
    journal.commit = run_branch.head(steps.root)
    return journal.end(result, why)


def _manifest_file(journal: Journal) -> Path:
    return Path("data", journal.scale, "sources.json")


def _file(journal: Journal, name: str) -> Path:
    """Where the branch holds the decision ("decision") and how the run ended ("retraining")."""
    return Path("reports", journal.scale, f"{name}.json")


NEXT = {
    "no new data": "Nothing to do. To have the same data tried again, delete the branch that handled them.",
    "promoted": "A pull request proposes the challenger; merging it makes these data and this model the branch's own.",
    "refused": "The champion stays. The branch keeps the challenger and its figures; these data are not tried again.",
    "failed": "What was done is on the run's branch; the next run goes on from there and repeats nothing.",
}


def report(journal: Journal, failure: Exception | None = None) -> str:
    """The text."""
    result = f"failed: {without_user(str(failure))}" if failure else journal.result or "not ended"
    lines = [f"# Retraining: {result}", ""]
    facts = {name: getattr(journal, name) for name in ("scale", "manifest", "branch", "commit")}
    lines += [f"- {name}: `{value}`" for name, value in facts.items() if value]
    if journal.why:
        lines += ["", "## Why", "", *(f"- {reason}" for reason in journal.why)]
    if journal.stages:
        lines += ["", "## Stages", "", summary(journal.stages)]
    lines += ["", NEXT.get("failed" if failure else journal.result or "", "")]
    return "\n".join(lines).rstrip() + "\n"
