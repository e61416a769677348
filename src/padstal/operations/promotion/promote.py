"""Carrying out a decision, and taking one back: everything is checked before one atomic push makes it so.

Whoever runs a promotion again finds it done: its assignment's tag holds the decision's digest. Of two at once, the
remote takes one, and the other finds another champion than it was decided against.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from padstal.core.git import PushRefusedError, git, succeeds, try_git
from padstal.evaluation.metrics import METRICS
from padstal.operations.promotion import objects, register
from padstal.operations.promotion.decision import Decision
from padstal.operations.promotion.gate import Evidence
from padstal.operations.promotion.register import Assignment, Register, Version

DECIDES = ("src", "params.yaml", "dvc.yaml", "dvc.lock")
"""What may not have changed between the challenger's commit and the one that is promoted."""
Say = Callable[[str], None]


@dataclass(frozen=True)
class PromotionResult:
    """A promotion or rollback that the remote holds.

    Attributes:
        version: Who is champion by it.
        number: Of the assignment.
        commit: Where its tags point.
        branch: That was pushed with it; "" for none.
        new: Whether this call did it.
    """

    model: str
    version: str
    number: int
    commit: str
    branch: str
    new: bool


def carried_out(found: Register, digest: str) -> PromotionResult | None:
    """What a decision led to earlier.

    Raises:
        ValueError: It did, and another is champion since.
    """
    before = found.carried_out(digest)
    if before is None:
        return None
    version = _version_of(found, before)
    if found.assignments[-1].number != before.number:
        now = found.champion.name if found.champion else "nobody"
        raise ValueError(
            f"this decision made {version} champion (assignment {before.number}) and another has followed "
            f"(assignment {found.assignments[-1].number}: {now}); decide again with `padstal challenge`"
        )
    return PromotionResult(
        found.model, version, before.number, before.commit, str(before.record.get("branch", "")), False
    )


def check_repository(root: Path, decision: Decision, found: Register, branch: str | None, base: str) -> tuple[str, str]:
    """(HEAD, branch to push; "" if its commit is on `base` already), if a promotion may start from here.

    Raises:
        ValueError: It may not; says why and what would mend it.
    """
    if not register.has_remote(root):
        raise ValueError(f"no git remote {register.REMOTE!r}: promotions are tags that a remote holds; add one")
    if decision.changed:
        raise ValueError("the decision is about a workspace with uncommitted changes: commit, then challenge again")
    dirty = try_git(root, "status", "--porcelain", "--untracked-files=no")
    if dirty:
        first = dirty.splitlines()[0].strip()
        raise ValueError(f"the workspace has uncommitted changes ({first}, …): commit or undo them, then promote")
    champion = found.champion.name if found.champion else ""
    if champion != decision.replaces:
        raise ValueError(
            f"the decision was taken when {decision.replaces or 'nobody'} was champion of {found.model}; "
            f"now it is {champion or 'nobody'}: challenge again"
        )
    head = git(root, "rev-parse", "HEAD")
    if not _unchanged(root, decision.challenger.commit, head):
        raise ValueError(
            f"the decision is about {decision.challenger.commit[:12]}, and HEAD ({head[:12]}) has other code, params "
            "or weights: check that commit out, or challenge again"
        )
    if objects.outs_at(root, head, decision.challenger.outs) != dict(decision.challenger.outs):
        raise ValueError(f"dvc.lock of {head[:12]} names other weights than the decision: challenge again")
    return head, _branch(root, head, branch, base)


def promote(
    root: Path,
    decision: Decision,
    digest: str,
    found: Register,
    head: str,
    branch: str,
    progress: objects.Progress = iter,
) -> PromotionResult:
    """Tag and push; the caller has run `check_repository`.

    Raises:
        MissingObjectsError: The DVC remote lacks a weight.
        GitError: The remote refused, and not because this very decision was carried out meanwhile.
    """
    objects.check_remote(root, decision.challenger.outs, progress)
    existing = found.version_at(head)
    version, number = (existing.name if existing else found.next_version), found.next_number
    record = {
        "decision": digest,
        "model": found.model,
        "version": version,
        "scale": decision.scale,
        "replaces": decision.replaces,
        "branch": branch,
        "metrics": metrics_of(decision.evidence),
        "licences": list(decision.evidence.licences),
        "frozen_prompts": decision.design.get("frozen_prompts"),
        "outs": dict(decision.challenger.outs),
    }
    message = (
        f"Promote {found.model} {version} ({decision.scale} scale)\n\n{decision.verdict.summary}\n\n{_lines(record)}"
    )
    tags = {} if existing else {register.tag_of_version(found.model, version): ""}
    tags[register.tag_of_assignment(found.model, number)] = ""
    return _push(root, found, PromotionResult(found.model, version, number, head, branch, True), tags, message, record)


