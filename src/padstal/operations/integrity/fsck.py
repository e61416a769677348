"""One check of everything that DVC keeps, and its repair: what is wrong, what repaired it, what a person must do.

What is corrupt is moved aside, never deleted. A copy is taken from whoever has one (cache, workspace, remote) and read
again when it has come, so that rot is not spread.
"""

import contextlib
import shutil
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from padstal.core.data.leftovers import leftovers, sweep
from padstal.core.dvc_lock import LockedPath, LockError
from padstal.core.dvc_objects import key_of, read_tree
from padstal.operations.integrity import lock_repair
from padstal.operations.integrity.remotes import QUARANTINE, Store
from padstal.operations.integrity.required import RequiredObject, Tree, first, outs_in, required_objects
from padstal.operations.integrity.survey import Survey, survey
from padstal.operations.integrity.workspace import inspect_workspace

MARK_DIGITS = 8
REPAIR = {"cache": "`padstal fsck --repair`", "remote": "`padstal fsck --remote --repair`"}


@dataclass(frozen=True)
class Finding:
    """One thing that is not as it should be.

    Attributes:
        where: It lies: "cache", "remote", "workspace", or a file of DVC's own.
        fault: What is wrong: "corrupt" (other bytes than its name says), "lost" (needed and not there), "differs" (from
            dvc.lock), "unreadable", or "note" (no fault).
        what: The object or path.
        detail: In words.
        belongs: Where it belongs: "models/demo/vae/tal/model.safetensors (train_vae@tal)"; "" where nothing names it.
        repaired: What repaired it; "" if nothing did.
        advice: What a person can do; "" for nothing.
    """

    where: str
    fault: Literal["corrupt", "lost", "differs", "unreadable", "note"]
    what: str
    detail: str
    belongs: str = ""
    repaired: str = ""
    advice: str = ""

    @property
    def open(self) -> bool:
        """A fault that is still there."""
        return self.fault != "note" and not self.repaired


@dataclass(frozen=True)
class Report:
    """Of one `fsck`; `told` says how much was looked at."""

    findings: tuple[Finding, ...]
    told: tuple[str, ...]

    @property
    def clean(self) -> bool:
        return not any(finding.open for finding in self.findings)


