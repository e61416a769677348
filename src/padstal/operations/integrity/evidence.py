"""Everything that a check looks at, gathered once: what is needed, and what cache, remote and workspace hold."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from padstal.core.dvc_lock import LockedPath, LockError
from padstal.core.dvc_objects import digits, key_of, oid_of, read_tree
from padstal.operations.integrity.remotes import Store
from padstal.operations.integrity.required import RequiredObject, Tree, outs_in, outs_in_history, required_objects
from padstal.operations.integrity.survey import Show, Survey, survey
from padstal.operations.integrity.workspace import Inode, Workspace, inspect_workspace


@dataclass
class Evidence:
    """What was found; a repair adds what it put right.

    Attributes:
        root: The repository.
        cache, remote: What they hold; None for a remote that is not looked at.
        workspace: Its files.
        named: Outputs by the commit whose `dvc.lock` names them, the workspace's ("") first.
        required: All objects of these outputs, as far as the folders' lists of files are there.
        belongs: Object → a place where it belongs, the workspace's `dvc.lock` first.
        unlisted: Folders whose list of files is nowhere, so that what they need cannot be told, with the commit.
    """

    root: Path
    cache: Survey
    remote: Survey | None
    workspace: Workspace
    named: list[tuple[str, list[LockedPath]]]
    required: list[RequiredObject] = field(default_factory=list)
    belongs: dict[str, RequiredObject] = field(default_factory=dict)
    unlisted: list[tuple[LockedPath, str]] = field(default_factory=list)

    @property
    def surveys(self) -> list[Survey]:
        """Of the cache, and of the remote if it is looked at."""
        return [self.cache, *([self.remote] if self.remote else [])]

    def copy_here(self, oid: str) -> bool:
        """Whether the workspace has an object's bytes."""
        return digits(oid) in self.workspace.copies or oid in self.workspace.trees

    def list_required(self) -> None:
        """Say what is needed, from the lists of files that are good by now."""

        def tree_of(oid: str) -> Tree | None:
            made = self.workspace.trees.get(oid)
            return read_tree(made) if made else stored_tree(oid, self.surveys)

        self.required, self.belongs, self.unlisted = [], {}, []
        seen: set[str] = set()  # an output that did not change between commits counts once
        for commit, outs in self.named:
            new = [out for out in outs if out.md5 not in seen]
            required, unlisted = required_objects(new, tree_of, commit)
            self.required += required
            self.unlisted += [(out, commit) for out in unlisted]
            seen.update(out.md5 for out in outs)
        for item in self.required:
            self.belongs.setdefault(item.oid, item)


def stored_tree(oid: str, surveys: Iterable[Survey]) -> Tree | None:
    """List of a folder's files from the first store that has it good."""
    for held in surveys:
        if oid in held:
            return read_tree(held.store.read(key_of(oid)))
    return None


def gather(
    root: Path,
    cache: Store,
    remote: Store | None,
    *,
    every_commit: bool,
    read_all: bool,
    show: Show,
    commits: Callable[[list[str]], Iterable[str]],
) -> Evidence:
    """Look at everything.

    Args:
        root: The repository.
        cache, remote: To look at; None for no remote.
        every_commit: Take what the `dvc.lock` of every commit of all branches and tags needs as needed too.
        read_all: Read objects of the remote whose ETag is right, too.
        show: Progress of bytes.
        commits: Wraps the commits, to show progress.

    Raises:
        RemoteError: The remote does not answer.
    """
    surveys = [survey(cache, "cache", show)]
    if remote:
        surveys.append(survey(remote, "remote", show, read_all=read_all))
    try:
        outs = outs_in(root)
    except (LockError, FileNotFoundError):
        outs = []
    workspace = inspect_workspace(root, outs, lambda oid: stored_tree(oid, surveys), _inodes(surveys[0]), show)
    named = [("", outs), *(outs_in_history(root, commits) if every_commit else [])]
    evidence = Evidence(root, surveys[0], surveys[1] if remote else None, workspace, named)
    evidence.list_required()
    return evidence


def _inodes(cache: Survey) -> dict[Inode, tuple[str, str]]:
    """Objects by inode: the MD5 that they have, and that which their names say."""
    found = {}
    for key in (*cache.good, *cache.bad):
        oid = oid_of(key)
        if oid and Path(cache.store.path(key)).exists():
            stat = Path(cache.store.path(key)).stat()
            md5 = cache.bad[key].md5 if key in cache.bad else digits(oid)
            found[(stat.st_dev, stat.st_ino)] = (md5, digits(oid))
    return found
