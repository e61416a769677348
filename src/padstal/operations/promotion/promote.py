"""Carrying out a decision, and taking one back: everything is checked before one atomic push makes it so.

Whoever runs a promotion again finds it done: its assignment's tag holds the decision's digest. Of two at once, the
remote takes one, and the other finds another champion than it was decided against.
"""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from padstal.core.dvc_lock import mapping
from padstal.core.git import PushRefusedError, git, succeeds, try_git
from padstal.core.promotion_tags import PromotionTag
from padstal.core.revisions import WORKSPACE, open_tree
from padstal.operations.promotion import objects, register
from padstal.operations.promotion.decision import Decision
from padstal.operations.promotion.register import Register

DECIDES = ("src", "params.yaml", "dvc.yaml", "dvc.lock")
"""What may not have changed between the challenger's commit and the one that is promoted."""


def carried_out(found: Register, digest: str) -> PromotionTag | None:
    """The assignment that a decision led to earlier.

    Raises:
        ValueError: It did, and another is champion since.
    """
    before = next((one for one in found.assignments if one.record.get("decision") == digest), None)
    if before is not None and before != found.assignments[-1]:
        raise ValueError(
            f"this decision was carried out (assignment {before.number}) and another has followed (assignment "
            f"{found.assignments[-1].number}: {_champion(found)}); decide again with `padstal challenge`"
        )
    return before


def promote(root: Path, decision: Decision, digest: str, found: Register, base: str) -> Register:
    """Check that a promotion may start from here, then tag and push; gives who is champion then.

    Args:
        root: The repository.
        decision: To carry out.
        digest: Its name.
        found: Who is champion.
        base: Branch that is never written to; if the remote's has HEAD already, no branch is pushed.

    Raises:
        ValueError: It may not; says why and what would mend it.
        GitError: The remote refused, and not because this very decision was carried out meanwhile.
    """
    head = _checked_head(root, decision, found)
    branch = _branch(root, head, base)
    objects.check_remote(root, decision.challenger.outs)
    existing = found.version_at(head)
    version = existing.version if existing else found.next_version
    figures = {name: one.challenger for name, one in decision.evidence.metrics.items()}
    record: dict[str, Any] = {
        "decision": digest,
        "scale": decision.scale,
        "branch": branch,
        "metrics": {name: asdict(one) for name, one in figures.items() if one},
        "licences": list(decision.evidence.licences),
        "outs": dict(decision.challenger.outs),
    }
    title = f"Promote {found.model} {version} ({decision.scale} scale)"
    message = f"{title}\n\n{decision.verdict.summary}\n\n{metric_lines(record)}"
    tags = [] if existing else [register.tag_of_version(found.model, version)]
    return _push(root, found, tags, head, message, record)


def rollback(root: Path, found: Register, to: str | None, reason: str) -> Register:
    """Make an earlier version champion again, unless it is champion; gives who is champion then.

    Args:
        root: The repository.
        found: Who is champion.
        to: The version; `None` for the one before the champion.
        reason: For the tag.

    Raises:
        ValueError: There is no such version, or none before, its weights cannot be fetched any more, or other hands
            made its tag.
        GitError: The remote refused.
    """
    champion = found.champion
    if champion is None:
        raise ValueError(f"{found.model} has no champion, so there is nothing to roll back")
    target = found.find(to) if to else found.before()
    if target is None:
        known = ", ".join(one.version for one in found.versions)
        wanted = f"version {to!r}" if to else f"champion before {champion.version}"
        raise ValueError(f"{found.model} has no {wanted} to go back to; its versions: {known}")
    if target == champion:
        return found
    objects.check_remote(root, recorded_outs(target))
    record = {
        **{key: target.record[key] for key in ("metrics", "scale", "licences", "outs") if key in target.record},
        "rollback_from": champion.version,
        "reason": reason,
    }
    title = f"Roll {found.model} back from {champion.version} to {target.version}"
    message = f"{title}\n\n{reason or 'No reason was given.'}"
    return _push(root, found, [], target.commit, message, record)


def recorded_outs(version: PromotionTag) -> dict[str, str]:
    """Path → MD5 of the weights that belong to a version, as its tag's record says.

    Raises:
        ValueError: Other hands made the tag, so that nothing says which models belong to it.
    """
    recorded = dict(mapping(version.record.get("outs")))
    if not recorded:
        raise ValueError(f"{version.tag} holds no record of its weights: promote it with `padstal promote`")
    return recorded


def _checked_head(root: Path, decision: Decision, found: Register) -> str:
    """HEAD, if it is what the decision is about."""
    if decision.changed:
        raise ValueError("the decision is about a workspace with uncommitted changes: commit, then challenge again")
    if open_tree(root, WORKSPACE).changed:
        raise ValueError("the workspace has uncommitted changes: commit or undo them, then promote")
    if (found.champion.version if found.champion else "") != decision.replaces:
        raise ValueError(
            f"the decision was taken when {decision.replaces or 'nobody'} was champion of {found.model}; "
            f"now it is {_champion(found)}: challenge again"
        )
    head, decided = git(root, "rev-parse", "HEAD"), decision.challenger.commit
    follows = succeeds(root, "merge-base", "--is-ancestor", decided, head)
    if not follows or try_git(root, "diff", "--name-only", decided, head, "--", *DECIDES):
        raise ValueError(
            f"the decision is about {decided[:12]}, and HEAD ({head[:12]}) has other code, params or weights: "
            "check that commit out, or challenge again"
        )
    return head


def _branch(root: Path, head: str, base: str) -> str:
    """The branch that is checked out, to be pushed; "" if `base` of the remote has HEAD already."""
    fetched = succeeds(root, "fetch", "--quiet", "--no-tags", register.REMOTE, f"refs/heads/{base}")
    if fetched and succeeds(root, "merge-base", "--is-ancestor", head, "FETCH_HEAD"):
        return ""
    branch = try_git(root, "symbolic-ref", "--short", "-q", "HEAD")
    if branch in ("", base):
        raise ValueError(
            f"HEAD is on {branch or 'no branch'} and {register.REMOTE}'s {base} does not have it yet: promotions do "
            f"not write to {base}; make a branch (git switch -c promote/…)"
        )
    return branch


def _push(root: Path, found: Register, tags: list[str], commit: str, message: str, record: dict[str, Any]) -> Register:
    tags = [*tags, register.tag_of_assignment(found.model, found.next_number)]
    try:
        register.push(root, tags, commit, message, record, record.get("branch", ""))
    except PushRefusedError as error:
        now = register.read(root, found.model)
        if carried_out(now, str(record.get("decision"))):
            return now
        if now.assignments[-1:] != found.assignments[-1:]:
            raise PushRefusedError(
                f"another promotion of {found.model} came first: {_champion(now)} is champion now; challenge again"
            ) from error
        raise
    return register.read(root, found.model)


def _champion(found: Register) -> str:
    return found.champion.version if found.champion else "nobody"


def metric_lines(record: Mapping[str, Any]) -> str:
    """Each metric of a tag's record with its interval, for people."""
    figures = mapping(record.get("metrics"))
    lines = {name: "{:.4g} [{:.4g}, {:.4g}]".format(one["value"], *one["interval"]) for name, one in figures.items()}
    return "\n".join(f"{name}: {line}" for name, line in lines.items())
