"""Who is champion, and who was: annotated git tags in GTO's convention, read from the remote and pushed atomically.

    MODEL@v1.2.0            a version: the commit whose `dvc.lock` names its weights
    MODEL#champion#7        the seventh assignment: its commit's version is champion from now on

A promotion pushes both, with the run's branch, in one `git push --atomic`, and never by force: of two that would take
the same number, the remote takes one. Tag objects are made without local refs, so that a process that is killed leaves
nothing behind. A rollback is one more assignment, of an earlier version. Assignments are put in order by their numbers,
for GTO goes by the seconds of their dates.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from padstal.core.git import git, try_git
from padstal.core.promotion_tags import RECORD, PromotionTag, promotion_tags

REMOTE = "origin"
STAGE = "champion"


@dataclass(frozen=True)
class Register:
    """All that tags say of one model.

    Attributes:
        versions: Their tags, from low to high.
        assignments: Tags of the stage, from first to last.
        next_version: One minor version above the highest.
        next_number: Of the next assignment, to any stage.
    """

    model: str
    versions: tuple[PromotionTag, ...]
    assignments: tuple[PromotionTag, ...]
    next_version: str
    next_number: int

    @property
    def champion(self) -> PromotionTag | None:
        """The version that the last assignment names."""
        return self.assigned(self.assignments[-1]) if self.assignments else None

    def assigned(self, assignment: PromotionTag) -> PromotionTag | None:
        """The version that became champion by an assignment; `None` where it took the stage from all."""
        return self.version_at(assignment.commit) if assignment.given else None

    def version_at(self, commit: str) -> PromotionTag | None:
        """The latest version of a commit."""
        return next((one for one in reversed(self.versions) if one.commit == commit), None)

    def find(self, name: str) -> PromotionTag | None:
        """A version by name, with or without the model's."""
        return next((one for one in self.versions if name in (one.version, one.tag)), None)

    def before(self) -> PromotionTag | None:
        """The champion before the present one first became champion: where a rollback goes by itself."""
        champion, earlier = self.champion, None
        for one in self.assignments:
            version = self.assigned(one)
            if champion is not None and version == champion:
                return earlier
            earlier = version or earlier
        return None


def tag_of_version(model: str, version: str) -> str:
    return f"{model}@{version}"


def tag_of_assignment(model: str, number: int) -> str:
    return f"{model}#{STAGE}#{number}"


def read(root: Path, model: str) -> Register:
    """The register as the remote has it; its tags are fetched. Without a remote, as it is here.

    Raises:
        GitError: The remote cannot be asked.
    """
    from gto.versions import SemVer

    on_remote = _fetched(root, model) if try_git(root, "remote", "get-url", REMOTE) else None
    tags = [one for one in promotion_tags(root) if one.model == model and (on_remote is None or one.tag in on_remote)]
    versions = sorted((one for one in tags if one.version), key=lambda one: SemVer(one.version))
    assignments = sorted((one for one in tags if one.stage == STAGE), key=lambda one: one.number)
    following = SemVer(versions[-1].version).bump_minor().version if versions else "v1.0.0"
    return Register(model, tuple(versions), tuple(assignments), following, max([0, *(one.number for one in tags)]) + 1)


def push(
    root: Path, names: Iterable[str], commit: str, message: str, record: Mapping[str, Any], branch: str = ""
) -> None:
    """Push annotated tags of a commit, and the commit to `branch`, all or none; then know the tags here too.

    Args:
        root: The repository.
        names: The tags.
        commit: Where they point.
        message: Theirs.
        record: Follows the message.
        branch: "" for none.

    Raises:
        PushRefusedError: The remote has one of these tags already, or the branch has gone elsewhere.
        GitError: The remote cannot be reached, or git does not know who tags (`user.name`, `user.email`).
    """
    tagger = git(root, "var", "GIT_COMMITTER_IDENT")
    text = f"{message}\n\n{RECORD}{json.dumps(record, sort_keys=True, allow_nan=False)}"
    tags = {
        name: git(root, "mktag", given=f"object {commit}\ntype commit\ntag {name}\ntagger {tagger}\n\n{text}\n")
        for name in names
    }
    refs = [f"{oid}:refs/tags/{name}" for name, oid in tags.items()]
    if branch:
        refs.append(f"{commit}:refs/heads/{branch}")
    git(root, "push", "--atomic", "--porcelain", "--no-verify", REMOTE, *refs)
    for name, oid in tags.items():
        try_git(root, "update-ref", f"refs/tags/{name}", oid)


def _fetched(root: Path, model: str) -> set[str]:
    """Names of the model's tags on the remote; where a tag of that name here differs, it gives way."""
    refs = [f"refs/tags/{model}{mark}*" for mark in "@#"]
    listed = git(root, "ls-remote", "--refs", REMOTE, *refs)
    if listed:
        git(root, "fetch", "--quiet", "--no-tags", REMOTE, *(f"+{ref}:{ref}" for ref in refs))
    return {line.partition("\trefs/tags/")[2] for line in listed.splitlines()}
