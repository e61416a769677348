"""Which file a row of a captions table names: by its path as it is written, else by what can be told safely.

Tables are written on other machines. A name is looked for in this order, each step only where those before found none:

    1. as it is written;
    2. in Unicode's composed form, with "/" between folders, without quotes and blanks around names, with one space for
       any blanks and nothing for what has no width; and without the escapes of an address (%20);
    3. whatever its case;
    4. by its end: the row has more folders in front (an absolute path, an address, a prefix), or the file has.

Steps 3 and 4 are noted. Where a step finds two files, which one is meant is not guessed. A folder that is passed over
is found likewise, for all that a row names below it.
"""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property
from pathlib import PurePosixPath
from urllib.parse import unquote

DIRECTIONS = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
"""Characters that turn the direction of writing around what follows."""
CONTROL = re.compile(f"[\x00-\x1f\x7f-\x9f\ufeff\ud800-\udfff{DIRECTIONS}]")
WIDTHLESS = re.compile("[\u00ad\u200b-\u200f\u2060]")
"""Characters that are not seen."""
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:/+")
_DRIVE = re.compile("[A-Za-z]:")
_BELOW = ""
"""The last part of a path that is passed over: stands for whatever lies below."""

Parts = tuple[str, ...]
"""A path's folders and its name, in one form."""


class Step(IntEnum):
    """How a file was found."""

    WRITTEN = 1
    FORM = 2
    CASE = 3
    END = 4


NOTES = {
    Step.CASE: "row of the captions table found by another case of its path",
    Step.END: "row of the captions table found by the end of its path",
}


@dataclass(frozen=True)
class Finding:
    """Files that a row may name; exactly one is a match.

    Attributes:
        files: Their names, or of what is passed over; none where none fits, several where it cannot be told which.
        step: What found them.
        relative: Whether the row holds a relative path that stays in its folder.
    """

    files: Parts
    step: Step
    relative: bool


class FileNames:
    """Names of a folder's files, to be found by what rows call them.

    Args:
        names: Relative paths, with "/".
        passed_over: Folders, and files, that were not looked at.
    """

    def __init__(self, names: Iterable[str], passed_over: Iterable[str] = ()):
        self._names = frozenset(names)
        self.passed_over = frozenset(passed_over)

    def find(self, text: str) -> Finding:
        """Files that a row's path may name."""
        plain = str(PurePosixPath(text))
        if plain in self._names and not unfit(text):
            return Finding((plain,), Step.WRITTEN, True)
        text = text.strip().strip('"')
        relative = not (_SCHEME.match(text) or _DRIVE.match(text) or text.startswith(("/", "\\")))
        readings = [parts for parts in map(parts_of, _paths_in(text)) if parts]
        if unfit(text) or not readings or any(".." in parts for parts in readings):
            return Finding((), Step.END, False)
        readings += [(*parts[:end], _BELOW) for parts in readings for end in range(1, len(parts) + 1)]
        if relative:
            forms = (self._by_form.get(parts) for parts in readings)
            cases = (self._by_case.get(_folded(parts)) for parts in readings)
            for step, named in ((Step.FORM, forms), (Step.CASE, cases)):
                found = next(filter(None, named), None)
                if found:
                    return Finding(tuple(found), step, True)
        ends = {name for parts in readings for name in self._ending(parts)}
        return Finding(tuple(sorted(ends)), Step.END, relative)

    def twins(self, name: str) -> list[str]:
        """Other files whose names differ from this one's in form, case or escapes alone."""
        forms = {_folded(parts_of(reading)) for reading in (name, unquote(name))}
        return sorted({other for form in forms for other in self._by_case.get(form, ()) if other != name})

    def _ending(self, parts: Parts) -> list[str]:
        """Files whose path ends as `parts` does; of those that differ in case, the ones that do not."""
        lower = _folded(parts)
        found = list(self._by_end.get(lower, ()))
        for start in range(1, len(lower)):
            found += self._by_case.get(lower[start:], ())
        same = [name for name in found if _one_ends_the_other(parts, self._parts(name))]
        return same or found

    def _parts(self, name: str) -> Parts:
        return (*parts_of(name), _BELOW) if name in self.passed_over else parts_of(name)

    @cached_property
    def _by_form(self) -> dict[Parts, list[str]]:
        return _grouped((self._parts(name), name) for name in self._names | self.passed_over)

    @cached_property
    def _by_case(self) -> dict[Parts, list[str]]:
        return _grouped((_folded(parts), name) for parts, names in self._by_form.items() for name in names)

    @cached_property
    def _by_end(self) -> dict[Parts, list[str]]:
        pairs = [(parts, name) for parts, names in self._by_case.items() for name in names]
        return _grouped((parts[start:], name) for parts, name in pairs for start in range(len(parts)))


def parts_of(path: str) -> Parts:
    """A path's folders and name in composed form, only single spaces in them; a backslash separates as "/" does."""
    text = WIDTHLESS.sub("", unicodedata.normalize("NFC", path)).replace("\\", "/")
    return tuple(part for part in (" ".join(piece.split()) for piece in text.split("/")) if part not in ("", "."))


def written_parts(text: str) -> Parts:
    """The parts of what a row has for a path, be it an address or one with a drive."""
    return parts_of(_paths_in(text.strip())[0])


def unfit(text: str) -> bool:
    """Whether a path holds control characters or such as turn the direction of writing: it does not show its name."""
    return CONTROL.search(text) is not None


def _folded(parts: Parts) -> Parts:
    return tuple(unicodedata.normalize("NFC", part.casefold()) for part in parts)


def _paths_in(text: str) -> list[str]:
    """The path in an address, without and with its escapes; any other text without its drive, with and without them."""
    scheme = _SCHEME.match(text)
    if not scheme:
        path = _DRIVE.sub("", text, count=1)
        return [path, unquote(path)]
    rest = text[scheme.end() :] if text.startswith("file:") else text[scheme.end() :].partition("/")[2]
    path = re.split("[?#]", rest)[0]
    return [unquote(path), path]


def _one_ends_the_other(one: Parts, other: Parts) -> bool:
    shorter = min(len(one), len(other))
    return one[-shorter:] == other[-shorter:]


def _grouped(pairs: Iterable[tuple[Parts, str]]) -> dict[Parts, list[str]]:
    groups: defaultdict[Parts, list[str]] = defaultdict(list)
    for key, name in pairs:
        groups[key].append(name)
    return groups
