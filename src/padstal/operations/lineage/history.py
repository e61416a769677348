"""Every `dvc.lock` of a repository: the workspace's, and that of each commit that a branch, tag or log reaches."""

from dataclasses import dataclass
from pathlib import Path

from padstal.core.dvc_lock import LOCK, LockedPath, LockedStage, outs_of, readable_stages
from padstal.core.git import GitError, blobs, git
from padstal.core.promotion_tags import PromotionTag, promotion_tags


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
class History:
    """All snapshots and promotions of the repository at `root`; `commits` are all, the newest first."""

    root: Path
    snapshots: list[Snapshot]
    promotions: list[PromotionTag]
    commits: list[str]


def read_history(root: Path) -> History:
    """The history of the repository at `root`.

    Raises:
        GitError: There is no git repository, or its history was cut.
    """
    if git(root, "rev-parse", "--is-shallow-repository") == "true":
        raise GitError(
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
    return History(root, snapshots, promotion_tags(root), commits)
