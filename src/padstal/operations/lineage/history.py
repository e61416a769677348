"""Every `dvc.lock` of a repository: the workspace's, and that of each commit that a branch, tag or log reaches.

Promotions are git tags as GTO writes them: `MODEL@v1.2.0` is a version, `MODEL#champion#3` gives it a stage.
"""

import contextlib
from dataclasses import dataclass
from pathlib import Path

from padstal.core.dvc_lock import LOCK, LockedPath, LockedStage, artifact_paths, outs_of, readable_stages
from padstal.core.git import GitError, blobs, git


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

    @property
    def outs(self) -> dict[str, LockedPath]:
        """Outputs that stood side by side, by path."""
        return outs_of(self.lock)


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


@dataclass(frozen=True)
class History:
    """All snapshots and promotions of the repository at `root`; `commits` are all, the newest first."""

    root: Path
    snapshots: list[Snapshot]
    promotions: list[Promotion]
    commits: list[str]


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
    commits = git(root, "log", "--all", "--reflog", "--topo-order", "--format=%H").split()
    here = (root / LOCK).read_bytes() if (root / LOCK).is_file() else None
    commits_of: dict[bytes, list[str]] = {} if here is None else {here: []}
    for commit, content in zip(commits, blobs(root, [f"{one}:./{LOCK}" for one in commits]), strict=True):
        if content is not None:
            commits_of.setdefault(content, []).append(commit)
    snapshots = [
        Snapshot(tuple(found), readable_stages(content), content == here) for content, found in commits_of.items()
    ]
    return History(root, snapshots, _promotions(root), commits)


def _promotions(root: Path) -> list[Promotion]:
    from gto.exceptions import InvalidTagName
    from gto.tag import parse_name

    listed = git(root, "for-each-ref", "--format=%(refname:short)%00%(objectname)%00%(*objectname)", "refs/tags")
    found = []
    for line in listed.splitlines():
        tag, own, peeled = line.split("\0")
        with contextlib.suppress(InvalidTagName):
            found.append((tag, peeled or own, parse_name(tag)))
    newest: dict[tuple[str, str], int] = {}
    for _, _, told in found:
        key = (told["name"], told.get("stage", ""))
        newest[key] = max(newest.get(key, 0), told.get("counter", 0))
    pipelines, params = (
        blobs(root, [f"{commit}:./{name}" for _, commit, _ in found]) for name in ("dvc.yaml", "params.yaml")
    )
    promotions = []
    for (tag, commit, told), *texts in zip(found, pipelines, params, strict=True):
        model, stage = told["name"], told.get("stage", "")
        current = bool(stage) and told.get("counter", 0) == newest[model, stage]
        promotions.append(Promotion(tag, commit, model, current, artifact_paths(*texts).get(model, "")))
    return promotions
