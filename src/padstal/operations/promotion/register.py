"""Who is champion, and who was: annotated git tags in GTO's convention, read from the remote and pushed atomically.

    MODEL@v1.2.0            a version: the commit whose `dvc.lock` names its weights
    MODEL#champion#7        the seventh assignment: its commit's version is champion from now on

A promotion pushes both, with the run's branch, in one `git push --atomic`, and never by force: of two that would take
the same number, the remote takes one. Tag objects are made without local refs, so that a process that is killed leaves
nothing behind. A rollback is one more assignment, of an earlier version.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from padstal.core.git import git, try_git

REMOTE = "origin"
STAGE = "champion"
MARKER = "padstal: "
"""Begins the line of a tag's message that holds its record as JSON."""
_VERSION = re.compile(r"v(\d+)\.(\d+)\.(\d+)")
_ASSIGNMENT = re.compile(r"([a-z][a-z0-9-]*)(!?)#(\d+)")


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

    @property
    def key(self) -> tuple[int, ...]:
        found = _VERSION.fullmatch(self.name)
        assert found
        return tuple(map(int, found.groups()))


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
    """All that tags say of one model, oldest first."""

    model: str
    versions: tuple[Version, ...]
    assignments: tuple[Assignment, ...]
    numbers: tuple[int, ...]

    @property
    def champion(self) -> Version | None:
        """The version that the last assignment names."""
        return self.version_at(self.assignments[-1].commit) if self.assignments else None

    def version_at(self, commit: str) -> Version | None:
        """The latest version of a commit."""
        return next((one for one in reversed(self.versions) if one.commit == commit), None)

    def version(self, name: str) -> Version:
        """A version by name, with or without the model's.

        Raises:
            ValueError: There is none.
        """
        wanted = name.removeprefix(f"{self.model}@")
        found = next((one for one in self.versions if one.name == wanted), None)
        if found is None:
            known = ", ".join(one.name for one in self.versions) or "none"
            raise ValueError(f"{self.model} has no version {wanted!r}; it has {known}")
        return found

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

    @property
    def next_version(self) -> str:
        """One minor version above the highest."""
        if not self.versions:
            return "v1.0.0"
        major, minor, _ = self.versions[-1].key
        return f"v{major}.{minor + 1}.0"

    @property
    def next_number(self) -> int:
        return max(self.numbers, default=0) + 1


def tag_of_version(model: str, version: str) -> str:
    return f"{model}@{version}"


def tag_of_assignment(model: str, number: int) -> str:
    return f"{model}#{STAGE}#{number}"


def has_remote(root: Path) -> bool:
    """Whether the repository knows `REMOTE`."""
    return bool(try_git(root, "remote", "get-url", REMOTE))


def read(root: Path, model: str) -> Register:
    """The register as the remote has it; tags that are missing here are fetched. Without a remote, as it is here.

    Raises:
        GitError: The remote cannot be asked.
    """
    patterns = (f"refs/tags/{model}@*", f"refs/tags/{model}#*")
    if has_remote(root):
        listed = _pairs(git(root, "ls-remote", "--refs", REMOTE, *patterns))
        missing = [name for name, oid in listed.items() if try_git(root, "rev-parse", "--verify", "-q", name) != oid]
        if missing:
            git(root, "fetch", "--quiet", "--no-tags", REMOTE, *(f"+{name}:{name}" for name in missing))
    else:
        listed = _pairs(git(root, "for-each-ref", "--format=%(objectname)%09%(refname)", *_prefixes(root, model)))
    return _register(root, model, {name.removeprefix("refs/tags/"): oid for name, oid in listed.items()})


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


def _prefixes(root: Path, model: str) -> list[str]:
    """Local tags of a model; `for-each-ref` matches whole path parts, so names are listed first."""
    names = git(root, "for-each-ref", "--format=%(refname)", "refs/tags").splitlines()
    mine = [name for name in names if name.startswith((f"refs/tags/{model}@", f"refs/tags/{model}#"))]
    return mine or ["refs/tags/none-of-this-model"]


def _pairs(text: str) -> dict[str, str]:
    return {name: oid for oid, name in (line.split("\t", 1) for line in text.splitlines() if "\t" in line)}


def _register(root: Path, model: str, tags: Mapping[str, str]) -> Register:
    versions, assignments, numbers = [], [], []
    for name, oid in tags.items():
        version = _VERSION.fullmatch(name.removeprefix(f"{model}@"))
        assignment = _ASSIGNMENT.fullmatch(name.removeprefix(f"{model}#"))
        if not version and not assignment:
            continue
        commit, who, when, record = _read(root, oid)
        if version:
            versions.append(Version(version.group(), commit, record))
        elif assignment:
            numbers.append(int(assignment[3]))
            if assignment[1] == STAGE:
                assignments.append(Assignment(int(assignment[3]), "" if assignment[2] else commit, when, who, record))
    return Register(
        model,
        tuple(sorted(versions, key=lambda one: one.key)),
        tuple(sorted(assignments, key=lambda one: one.number)),
        tuple(sorted(numbers)),
    )


def _read(root: Path, oid: str) -> tuple[str, str, str, dict[str, Any]]:
    """(commit, tagger, date, record) of a tag object; a lightweight tag is its commit and holds no record."""
    commit = git(root, "rev-parse", "--verify", f"{oid}^{{commit}}")
    if git(root, "cat-file", "-t", oid) != "tag":
        return commit, "", git(root, "show", "-s", "--format=%cI", commit), {}
    head, _, message = git(root, "cat-file", "tag", oid).partition("\n\n")
    tagger = re.search(r"^tagger (.*) (<.*>) (\d+) ([+-]\d{4})$", head, re.MULTILINE)
    when = _date(tagger[3]) if tagger else ""
    lines = [line.removeprefix(MARKER) for line in message.splitlines() if line.startswith(MARKER)]
    try:
        record = json.loads(lines[-1]) if lines else {}
    except (ValueError, RecursionError):
        record = {}
    return commit, tagger[1] if tagger else "", when, record if isinstance(record, dict) else {}


def _date(seconds: str) -> str:
    from datetime import UTC, datetime

    return datetime.fromtimestamp(int(seconds), UTC).isoformat(timespec="seconds")
