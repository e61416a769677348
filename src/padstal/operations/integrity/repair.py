"""Putting things right: what is corrupt is moved aside, never deleted, and a good copy is put in its place.

A copy counts as good when its bytes have the MD5 that the object's name says, read at that moment.
"""

import contextlib
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from padstal.core.dvc_objects import digits, key_of, md5_of
from padstal.ingest.s3.errors import StoreError
from padstal.operations.integrity.evidence import Evidence
from padstal.operations.integrity.locations import QUARANTINE, Entry, Place, move
from padstal.operations.integrity.run_cache import CorruptRun, fault
from padstal.operations.integrity.survey import CorruptObject
from padstal.operations.integrity.workspace import WrongFile, link

MARK_DIGITS = 8


class Repairer:
    """Repairs, one finding after the other; what became good is used for the next.

    Args:
        evidence: What was found.
        links: How the workspace gets a file of the cache.
        remote: Gives the remote, asked once and only where it is needed; None for none.
    """

    def __init__(self, evidence: Evidence, links: Sequence[str], remote: Callable[[], Place] | None):
        self._evidence, self._links, self._give_remote = evidence, links, remote
        self._remote: Place | None = evidence.remote
        self._failure = ""

    def cache_object(self, oid: str, bad: CorruptObject) -> tuple[str, str]:
        """Put a corrupt object of the cache right: what repaired it, and what is left to do."""
        evidence = self._evidence
        key = key_of(oid)
        with self._copy(oid, not_from="cache") as (copy, source):
            aside = evidence.cache.set_aside(key, (bad.found or "corrupt")[:MARK_DIGITS])
            if copy is not None:
                evidence.cache.put(key, copy)
                evidence.in_cache.good[oid] = bad.entry
                return f"{source}; the corrupt one is {aside}", ""
        return self._without(oid, aside)

    def remote_object(self, oid: str, bad: CorruptObject) -> tuple[str, str]:
        """Put a corrupt object of the remote right: what repaired it, and what is left to do."""
        evidence = self._evidence
        assert evidence.remote is not None
        assert evidence.in_remote is not None
        key = key_of(oid)
        with self._copy(oid, not_from="remote") as (copy, source):
            aside = evidence.remote.set_aside(key, (bad.found or bad.entry.etag or "corrupt")[:MARK_DIGITS])
            if copy is not None:
                evidence.remote.put(key, copy)
                evidence.in_remote.good[oid] = bad.entry
                return f"{source}; the corrupt one is {aside}", ""
        return self._without(oid, aside)

    def add(self, oid: str, to_remote: bool) -> str:
        """Give the cache, or the remote, an object that it lacks; says from where, or "" if nobody has it."""
        evidence = self._evidence
        with self._copy(oid, not_from="remote" if to_remote else "cache") as (copy, source):
            place = evidence.remote if to_remote else evidence.cache
            held = evidence.in_remote if to_remote else evidence.in_cache
            if copy is None or place is None or held is None:
                return ""
            place.put(key_of(oid), copy)
            held.good[oid] = Entry(key_of(oid), copy.stat().st_size)
            return source

    def workspace_file(self, wrong: WrongFile) -> str:
        """Make a file of the workspace what `dvc.lock` says; says how, or "" if its object is nowhere."""
        evidence = self._evidence
        file = evidence.root / wrong.path
        source = evidence.good_copy(wrong.oid) if wrong.oid else None
        rotten = bool(wrong.oid) and wrong.oid in evidence.in_cache.bad  # the file may be its hard link
        if wrong.oid and source is None and not rotten:
            return ""
        aside = ""
        if file.exists() or file.is_symlink():
            name = f"{QUARANTINE}workspace/{wrong.path}.{wrong.md5[:MARK_DIGITS]}"
            move(file, evidence.cache.path(name))
            aside = f"what was there is {name} in the cache"
        if source is None:
            return aside if not wrong.oid else ""
        link(source, file, self._links)
        return f"from the cache{'; ' if aside else ''}{aside}"

    def run(self, run: CorruptRun, place: Place, others: Sequence[Place]) -> str:
        """Put an entry of the run-cache right, or move it aside; says which."""
        for other in others:
            with contextlib.suppress(FileNotFoundError):
                content = other.read(run.entry.key)
                if not fault(run.entry.key, content):
                    with tempfile.TemporaryDirectory(dir=_folder(self._evidence.cache.root)) as folder:
                        copy = Path(folder, "entry")
                        copy.write_bytes(content)
                        aside = place.set_aside(run.entry.key, "corrupt")
                        place.put(run.entry.key, copy)
                    return f"from {other.name}; the corrupt one is {aside}"
        aside = place.set_aside(run.entry.key, "corrupt")
        return f"moved to {aside}; DVC runs that stage once more when it needs it"

    def stray(self, place: Place, key: str) -> str:
        """Move a file that is no object aside; says where."""
        return f"moved to {place.set_aside(key, 'stray')}"

    @contextlib.contextmanager
    def _copy(self, oid: str, not_from: str) -> Iterator[tuple[Path | None, str]]:
        """A good copy of an object, and where it comes from; (None, "") if there is none."""
        evidence = self._evidence
        with tempfile.TemporaryDirectory(dir=_folder(evidence.cache.root)) as folder:
            copy = Path(folder, "copy")
            for source, bring in self._sources(oid, not_from):
                try:
                    bring(copy)
                except (FileNotFoundError, OSError, StoreError) as error:
                    self._failure = f"{source} could not be read: {error}"
                    continue
                if md5_of(copy) == digits(oid):
                    yield copy, source
                    return
            yield None, ""

    def _sources(self, oid: str, not_from: str) -> Iterator[tuple[str, Callable[[Path], object]]]:
        evidence = self._evidence
        key = key_of(oid)
        if not_from != "cache" and oid in evidence.in_cache:
            yield "from the cache", lambda copy: evidence.cache.fetch(key, copy)
        file = evidence.workspace.copies.get(digits(oid))
        if file is not None:
            name = file.relative_to(evidence.root)
            yield f"from the workspace ({name})", lambda copy: copy.write_bytes(file.read_bytes())
        if oid in evidence.workspace.trees:
            made = evidence.workspace.trees[oid]
            yield "made anew from the workspace's folder", lambda copy: copy.write_bytes(made)
        if not_from != "remote" and (evidence.in_remote is None or oid in evidence.in_remote):
            remote = self._asked_remote()
            if remote is not None:
                yield f"from {remote.name}", lambda copy: remote.fetch(key, copy)

    def _asked_remote(self) -> Place | None:
        if self._remote is None and self._give_remote is not None:
            try:
                self._remote = self._give_remote()
            except (StoreError, ValueError) as error:
                self._failure, self._give_remote = str(error), None
        return self._remote

    def _without(self, oid: str, aside: str) -> tuple[str, str]:
        """What is said of a corrupt object that nobody else has."""
        item = self._evidence.belongs.get(oid)
        if item is None and self._evidence.unlisted:
            folders = self._evidence.unlisted
            names = ", ".join(out.path for out, _ in folders)
            again = ", ".join(remake(out.stage, commit) for out, commit in folders)
            return "", f"moved to {aside}; it may belong to {names}, whose list of files is lost; {again}"
        if item is None:
            return f"moved to {aside}; no dvc.lock that was looked at names it", ""
        if not item.out.cached:
            return f"moved to {aside}; git has {item.path}", ""
        failure = f" ({self._failure})" if self._failure else ""
        return "", f"moved to {aside}; no good copy found{failure}; {remake(item.out.stage, item.commit)}"


def belongs(evidence: Evidence, oid: str) -> str:
    """Where an object belongs, for people."""
    item = evidence.belongs.get(oid)
    if item is None:
        return ""
    return f"{item.path} ({item.out.stage}{f' at commit {item.commit[:12]}' if item.commit else ''})"


def remake(stage: str, commit: str = "") -> str:
    """The command that makes a stage's output again."""
    first = f"check out commit {commit[:12]}, then " if commit else ""
    return f"{first}`dvc repro -s -f {stage}`"


def _folder(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder
