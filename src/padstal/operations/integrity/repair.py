"""Putting things right: what is corrupt is moved aside, never deleted, and a good copy is put in its place.

A copy counts as good when its bytes have the MD5 that the object's name says, read at that moment.
"""

import contextlib
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from padstal.core.dvc_objects import RUNS, digits, key_of, md5_of, oid_of
from padstal.operations.integrity.evidence import Evidence
from padstal.operations.integrity.remotes import QUARANTINE, Entry, RemoteError, Store
from padstal.operations.integrity.required import RequiredObject
from padstal.operations.integrity.survey import Survey, run_fault
from padstal.operations.integrity.workspace import WrongFile

MARK_DIGITS = 8


class Repairer:
    """Repairs, one finding after the other; what became good is used for the next.

    Args:
        evidence: What was found.
        links: How the workspace gets a file of the cache.
        remote: Gives the remote, asked once and only where it is needed; None for none.
    """

    def __init__(self, evidence: Evidence, links: Sequence[str], remote: Callable[[], Store] | None):
        self._evidence, self._links, self._give_remote = evidence, links, remote
        self._remote: Store | None = evidence.remote.store if evidence.remote else None
        self._failure = ""

    def replace(self, held: Survey, key: str) -> tuple[str, str]:
        """Move a corrupt file of a store aside and put a good copy there: what repaired it, and what is left to do."""
        bad = held.bad[key]
        with self._copy(key, held) as (copy, source):
            aside = held.store.set_aside(key, bad.md5[:MARK_DIGITS])
            if copy is not None:
                held.store.put(key, copy)
                held.good[key] = bad.entry
                return f"{source}; the corrupt one is {aside}", ""
        if key.startswith(RUNS):
            return f"moved to {aside}; DVC runs that stage once more when it needs it", ""
        return self._without(str(oid_of(key)), aside)

    def add(self, held: Survey, lacking: Iterable[RequiredObject]) -> bool:
        """Give a store objects that it lacks; whether all of them could be had."""
        whole = True
        for item in lacking:
            key = key_of(item.oid)
            with self._copy(key, held) as (copy, _):
                if copy is None:
                    whole = False
                    continue
                held.store.put(key, copy)
                held.good[key] = Entry(key, copy.stat().st_size)
        return whole

    def workspace_file(self, wrong: WrongFile) -> str:
        """Make a file of the workspace what `dvc.lock` says; says how, or "" if its object is nowhere."""
        from dvc_objects.fs import localfs
        from dvc_objects.fs.generic import transfer

        cache = self._evidence.cache
        file = self._evidence.root / wrong.path
        good = bool(wrong.oid) and wrong.oid in cache
        rotten = bool(wrong.oid) and key_of(wrong.oid) in cache.bad  # the file may be its hard link
        if wrong.oid and not good and not rotten:
            return ""
        aside = ""
        if file.exists() or file.is_symlink():
            name = f"{QUARANTINE}workspace/{wrong.path}.{wrong.md5[:MARK_DIGITS]}"
            Path(cache.store.path(name)).parent.mkdir(parents=True, exist_ok=True)
            shutil.move(file, cache.store.path(name))
            aside = f"what was there is {name} in the cache"
        if not good:
            return "" if wrong.oid else aside
        file.parent.mkdir(parents=True, exist_ok=True)
        transfer(localfs, cache.store.path(key_of(wrong.oid)), localfs, str(file), links=[*self._links, "copy"])
        return f"from the cache{'; ' if aside else ''}{aside}"

    @contextlib.contextmanager
    def _copy(self, key: str, needy: Survey) -> Iterator[tuple[Path | None, str]]:
        """A good copy of a file for a store, and where it comes from; (None, "") if there is none."""
        base = Path(self._evidence.cache.store.base)
        base.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=base) as folder:
            copy = Path(folder, "copy")
            for source, bring in self._sources(key, needy):
                try:
                    bring(copy)
                except (OSError, RemoteError) as error:
                    self._failure = f"{source} could not be read: {error}"
                    continue
                oid = oid_of(key)
                if md5_of(copy) == digits(oid) if oid else not run_fault(key, copy.read_bytes()):
                    yield copy, source
                    return
            yield None, ""

    def _sources(self, key: str, needy: Survey) -> Iterator[tuple[str, Callable[[Path], object]]]:
        evidence = self._evidence
        oid = oid_of(key) or ""
        if needy is not evidence.cache and key in evidence.cache.good:
            yield "from the cache", lambda copy: evidence.cache.store.fetch(key, copy)
        file = evidence.workspace.copies.get(digits(oid))
        if file is not None:
            yield f"from the workspace ({file.relative_to(evidence.root)})", lambda copy: shutil.copyfile(file, copy)
        if oid in evidence.workspace.trees:
            made = evidence.workspace.trees[oid]
            yield "made anew from the workspace's folder", lambda copy: copy.write_bytes(made)
        if needy is not evidence.remote and (evidence.remote is None or key in evidence.remote.good):
            remote = self._asked_remote()
            if remote is not None:
                yield f"from {remote.name}", lambda copy: remote.fetch(key, copy)

    def _asked_remote(self) -> Store | None:
        if self._remote is None and self._give_remote is not None:
            try:
                self._remote = self._give_remote()
            except ValueError as error:
                self._failure, self._give_remote = str(error), None
        return self._remote

    def _without(self, oid: str, aside: str) -> tuple[str, str]:
        """What is said of a corrupt object that nobody else has."""
        evidence = self._evidence
        item = evidence.belongs.get(oid)
        if item is None and evidence.unlisted:
            names = ", ".join(out.path for out, _ in evidence.unlisted)
            again = ", ".join(remake(out.stage, commit) for out, commit in evidence.unlisted)
            return "", f"moved to {aside}; it may belong to {names}, whose list of files is lost; {again}"
        if item is None:
            return f"moved to {aside}; no dvc.lock that was looked at names it", ""
        if not item.out.cached:
            return f"moved to {aside}; git has {item.path}", ""
        failure = f" ({self._failure})" if self._failure else ""
        return "", f"moved to {aside}; no good copy found{failure}; {remake(item.out.stage, item.commit)}"


def remake(stage: str, commit: str = "") -> str:
    """The command that makes a stage's output again."""
    first = f"check out commit {commit[:12]}, then " if commit else ""
    return f"{first}`dvc repro -s -f {stage}`"
