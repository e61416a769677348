"""Which files of a folder may become tracks: those that are audio by name, regular, and licensed by row or source."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from padstal.core.progress import Progress
from padstal.ingest import rejection
from padstal.ingest.captions_table import Row
from padstal.ingest.container_info import LARGEST_FILE
from padstal.ingest.containers import EXTENSIONS
from padstal.ingest.digests import Digest, Digests
from padstal.ingest.file_register import Candidate, FileRegister, Refusal
from padstal.ingest.layouts.read import CAPTIONS, read_metadata
from padstal.ingest.listing import walk
from padstal.ingest.row_match import unfit
from padstal.rights.licence import UNKNOWN, normalise
from padstal.rights.policy import Policy
from padstal.rights.tombstones import veil

TOMBSTONE = "it has a tombstone in data/tombstones.jsonl"


@dataclass(frozen=True)
class Folder:
    """A tree of audio files.

    Attributes:
        name: The manifest's `source`.
        path: Of the folder.
        captions: The captions table, relative to it, if there is one.
        licence: Of files whose row names none; "" for none.
        layout: What the metadata look like, one of `layouts.read.LAYOUTS`.
        failed: Files that could not be brought to the folder, with why.
        forgotten: Files that were left out of the folder, because they are to be forgotten.
        linked_folders, hidden: What `listing.walk` looks at.
    """

    name: str
    path: Path
    captions: str | None
    licence: str
    layout: str = CAPTIONS
    failed: Mapping[str, str] = field(default_factory=dict)
    forgotten: Collection[str] = ()
    linked_folders: bool = False
    hidden: bool = False


def find_candidates(
    folder: Folder,
    rank: int,
    licences: Policy,
    tombstones: Collection[str],
    register: FileRegister,
    digests: Digests,
    threads: int,
    show: Progress,
) -> tuple[Counter[str], list[str]]:
    """Notes the folder's files as candidates or refused.

    Gives how many claim to be audio ("files") and how many do not ("ignored"), and those to be forgotten.
    """
    walked = walk(folder.path, linked_folders=folder.linked_folders, hidden=folder.hidden)
    names = walked.files
    usable = [found.path for found in names if found.regular and found.path == found.printable]
    others = [found.printable for found in names if not (found.regular and found.path == found.printable)]
    others += [*folder.failed, *folder.forgotten]
    table = read_metadata(
        folder.path,
        layout=folder.layout,
        captions=folder.captions,
        files=usable,
        others=others,
        passed_over=walked.passed_over,
    )

    def refuse(path: str, sha256: str, reason: str, detail: str) -> None:
        register.refuse(Refusal(folder.name, path, sha256, reason, detail))

    for path, reason, detail in table.refused:
        refuse(path, "", reason, detail)
    for path, reason in walked.passed_over.items():
        refuse(path, "", reason, rejection.PASSED_OVER[reason])
    for path, why in folder.failed.items():
        refuse(path, "", rejection.FETCH_FAILED, why)
    counts = Counter(files=len(folder.failed) + len(folder.forgotten))
    forgotten = []
    for path in folder.forgotten:
        refuse(veil(folder.name, path), "", rejection.FORGOTTEN, TOMBSTONE)

    def regular() -> Iterator[Path]:
        for found in show(names, unit="file"):
            path = found.printable
            if path == folder.captions:
                continue
            named = path in table.rows or path in table.barred
            if not named and Path(path).suffix.lower() not in EXTENSIONS:
                counts["ignored"] += 1
                continue
            counts["files"] += 1
            if path != found.path or unfit(path):
                refuse(path, "", rejection.NAME, "a name that is not UTF-8, or has control characters")
            elif not found.regular:
                found_it = "a link, pipe, device or socket: expected a regular file"
                refuse(path, "", rejection.NOT_REGULAR, found_it)
            elif (folder.path / path).stat().st_size > LARGEST_FILE:
                refuse(path, "", rejection.TOO_LARGE, f"expected at most {LARGEST_FILE} bytes")
            else:
                yield folder.path / path

    def named() -> Iterator[tuple[str, Digest, str]]:
        """Files, and as which they have a row: that of a like name is a file's own where the bytes are the same."""
        twins, sha256_of = [], {}
        for full, digest in digests.of(regular(), threads=threads):
            path = full.relative_to(folder.path).as_posix()
            if path in table.twins:
                twins.append((path, digest))
                continue
            if path in of_twins:
                sha256_of[path] = digest.sha256
            yield path, digest, path
        for path, digest in twins:
            other = table.twins[path]
            yield path, digest, other if digest.sha256 and sha256_of.get(other) == digest.sha256 else path

    of_twins = set(table.twins.values())
    for path, digest, name in named():
        row = replace(table.rows.get(name, Row()), path=path)
        unlicensed = table.no_licence(name)
        licence = normalise(row.licence or folder.licence)
        if digest.sha256 in tombstones:
            forgotten.append(path)
            digests.drop(folder.path / path)
            refuse(veil(folder.name, path), "", rejection.FORGOTTEN, TOMBSTONE)
            continue
        why = unlicensed or licences.refusal(licence)
        if why:
            refuse(path, digest.sha256, rejection.LICENCE, why)
            if digest.sha256 and (name in table.barred or row.licence or (not unlicensed and licence != UNKNOWN)):
                register.forbid(digest.sha256, folder.name, path, why)
        elif digest.stamp is None:
            refuse(path, "", rejection.UNREADABLE, digest.fault)
        elif row.sha256 not in ("", digest.sha256):
            found = f"the file's SHA-256 is {digest.sha256}, its row in {folder.captions} says {row.sha256}"
            refuse(path, digest.sha256, rejection.CHECKSUM, found)
        else:
            note, root = table.notes.get(name, ""), folder.path
            register.add(rank, Candidate(folder.name, path, root, digest.sha256, digest.stamp, row, licence, note))
    return counts, forgotten
