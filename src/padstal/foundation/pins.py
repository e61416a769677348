"""Which published files params name, and whether they are there and what they should be."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from padstal.core.data.content import sha256_file
from padstal.core.section import Section
from padstal.foundation.fetch import PINNED, UNVERIFIED, PinnedFiles

State = Literal["verified", "unverified", "missing", "another file"]


@dataclass(frozen=True)
class NamedFiles:
    """Published files that one place of params names.

    Attributes:
        path: Keys that lead to them.
        what: Whose they are.
        files: The files and their pins.
    """

    path: tuple[str, ...]
    what: str
    files: PinnedFiles

    def state(self, name: str) -> State:
        """Of one file, read whole."""
        local, pinned = self.files.folder / name, self.files.sha256[name]
        if not local.is_file():
            return "missing"
        if pinned == UNVERIFIED:
            return "unverified"
        return "verified" if sha256_file(local) == pinned else "another file"


def named_files(node: Any, path: tuple[str, ...] = (), what: str = "") -> Iterator[NamedFiles]:
    """All published files that a section names, in its order."""
    if isinstance(node, PinnedFiles):
        yield NamedFiles(path, what, node)
    elif isinstance(node, Section | Mapping):
        own = (type(node).__doc__ or "").strip().partition("\n")[0].rstrip(".") if isinstance(node, Section) else what
        for key, child in dict(node).items():
            yield from named_files(child, (*path, key), own)
    elif isinstance(node, tuple | list):
        for number, child in enumerate(node):
            yield from named_files(child, (*path, str(number)), what)


def pins_of(
    named: NamedFiles, folder: Path, *, revision: str = "", licence: str = "", replace: bool = False
) -> dict[tuple[str, ...], str]:
    """What params are to say of files that lie in `folder`: key path → value, of those that change.

    Args:
        named: Their place.
        folder: Where they were fetched to.
        revision: Commit that they are of; "" for what stands there.
        licence: That the publisher states; "" for what stands there.
        replace: Whether another sha256 or revision may stand there.

    Raises:
        FileNotFoundError: One is not there.
        ValueError: Another sha256 or revision stands there, the revision is no commit, or there is no licence.
    """
    source = named.files
    missing = [name for name in source.sha256 if not (folder / name).is_file()]
    if missing:
        raise FileNotFoundError(f"{folder}: {', '.join(missing)} not found; expected the files of {source.origin}")
    if revision and not PINNED.fullmatch(revision):
        raise ValueError(f"--revision {revision}: expected a commit of 40 hexadecimal digits")
    if not (licence or source.licence):
        raise ValueError(
            f"{source.repository}: no licence stands there; expected --licence, as its publisher states it"
        )
    found = {("sha256", name): sha256_file(folder / name) for name in source.sha256}
    stands = {("sha256", name): sha256 for name, sha256 in source.sha256.items()} | {("revision",): source.revision}
    wanted = found | ({("revision",): revision} if revision else {})
    other = [key for key, value in wanted.items() if stands[key] != value]
    taken = [key for key in other if stands[key] != UNVERIFIED]
    if taken and not replace:
        said = "; ".join(f"{key[-1]} is {stands[key]}, found {wanted[key]}" for key in taken)
        raise ValueError(f"{source.repository}: {said}. It is another file, or --replace says that it may be")
    changes = {key: wanted[key] for key in other}
    if licence and licence != source.licence:
        changes["licence",] = licence
    return {(*named.path, *key): value for key, value in changes.items()}
