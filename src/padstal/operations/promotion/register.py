"""Who is champion, and who was: annotated git tags in GTO's convention, read from the remote and pushed atomically.

    MODEL@v1.2.0            a version: the commit whose `dvc.lock` names its weights
    MODEL#champion#7        the seventh assignment: its commit's version is champion from now on

A promotion pushes both, with the run's branch, in one `git push --atomic`, and never by force: of two that would take
the same number, the remote takes one. Tag objects are made without local refs, so that a process that is killed leaves
nothing behind. A rollback is one more assignment, of an earlier version. Assignments are put in order by their numbers,
for GTO goes by the seconds of their dates.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from padstal.core.git import git, try_git
from padstal.core.promotion_tags import promotion_tags

REMOTE = "origin"
STAGE = "champion"
MARKER = "padstal: "
"""Begins the line of a tag's message that holds its record as JSON."""


@dataclass(frozen=True)
class Version:
    """A version of a model.

    Attributes:
        name: "v1.2.0".
        commit: Where it points.
        record: What its tag's message holds; empty if it was made by other hands.
    """

    name: str
    commit: str
    record: Mapping[str, Any]


@dataclass(frozen=True)
class Assignment:
    """A champion from some time on.

    Attributes:
        number: Counts all assignments of a model.
        commit: Whose version is champion; "" where the stage was taken from all of them.
        when: Date of the tag (ISO 8601).
        who: Its tagger.
        record: What its tag's message holds.
    """

    number: int
    commit: str
    when: str
    who: str
    record: Mapping[str, Any]


@dataclass(frozen=True)
class Register:
    """All that tags say of one model: versions from low to high, assignments from first to last.

    Attributes:
        next_version: One minor version above the highest.
        next_number: Of the next assignment, to any stage.
    """

    model: str
    versions: tuple[Version, ...]
    assignments: tuple[Assignment, ...]
    next_version: str
    next_number: int

    @property
    def champion(self) -> Version | None:
        """The version that the last assignment names."""
        return self.version_at(self.assignments[-1].commit) if self.assignments else None

    def version_at(self, commit: str) -> Version | None:
        """The latest version of a commit."""
        return next((one for one in reversed(self.versions) if one.commit == commit), None)

    def find(self, name: str) -> Version | None:
        """A version by name, with or without the model's."""
        wanted = name.removeprefix(f"{self.model}@")
        return next((one for one in self.versions if one.name == wanted), None)

    def carried_out(self, decision: str) -> Assignment | None:
        """The assignment that a decision led to."""
        return next((one for one in self.assignments if one.record.get("decision") == decision), None)

    def before(self) -> Version | None:
        """The champion before the present one first became champion: where a rollback goes by itself."""
        champion, earlier = self.champion, None
        for one in self.assignments:
            version = self.version_at(one.commit)
            if champion is not None and version == champion:
                return earlier
            earlier = version or earlier
        return None


def tag_of_version(model: str, version: str) -> str:
    return f"{model}@{version}"


def tag_of_assignment(model: str, number: int) -> str:
    return f"{model}#{STAGE}#{number}"


def has_remote(root: Path) -> bool:
    """Whether the repository knows `REMOTE`."""
    return bool(try_git(root, "remote", "get-url", REMOTE))


def read(root: Path, model: str) -> Register:
    """The register as the remote has it; its tags are fetched. Without a remote, as it is here.

    Raises:
        GitError: The remote cannot be asked.
    """
    from gto.versions import SemVer

    on_remote = _fetched(root, model) if has_remote(root) else None
    tags = [one for one in promotion_tags(root) if one.model == model and (on_remote is None or one.tag in on_remote)]
    versions = [Version(one.version, one.commit, _record(one.message)) for one in tags if one.version]
    versions.sort(key=lambda one: SemVer(one.name))
    assignments = [
        Assignment(one.number, one.commit if one.given else "", one.when, one.who, _record(one.message))
        for one in sorted(tags, key=lambda one: one.number)
        if one.stage == STAGE
    ]
    following = SemVer(versions[-1].name).bump_minor().version if versions else "v1.0.0"
    return Register(model, tuple(versions), tuple(assignments), following, max([0, *(one.number for one in tags)]) + 1)


def tag_object(root: Path, name: str, commit: str, message: str, record: Mapping[str, Any]) -> str:
    """A new annotated tag's object id; no ref points at it yet.

    Raises:
        GitError: git does not know who tags (`user.name`, `user.email`).
    """
    tagger = git(root, "var", "GIT_COMMITTER_IDENT")
    line = MARKER + json.dumps(record, sort_keys=True, allow_nan=False)
    return git(
        root, "mktag", given=f"object {commit}\ntype commit\ntag {name}\ntagger {tagger}\n\n{message}\n\n{line}\n"
    )


def push(root: Path, tags: Mapping[str, str], branch: str = "", commit: str = "") -> None:
    """Push tag objects, and `commit` to `branch`, all or none; then know them here too.

    Raises:
        PushRefusedError: The remote has one of these tags already, or the branch has gone elsewhere.
        GitError: The remote cannot be reached.
    """
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


def _record(message: str) -> dict[str, Any]:
    lines = [line.removeprefix(MARKER) for line in message.splitlines() if line.startswith(MARKER)]
    try:
        record = json.loads(lines[-1]) if lines else {}
    except (ValueError, RecursionError):
        record = {}
    return record if isinstance(record, dict) else {}
