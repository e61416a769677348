"""Carrying out a decision, and taking one back: everything is checked before one atomic push makes it so.

Whoever runs a promotion again finds it done: its assignment's tag holds the decision's digest. Of two at once, the
remote takes one, and the other finds another champion than it was decided against.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from padstal.core.dvc_lock import mapping
from padstal.core.git import PushRefusedError, git, succeeds, try_git
from padstal.evaluation.metrics import METRICS
from padstal.operations.promotion import objects, register
from padstal.operations.promotion.decision import Decision
from padstal.operations.promotion.register import Register, Version

DECIDES = ("src", "params.yaml", "dvc.yaml", "dvc.lock")
"""What may not have changed between the challenger's commit and the one that is promoted."""


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
    version = str(before.record.get("version"))
    if found.assignments[-1].number != before.number:
        raise ValueError(
            f"this decision made {version} champion (assignment {before.number}) and another has followed "
            f"(assignment {found.assignments[-1].number}: {_champion(found)}); decide again with `padstal challenge`"
        )
    branch = str(before.record.get("branch", ""))
    return PromotionResult(found.model, version, before.number, before.commit, branch, False)


def promote(
    root: Path,
    decision: Decision,
    digest: str,
    found: Register,
    branch: str | None,
    base: str,
) -> PromotionResult:
    """Check that a promotion may start from here, then tag and push.

    Args:
        root: The repository.
        decision: To carry out.
        digest: Its name.
        found: Who is champion.
        branch: To push; `None` for the one that is checked out. None is pushed if `base` has the commit already.
        base: Branch that is never written to.

    Raises:
        ValueError: It may not; says why and what would mend it.
        MissingObjectsError: The DVC remote lacks a weight.
        GitError: The remote refused, and not because this very decision was carried out meanwhile.
    """
    head = _checked_head(root, decision, found)
    to_push = _branch(root, head, branch, base)
    objects.check_remote(root, decision.challenger.outs)
    existing = found.version_at(head)
    version, number = (existing.name if existing else found.next_version), found.next_number
    known = decision.evidence.metrics
    record = {
        "decision": digest,
        "model": found.model,
        "version": version,
        "scale": decision.scale,
        "replaces": decision.replaces,
        "branch": to_push,
        "metrics": {name: asdict(known[name].challenger) for name in METRICS if name in known},
        "licences": list(decision.evidence.licences),
        "frozen_prompts": decision.design.get("frozen_prompts"),
        "outs": dict(decision.challenger.outs),
    }
    title = f"Promote {found.model} {version} ({decision.scale} scale)"
    message = f"{title}\n\n{decision.verdict.summary}\n\n{metric_lines(record)}"
    done = PromotionResult(found.model, version, number, head, to_push, True)
    return _push(root, found, done, message, record, tag_version=existing is None)


def rollback(root: Path, found: Register, to: str | None, reason: str) -> PromotionResult:
    """Make an earlier version champion again.

    Args:
        root: The repository.
        found: Who is champion.
        to: The version; `None` for the one before the champion.
        reason: For the tag.

    Raises:
        ValueError: There is no such version, or none before, or other hands made its tag.
        MissingObjectsError: Its weights cannot be fetched any more.
        GitError: The remote refused.
    """
    if not register.has_remote(root):
        raise ValueError(f"no git remote {register.REMOTE!r}: promotions are tags that a remote holds")
    champion = found.champion
    target = found.find(to) if to else found.before()
    if champion is None or target is None:
        known = ", ".join(one.name for one in found.versions) or "none"
        wanted = f"version {to!r}" if to else f"champion before {_champion(found)}"
        raise ValueError(f"{found.model} has no {wanted} to go back to; its versions: {known}")
    if target == champion:
        return PromotionResult(found.model, target.name, found.assignments[-1].number, target.commit, "", False)
    objects.check_remote(root, objects.outs_at(root, target.commit, recorded_outs(target)))
    record = {
        "model": found.model,
        "version": target.name,
        "rollback_from": champion.name,
        "reason": reason,
        **{key: target.record[key] for key in ("metrics", "scale", "licences", "outs") if key in target.record},
    }
    message = f"Roll {found.model} back from {champion.name} to {target.name}\n\n{reason or 'No reason was given.'}"
    done = PromotionResult(found.model, target.name, found.next_number, target.commit, "", True)
    return _push(root, found, done, message, record, tag_version=False)


def recorded_outs(version: Version) -> tuple[str, ...]:
    """Paths of the weights that belong to a version, as its tag's record says.

    Raises:
        ValueError: Other hands made the tag, so that nothing says which models belong to it.
    """
    recorded = version.record.get("outs")
    if not isinstance(recorded, Mapping) or not recorded:
        raise ValueError(f"the tag of {version.name} holds no record of its weights: promote it with `padstal promote`")
    return tuple(map(str, recorded))


def _checked_head(root: Path, decision: Decision, found: Register) -> str:
    """HEAD, if it is what the decision is about."""
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
    head, decided = git(root, "rev-parse", "HEAD"), decision.challenger.commit
    follows = succeeds(root, "merge-base", "--is-ancestor", decided, head)
    if not follows or try_git(root, "diff", "--name-only", decided, head, "--", *DECIDES):
        raise ValueError(
            f"the decision is about {decided[:12]}, and HEAD ({head[:12]}) has other code, params or weights: "
            "check that commit out, or challenge again"
        )
    return head


def _branch(root: Path, head: str, asked: str | None, base: str) -> str:
    """The branch to push; "" if `base` of the remote has HEAD already."""
    try_git(root, "fetch", "--quiet", "--no-tags", register.REMOTE, f"refs/heads/{base}")
    on_base = try_git(root, "ls-remote", register.REMOTE, f"refs/heads/{base}").partition("\t")[0]
    if on_base and succeeds(root, "merge-base", "--is-ancestor", head, on_base):
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


def _push(
    root: Path, found: Register, done: PromotionResult, message: str, record: Mapping[str, Any], *, tag_version: bool
) -> PromotionResult:
    names = [register.tag_of_version(found.model, done.version)] if tag_version else []
    names.append(register.tag_of_assignment(found.model, done.number))
    tags = {name: register.tag_object(root, name, done.commit, message, record) for name in names}
    try:
        register.push(root, tags, done.branch, done.commit)
    except PushRefusedError as error:
        now = register.read(root, found.model)
        same = carried_out(now, str(record.get("decision", "")))
        if same is not None:
            return same
        if now.assignments[-1:] != found.assignments[-1:]:
            raise PushRefusedError(
                f"another promotion of {found.model} came first: {_champion(now)} is champion now (assignment "
                f"{now.assignments[-1].number}); nothing was written, challenge again"
            ) from error
        raise PushRefusedError(
            f"{register.REMOTE} did not take branch {done.branch} and the tags; nothing was written: {error}"
        ) from error
    return done


def _champion(found: Register) -> str:
    return found.champion.name if found.champion else "nobody"


def metric_lines(record: Mapping[str, Any]) -> str:
    """Each metric of a tag's record with its interval, for people."""
    metrics = mapping(record.get("metrics"))
    measured = {name: one for name, one in metrics.items() if mapping(one).get("value") is not None}
    ends = {
        name: " [{:.4g}, {:.4g}]".format(*one["interval"]) if one.get("interval") else ""
        for name, one in measured.items()
    }
    return "\n".join(f"{name}: {one['value']:.4g}{ends[name]}" for name, one in measured.items())
