"""Everything that a check looks at, gathered once: what is needed, and what cache, remote and workspace hold."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from padstal.core.dvc_lock import LockedPath, LockError
from padstal.core.dvc_objects import digits, key_of, read_tree
from padstal.operations.integrity.locations import Folder, Place
from padstal.operations.integrity.required import RequiredObject, Tree, outs_in, outs_in_history, required_objects
from padstal.operations.integrity.survey import Show, Survey, survey
from padstal.operations.integrity.workspace import Workspace, busy_paths, inspect_workspace


@dataclass
class Evidence:
    """What was found; a repair adds what it put right.

    Attributes:
        root: The repository.
        cache: DVC's cache.
        remote: The remote that is looked at too, or None.
        in_cache, in_remote: Their objects.
        workspace: Its files.
        named: Outputs by the commit whose `dvc.lock` names them, the workspace's ("") first.
        required: All objects of these outputs, as far as the folders' lists of files are there.
        belongs: Object → a place where it belongs, the workspace's `dvc.lock` first.
        unlisted: Folders whose list of files is nowhere, so that what they need cannot be told, with the commit.
    """

    root: Path
    cache: Folder
    remote: Place | None
    in_cache: Survey
    in_remote: Survey | None
    workspace: Workspace
    named: list[tuple[str, list[LockedPath]]]
    required: list[RequiredObject] = field(default_factory=list)
    belongs: dict[str, RequiredObject] = field(default_factory=dict)
    unlisted: list[tuple[LockedPath, str]] = field(default_factory=list)

    def good_copy(self, oid: str) -> Path | None:
        """A file of the cache that has an object's bytes."""
        return self.cache.path(key_of(oid)) if oid in self.in_cache else None

    def tree_of(self, oid: str) -> Tree | None:
        """List of a folder's files, from wherever it is good; None if it is nowhere."""
        if oid in self.workspace.trees:
            return read_tree(self.workspace.trees[oid])
        return stored_tree(oid, (self.cache, self.in_cache), (self.remote, self.in_remote))

    def list_required(self) -> None:
        """Say what is needed, from the lists of files that are good by now."""
        self.required, self.belongs, self.unlisted = [], {}, []
        seen: set[str] = set()  # an output that did not change between commits counts once
        for commit, outs in self.named:
            required, unlisted = required_objects([out for out in outs if out.md5 not in seen], self.tree_of, commit)
            self.required += required
            self.unlisted += [(out, commit) for out in unlisted]
            seen.update(out.md5 for out in outs)
        for item in self.required:
            self.belongs.setdefault(item.oid, item)


def stored_tree(oid: str, *places: tuple[Place | None, Survey | None]) -> Tree | None:
    """List of a folder's files from the first place that has it good."""
    for place, held in places:
        if place is not None and held is not None and oid in held:
            return read_tree(place.read(key_of(oid)))
    return None


def gather(
    root: Path,
    cache: Folder,
    remote: Place | None,
    *,
    every_commit: bool,
    show: Show,
    commits: Callable[[list[str]], Iterable[str]],
) -> Evidence:
    """Look at everything.

    Args:
        root: The repository.
        cache, remote: To look at; None for no remote.
        every_commit: Take what the `dvc.lock` of every commit of all branches and tags needs as needed too.
        show: Progress of bytes.
        commits: Wraps the commits, to show progress.

    Raises:
        StoreError: The remote does not answer.
    """
    in_cache = survey(cache, lambda oid: None, show, "cache")

    def cached(oid: str) -> Path | None:
        return cache.path(key_of(oid)) if oid in in_cache else None

    in_remote = survey(remote, cached, show, "remote") if remote else None

    try:
        outs = outs_in(root)
    except (LockError, FileNotFoundError):
        outs = []
    inodes = {}
    for held in (in_cache.good, in_cache.bad):
        for oid in held:
            stat = cache.path(key_of(oid)).stat()
            found = in_cache.bad[oid].found if oid in in_cache.bad else digits(oid)
            inodes[(stat.st_dev, stat.st_ino)] = (found, digits(oid))
    workspace = inspect_workspace(
        root, outs, lambda oid: stored_tree(oid, (cache, in_cache), (remote, in_remote)), inodes, busy_paths(root), show
    )
    named = [("", outs), *(outs_in_history(root, commits) if every_commit else [])]
    evidence = Evidence(root, cache, remote, in_cache, in_remote, workspace, named)
    evidence.list_required()
    return evidence