@dataclass
class Fsck:
    """A check; what it found is kept true while it repairs, so that what became good is used for the next repair.

    Attributes:
        root: The repository.
        cache: DVC's cache.
        remote: Gives the remote; None where none is configured.
        look_remotely: Check the remote too; else it is only asked where a repair needs it.
        repair: Put right what can be.
        read_all: Read a remote's objects whose ETags are right, too.
    """

    root: Path
    cache: Store
    remote: Callable[[], Store] | None
    look_remotely: bool = False
    repair: bool = False
    read_all: bool = False

    def run(self) -> Report:
        """Check, and repair if asked to.

        Raises:
            RemoteError: The remote does not answer.
            ValueError: Another DVC process is at work, where a repair is wanted.
        """
        with lock_repair.repository_lock(self.root) if self.repair else contextlib.nullcontext():
            findings = [*self._torn(), *self._half_written()]
            self._gather()
            findings += [self._corrupt(held, oid) for held in self._stores for oid in sorted(held.bad)]
            self._list_required()
            findings += [*self._lost(), *self._in_the_workspace()]
        files = sum(map(len, self._workspace.files.values()))
        return Report(tuple(findings), (*(held.told for held in self._stores), f"workspace: {files} files"))

    def _torn(self) -> Iterator[Finding]:
        for what, why in lock_repair.torn_files(self.root).items():
            if self.repair:
                yield Finding(what, "unreadable", what, why, repaired=lock_repair.repair(self.root, what))
            else:
                yield Finding(what, "unreadable", what, why, advice=REPAIR["cache"])

    def _half_written(self) -> Iterator[Finding]:
        """What killed processes left; no fault, for the next stage removes it, too."""
        repaired, advice = ("removed", "") if self.repair else ("", REPAIR["cache"])
        for path in sweep(self.root) if self.repair else [one.path for one in leftovers(self.root) if one.dead]:
            what, detail = path.relative_to(self.root).as_posix(), "half written by a process that is gone"
            yield Finding("workspace", "note", what, detail, repaired=repaired, advice=advice)

    def _gather(self) -> None:
        self._here = survey(self.cache, "cache")
        self._there = None
        if self.remote and self.look_remotely:
            self._there = survey(self.remote(), "remote", read_all=self.read_all)
        self._stores = [self._here, *([self._there] if self._there else [])]
        try:
            self._outs = outs_in(self.root)
        except (LockError, FileNotFoundError):
            self._outs = []
        self._workspace = inspect_workspace(self.root, self._outs)
        self._list_required()

    def _list_required(self) -> None:
        """Say what is needed, from the lists of files that are good by now."""
        self._required = list(required_objects(self._outs, self._tree))
        self._belongs = {item.oid: item for item in reversed(self._required)}

    def _tree(self, oid: str) -> Tree | None:
        """List of a folder's files, from a store that has it good, or the workspace, whose folder may be that one."""
        for held in self._stores:
            if oid in held.good:
                return read_tree(held.store.read(key_of(oid)))
        if oid not in self._workspace.copies:
            return None
        fs, path = self._workspace.copies[oid]
        return read_tree(fs.cat_file(path))

    def _corrupt(self, held: Survey, oid: str) -> Finding:
        """An object that is not what its name says: moved aside, and a good copy put there."""
        md5, item = held.bad[oid], self._belongs.get(oid)
        belongs = f"{item.path} ({item.out.stage})" if item else ""
        found = Finding(held.where, "corrupt", oid, f"its bytes have MD5 {md5}", belongs)
        if not self.repair:
            return replace(found, advice=REPAIR[held.where])
        moved = f"moved to {(aside := held.store.set_aside(key_of(oid), md5[:MARK_DIGITS]))}"
        if source := self._restored(held, oid):
            return replace(found, repaired=f"{source}; the corrupt one is {aside}")
        if item is None and (unlisted := self._unlisted()):
            names = ", ".join(out.path for out in unlisted)
            again = ", ".join(remake(out.stage) for out in unlisted)
            return replace(found, advice=f"{moved}; it may belong to {names}, whose list of files is lost; {again}")
        if item is None:
            return replace(found, repaired=f"{moved}; the workspace's dvc.lock does not name it")
        return replace(found, advice=f"{moved}; no good copy found{self._failure}; {remake(item.out.stage)}")

    def _unlisted(self) -> list[LockedPath]:
        """Folders whose list of files is nowhere, so that what they need cannot be told."""
        known = {*self._workspace.copies, *(oid for held in self._stores for oid in held.good)}
        return [out for out in self._outs if out.is_folder and out.md5 not in known]

    def _lost(self) -> Iterator[Finding]:
        """What the cache lacks: a finding for each output that has lost something; what is elsewhere, as a note."""
        absent: dict[LockedPath, dict[str, RequiredObject]] = defaultdict(dict)
        for item in self._required:
            if item.out.cached and item.oid not in self._here.good and item.oid not in self._here.bad:
                absent[item.out].setdefault(item.oid, item)
        away = []
        for out, items in absent.items():
            here = [item for oid, item in items.items() if oid in self._workspace.copies]
            lost = [item for oid, item in items.items() if item not in here and not self._remote_may_have(oid)]
            away += [item for item in items.values() if item not in here and item not in lost]
            if here:
                put = [self._restored(self._here, item.oid) for item in here if self.repair]
                detail = f"the cache lacks {_counted(here)}, which the workspace has"
                repaired = "put into the cache from the workspace" if put and all(put) else ""
                advice = "" if repaired else f"{REPAIR['cache']}, or `dvc commit`"
                yield Finding("cache", "lost", out.path, detail, out.stage, repaired, advice)
            if lost:
                who = "neither the cache nor the remote has" if self._there else "the cache lacks"
                yield Finding("cache", "lost", out.path, f"{who} {_counted(lost)}", out.stage, "", remake(out.stage))
        look = "" if self._there else ", or `padstal fsck --remote` to see whether the remote has them"
        if away:
            yield Finding(
                "cache", "note", "absent", f"not in this cache: {_counted(away)}", advice=f"`padstal pull`{look}"
            )

    def _in_the_workspace(self) -> Iterator[Finding]:
        """Files that are not what `dvc.lock` says."""
        for path, process in self._workspace.busy.items():
            yield Finding("workspace", "note", path, f"process {process} is writing it; not looked at")
        for out, found in self._workspace.files.items():
            tree = self._tree(out.md5) if out.is_folder else [("", out.md5)]
            if tree is None:
                detail = "a folder that is not what dvc.lock names; in which file cannot be told, its list is lost"
                yield Finding("workspace", "differs", out.path, detail, out.stage, "", remake(out.stage))
                continue
            expected = dict(tree)
            for name in sorted(expected.keys() | found.keys()):
                if expected.get(name) != found.get(name):
                    yield self._differing(out, name, expected.get(name, ""), found.get(name, ""))

    def _differing(self, out: LockedPath, name: str, oid: str, md5: str) -> Finding:
        """A file that is not what it should be ("" where `dvc.lock` does not name it, or it is not there)."""
        path = f"{out.path}/{name}".rstrip("/")
        detail = f"MD5 {md5}, dvc.lock says {oid}" if md5 else "missing from its folder"
        repaired, advice = "", remake(out.stage)
        if not out.cached:
            advice = f"`git checkout {path}`, or {advice}"
        elif not self.repair:
            advice = f"`dvc checkout --force {out.path}`, or if it is meant so {advice}"
        elif repaired := self._set_right(path, oid, md5):
            advice = ""
        detail = detail if oid else "dvc.lock does not name it"
        return Finding("workspace", "differs", path, detail, out.stage, repaired, advice)

    def _set_right(self, path: str, oid: str, md5: str) -> str:
        """Move a file aside and copy what belongs there from the cache; says how, or "" if its object is nowhere."""
        from dvc_objects.fs import localfs
        from dvc_objects.fs.generic import transfer

        file, good, said = self.root / path, oid in self._here.good, "from the cache"
        if md5 and (good or not oid or oid in self._here.bad):  # of a bad object the file may be the hard link
            name = f"{QUARANTINE}workspace/{path}.{md5[:MARK_DIGITS]}"
            Path(self.cache.path(name)).parent.mkdir(parents=True, exist_ok=True)
            shutil.move(file, self.cache.path(name))
            said = f"what was there is {name} in the cache"
        if good:
            file.parent.mkdir(parents=True, exist_ok=True)
            transfer(localfs, self.cache.path(key_of(oid)), localfs, str(file))
        return said if good or not oid else ""

    def _restored(self, held: Survey, oid: str) -> str:
        """Give a store an object from whoever has it; says from whom, or "" if nobody has it right."""
        self._failure = ""
        try:
            for source, fs, path in self._copies(held, oid):
                if held.store.add(oid, fs, path):
                    held.good.add(oid)
                    return f"from {source}"
        except Exception as error:  # DVC's file systems raise what their libraries raise
            self._failure = f" ({error})"
        return ""

    def _copies(self, held: Survey, oid: str) -> Iterator[tuple[str, Any, str]]:
        """Who may have an object's bytes; DVC's file system and path of them."""
        if oid in self._workspace.copies:
            yield "the workspace", *self._workspace.copies[oid]
        if held is not self._here and oid in self._here.good:
            yield self.cache.name, self.cache.fs, self.cache.path(key_of(oid))
        if held is self._here and self.remote and self._remote_may_have(oid):
            store = self._there.store if self._there else self.remote()
            yield store.name, store.fs, store.path(key_of(oid))

    def _remote_may_have(self, oid: str) -> bool:
        return oid in self._there.good if self._there else self.remote is not None


def remake(stage: str) -> str:
    """The command that makes a stage's output again."""
    return f"`dvc repro -s -f {stage}`"


def _counted(items: Sequence[RequiredObject]) -> str:
    """A count and the first names."""
    count = len({item.oid for item in items})
    return f"{count} {'object' if count == 1 else 'objects'}: {first(item.path for item in items)}"
