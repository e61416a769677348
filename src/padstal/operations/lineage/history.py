"""Every `dvc.lock` of a repository: the workspace's, and that of each commit that a branch, tag or log reaches.

Promotions are git tags as GTO writes them: `MODEL@v1.2.0` is a version, `MODEL#champion#3` gives it a stage.
"""

import contextlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from padstal.core.dvc_lock import LOCK, LockedStage, artifact_paths, readable_stages
from padstal.core.git import GitError, git, git_bytes


class HistoryError(GitError):
    """The history cannot be read whole; the message says what would mend it."""


@dataclass(frozen=True)
class Snapshot:
    """One content of `dvc.lock`.

    Attributes:
        commits: Whose lock this is, the newest first; none where only the workspace has it.
        lock: Its stages.
        workspace: Whether the workspace has it.
    """

    commits: tuple[str, ...]
    lock: dict[str, LockedStage]
    workspace: bool = False


@dataclass(frozen=True)
class Promotion:
    """A tag that names a model.

    Attributes:
        tag, commit: Of the tag.
        model: The name that it promotes.
        current: Whether it gives a stage and is the stage's newest, which counts.
        path: Of the model there, as `artifacts:` of dvc.yaml says; "" if it does not.
    """

    tag: str
    commit: str
    model: str
    current: bool
    path: str


@dataclass
class History:
    """All snapshots and promotions.

    Attributes:
        dates: Commit → its date.
    """

    root: Path
    prefix: str
    snapshots: list[Snapshot] = field(default_factory=list)
    promotions: list[Promotion] = field(default_factory=list)
    dates: dict[str, str] = field(default_factory=dict)

    def blobs(self, path: str, commits: Iterable[str]) -> dict[str, bytes]:
        """A file's distinct contents in these commits, by blob."""
        found = _objects(self.root, [f"{commit}:{self.prefix}{path}" for commit in commits])
        return _contents(self.root, {blob for blob in found if blob})


def read_history(root: Path) -> History:
    """The history of the repository at `root`.

    Raises:
        HistoryError: Its history was cut.
        GitError: There is no git repository.
    """
    if git(root, "rev-parse", "--is-shallow-repository") == "true":
        raise HistoryError(
            f"{root}: a shallow clone, whose history is cut; fetch it whole first: git fetch --unshallow --tags"
        )
    history = History(root, git(root, "rev-parse", "--show-prefix"))
    listed = git(root, "log", "--all", "--reflog", "--topo-order", "--format=%H %cs").split("\n")
    history.dates = dict(line.split(" ", 1) for line in listed if line)
    blobs = _objects(root, [f"{commit}:{history.prefix}{LOCK}" for commit in history.dates])
    commits_of: dict[str, list[str]] = {}
    for commit, blob in zip(history.dates, blobs, strict=True):
        if blob:
            commits_of.setdefault(blob, []).append(commit)
    contents = _contents(root, set(commits_of))
    here = (root / LOCK).read_bytes() if (root / LOCK).is_file() else None
    for blob, commits in commits_of.items():
        same = contents[blob] == here
        history.snapshots.append(Snapshot(tuple(commits), readable_stages(contents[blob]), same))
    if here is not None and here not in contents.values():
        history.snapshots.append(Snapshot((), readable_stages(here), True))
    history.promotions = _promotions(root, history.prefix)
    return history


def _promotions(root: Path, prefix: str) -> list[Promotion]:
    from gto.exceptions import InvalidTagName
    from gto.tag import parse_name

    listed = git(root, "for-each-ref", "--format=%(refname:short)%00%(objectname)%00%(*objectname)", "refs/tags")
    found: list[tuple[str, str, dict[str, Any]]] = []
    for line in listed.splitlines():
        tag, own, peeled = line.split("\0")
        with contextlib.suppress(InvalidTagName):
            found.append((tag, peeled or own, parse_name(tag)))
    newest: dict[tuple[str, str], int] = {}
    for _, _, told in found:
        if "stage" in told:
            key = (told["name"], told["stage"])
            newest[key] = max(newest.get(key, -1), told.get("counter", 0))
    promotions = []
    artifacts = {commit: _artifacts(root, prefix, commit) for commit in {commit for _, commit, _ in found}}
    for tag, commit, told in found:
        model = told["name"]
        current = "stage" in told and newest[(model, told["stage"])] == told.get("counter", 0)
        promotions.append(Promotion(tag, commit, model, current, artifacts[commit].get(model, "")))
    return promotions


def _artifacts(root: Path, prefix: str, commit: str) -> dict[str, str]:
    """`artifacts:` of a commit's dvc.yaml: name → path, at the scale that is active there."""
    blobs = _objects(root, [f"{commit}:{prefix}{name}" for name in ("dvc.yaml", "params.yaml")])
    contents = _contents(root, {blob for blob in blobs if blob})
    pipeline, params = (contents[blob] if blob else None for blob in blobs)
    return artifact_paths(pipeline, params)


def _objects(root: Path, names: list[str]) -> list[str]:
    """The blob that each name ("commit:path") stands for; "" for none."""
    if not names:
        return []
    text = "".join(f"{name}\n" for name in names)
    lines = git(root, "cat-file", "--batch-check=%(objectname) %(objecttype)", given=text).splitlines()
    return [line.split(" ")[0] if line.endswith(" blob") else "" for line in lines]


def _contents(root: Path, blobs: set[str]) -> dict[str, bytes]:
    if not blobs:
        return {}
    answer = git_bytes(root, "cat-file", "--batch", given="".join(f"{blob}\n" for blob in sorted(blobs)).encode())
    found, at = {}, 0
    while at < len(answer):
        end = answer.index(b"\n", at)
        name, _, length = answer[at:end].decode().split(" ")
        found[name] = answer[end + 1 : end + 1 + int(length)]
        at = end + 2 + int(length)
    return found