def rollback(
    root: Path, found: Register, to: str | None, reason: str, progress: objects.Progress = iter
) -> PromotionResult:
    """Make an earlier version champion again.

    Args:
        root: The repository.
        found: Who is champion.
        to: The version; `None` for the one before the champion.
        reason: For the tag.
        progress: Wraps the objects that are checked.

    Raises:
        ValueError: There is no such version, or none before.
        MissingObjectsError: Its weights cannot be fetched any more.
        GitError: The remote refused.
    """
    if not register.has_remote(root):
        raise ValueError(f"no git remote {register.REMOTE!r}: promotions are tags that a remote holds")
    champion = found.champion
    target = found.version(to) if to else found.before()
    if champion is None or target is None:
        raise ValueError(
            f"{found.model} has no champion before {champion.name if champion else 'the first'} to go back to"
        )
    last = found.assignments[-1].number
    if target == champion:
        return PromotionResult(found.model, target.name, last, target.commit, "", False)
    objects.check_remote(root, _outs_of(root, target), progress)
    number = found.next_number
    record = {
        "model": found.model,
        "version": target.name,
        "rollback_from": champion.name,
        "reason": reason,
        **{key: target.record[key] for key in ("metrics", "scale", "licences", "outs") if key in target.record},
    }
    message = f"Roll {found.model} back from {champion.name} to {target.name}" + (f"\n\n{reason}" if reason else "")
    tags = {register.tag_of_assignment(found.model, number): ""}
    return _push(
        root, found, PromotionResult(found.model, target.name, number, target.commit, "", True), tags, message, record
    )


def metrics_of(evidence: Evidence) -> dict[str, Any]:
    """The challenger's figures, metric → value and interval."""
    return {
        name: {"value": one.challenger.value, "interval": one.challenger.interval and list(one.challenger.interval)}
        for name in METRICS
        if (one := evidence.metrics.get(name)) is not None
    }


def _push(
    root: Path, found: Register, done: PromotionResult, tags: Mapping[str, str], message: str, record: Mapping[str, Any]
) -> PromotionResult:
    made = {name: register.tag_object(root, name, done.commit, message, record) for name in tags}
    try:
        register.push(root, made, done.branch, done.commit)
    except PushRefusedError as error:
        again = register.read(root, found.model)
        theirs = again.carried_out(str(record.get("decision", "")))
        if theirs is not None:
            return PromotionResult(
                found.model, _version_of(again, theirs), theirs.number, theirs.commit, done.branch, False
            )
        now = again.champion.name if again.champion else "nobody"
        if again.assignments[-1:] != found.assignments[-1:]:
            raise PushRefusedError(
                f"another promotion of {found.model} came first: {now} is champion now (assignment "
                f"{again.assignments[-1].number}); nothing was written, challenge again"
            ) from error
        raise PushRefusedError(
            f"{register.REMOTE} did not take branch {done.branch} and the tags; nothing was written: {error}"
        ) from error
    return done


def _branch(root: Path, head: str, asked: str | None, base: str) -> str:
    on_base = try_git(root, "ls-remote", register.REMOTE, f"refs/heads/{base}").partition("\t")[0]
    if on_base:
        if not try_git(root, "cat-file", "-t", on_base):
            git(root, "fetch", "--quiet", "--no-tags", register.REMOTE, f"refs/heads/{base}")
        if succeeds(root, "merge-base", "--is-ancestor", head, on_base):
            return ""
    branch = asked or try_git(root, "symbolic-ref", "--short", "-q", "HEAD")
    if not branch:
        raise ValueError("HEAD is on no branch: name the run's branch with --branch")
    if branch == base:
        raise ValueError(
            f"HEAD is on {base} and {register.REMOTE} does not have it yet: promotions do not write to {base}; "
            "make a branch (git switch -c promote/…), or name one with --branch"
        )
    git(root, "check-ref-format", "--branch", branch)
    return branch


def _unchanged(root: Path, commit: str, head: str) -> bool:
    """Whether `head` is `commit` or follows it, with the same code, params and weights."""
    if commit == head:
        return True
    if not succeeds(root, "merge-base", "--is-ancestor", commit, head):
        return False
    return not try_git(root, "diff", "--name-only", commit, head, "--", *DECIDES)


def _version_of(found: Register, assignment: Assignment) -> str:
    version = found.version_at(assignment.commit)
    return str(assignment.record.get("version") or (version.name if version else assignment.commit[:12]))


def _outs_of(root: Path, version: Version) -> dict[str, str]:
    """What must be fetchable for a version: as its tag's record says, held against its commit's `dvc.lock`.

    Raises:
        ValueError: Other hands made the tag, so that nothing says which models belong to it.
    """
    recorded = version.record.get("outs")
    if not isinstance(recorded, Mapping) or not recorded:
        raise ValueError(f"the tag of {version.name} holds no record of its weights: promote it with `padstal promote`")
    return objects.outs_at(root, version.commit, [str(path) for path in recorded])


def _lines(record: Mapping[str, Any]) -> str:
    lines = []
    for name, one in record["metrics"].items():
        if one["value"] is not None:
            bounds = f" [{one['interval'][0]:.4g}, {one['interval'][1]:.4g}]" if one["interval"] else ""
            lines.append(f"{name}: {one['value']:.4g}{bounds}")
    return "\n".join([*lines, f"decision: sha256:{record['decision']}"])
