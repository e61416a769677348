"""Files of a git revision, read from git's store without checking anything out; `workspace` is the folder itself."""

import re
from dataclasses import dataclass
from pathlib import Path

from padstal.core.dvc_lock import LOCK, LockedPath, outs_of, readable_stages
from padstal.core.git import GitError, git, git_bytes, try_git

WORKSPACE = "workspace"
LARGEST_FILE = 16 * 2**20
"""Bytes; the files that are compared (params, locks, metrics) are far smaller. A larger one counts as absent."""


@dataclass(frozen=True)
class Tree:
    """One revision of a repository.

    Attributes:
        commit: The commit's full name; of the workspace, the commit that it is based on ("" before the first).
        workspace: Whether files are read from the folder.
        changed: Whether files of the workspace differ from that commit.
    """

    root: Path
    name: str
    commit: str
    workspace: bool
    changed: bool

    def read(self, path: str) -> bytes | None:
        """A file's content; `None` where there is none, or a link, or one over `LARGEST_FILE`."""
        if self.workspace:
            file = self.root / path
            if file.is_symlink() or not file.is_file() or file.stat().st_size > LARGEST_FILE:
                return None
            return file.read_bytes()
        entry = git_bytes(self.root, "ls-tree", "-z", "-l", self.commit, "--", f":(literal){path}").split(b"\0")[0]
        found = _ENTRY.fullmatch(entry)
        if not found or found["kind"] != b"100" or int(found["bytes"]) > LARGEST_FILE:
            return None
        return git_bytes(self.root, "cat-file", "blob", found["blob"].decode())

    def outs(self) -> dict[str, LockedPath]:
        """Outputs of its `dvc.lock` by path, as far as it can be read."""
        return outs_of(readable_stages(self.read(LOCK)))

    def files(self, folder: str, ending: str) -> list[str]:
        """Paths of the files right in `folder` whose names have `ending`, sorted."""
        if self.workspace:
            found = [f"{folder}/{file.name}" for file in (self.root / folder).glob("*") if file.is_file()]
        else:
            listed = git_bytes(self.root, "ls-tree", "-z", "--name-only", self.commit, "--", f":(literal){folder}/")
            found = [name.decode("utf-8", "replace") for name in listed.split(b"\0") if name]
        return sorted(path for path in found if path.endswith(ending))


def open_tree(root: Path, name: str) -> Tree:
    """The revision `name` (a commit, branch, tag, `HEAD~2` …) of the repository at `root`, or `workspace`.

    Raises:
        GitError: `root` is in no git repository, or there is no such revision.
    """
    try:
        git(root, "rev-parse", "--git-dir")
    except GitError as error:
        raise GitError(f"{root}: expected a git repository; {error}") from None
    commit = try_git(root, "rev-parse", "--verify", "--quiet", "--end-of-options", _revision(name))
    workspace = name == WORKSPACE
    if not commit and not workspace:
        raise GitError(
            f"{name!r}: no such revision here; expected a commit, a branch, a tag or '{WORKSPACE}' "
            "(in a shallow clone, fetch it first: git fetch --depth 1 origin REVISION)"
        )
    changed = workspace and bool(try_git(root, "status", "--porcelain", "--untracked-files=no"))
    return Tree(root, name, commit, workspace, changed)


def _revision(name: str) -> str:
    return "HEAD^{commit}" if name == WORKSPACE else f"{name}^{{commit}}"


_ENTRY = re.compile(rb"(?P<kind>\d{3})\d{3} blob (?P<blob>[0-9a-f]{40,64}) +(?P<bytes>\d+)\t.*", re.DOTALL)
