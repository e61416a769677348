"""What merging two captions gives, and merging by rule: what both say, nothing that contradicts, nothing imaginary.

The rule stands where QA-MDT asks a language model (4.3; here `language`) and keeps that prompt's promise: the original
is the ground truth, the generated caption adds what it heard besides. It needs to know what words mean the same kind of
thing, hence a vocabulary.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

TEMPO = re.compile(r"(?<![\w.])\d{2,3}(?:\.\d+)?\s*(?:bpm|beats per minute)\b", re.IGNORECASE)
KEY = re.compile(r"\b[a-g](?:#|b|♯|♭| sharp| flat)?[ -](?:major|minor)\b", re.IGNORECASE)
ONE_OF_A_KIND = {"tempo": TEMPO, "key": KEY}
"""Attributes that are written with numbers or letters; a piece has one of each."""


class Refusal(StrEnum):
    """Why a merged caption is not used."""

    EMPTY = "empty"
    """There is none."""
    NO_ANSWER = "no_answer"
    """The language model could not be reached."""
    INSTRUCTION = "instruction"
    """One of the two captions reads like an instruction to a language model; it was not asked."""
    FORMAT = "format"
    """The answer is neither one line nor the JSON that was asked for."""
    DECLINED = "declined"
    """The language model speaks of itself instead of the music."""
    CHARACTERS = "characters"
    """Control, invisible or unassigned characters."""
    ADDRESS = "address"
    """A link, a mail address or a handle."""
    MARKUP = "markup"
    """HTML, Markdown, or a chat template's marks."""
    TOO_LONG = "too_long"
    """More bytes than allowed."""
    CUT = "cut"
    """CLAP would not hear its end."""
    IMAGINED = "imagined"
    """Too many words, a name or a number that neither caption has."""
    INCOMPLETE = "incomplete"
    """It leaves out too much of one of the two captions."""
    UNFIT = "unfit"
    """It does not fit the music better than ρ1."""


@dataclass(frozen=True)
class Merged:
    """What merging T_o and T_g gave: a caption, or "" and why."""

    caption: str
    refusal: Refusal | None = None


Merger = Callable[[list[str], list[str]], list[Merged]]
"""All T_o and T_g that should be merged to as many results."""


@dataclass(frozen=True)
class Attribute:
    """Something a caption says: `text` of kind `kind` ("genre", "instrument", …)."""

    kind: str
    text: str


@dataclass(frozen=True)
class RuleMerger:
    """The original, then what the generated caption adds to it; `pairs` is a `Merger`.

    Attributes:
        exclusive: Kind → terms of which a piece has one (genres, moods): another one of the kind would contradict the
            original.
        free: Kind → terms of which a piece may have many (instruments).
        max_bytes: Longest merged caption, in UTF-8 bytes; attributes that no longer fit are left out.
    """

    exclusive: dict[str, tuple[str, ...]]
    free: dict[str, tuple[str, ...]]
    max_bytes: int
    _patterns: dict[str, re.Pattern[str]] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        patterns = {kind: _any_of(terms) for kind, terms in (*self.exclusive.items(), *self.free.items()) if terms}
        object.__setattr__(self, "_patterns", {**patterns, **ONE_OF_A_KIND})

    def pairs(self, originals: list[str], generated: list[str]) -> list[Merged]:
        """Every pair merged; an original that alone is too long is `Refusal.TOO_LONG`."""
        captions = [self(t_o, t_g) for t_o, t_g in zip(originals, generated, strict=True)]
        return [Merged(caption, None if caption else Refusal.TOO_LONG) for caption in captions]

    def __call__(self, original: str, generated: str) -> str:
        """The merged caption; "" if the original alone is longer than `max_bytes`."""
        merged = original.strip().rstrip(".,; ")
        if len(merged.encode()) > self.max_bytes:
            return ""
        said = self.attributes(original)
        for attribute in self.attributes(generated):
            if self._allowed(attribute, said) and len(f"{merged}, {attribute.text}".encode()) <= self.max_bytes:
                merged = f"{merged}, {attribute.text}"
                said.append(attribute)
        return merged

    def attributes(self, caption: str) -> list[Attribute]:
        """What `caption` says, in the order of its words; a longer term hides the shorter ones inside it."""
        found: list[tuple[int, int, Attribute]] = []
        for kind, pattern in self._patterns.items():
            for match in pattern.finditer(caption):
                found.append((match.start(), match.end(), Attribute(kind, match.group().lower())))
        found.sort(key=lambda item: (item[0], -item[1], item[2].kind))
        attributes, end = [], 0
        for start, stop, attribute in found:
            if start >= end:
                attributes.append(attribute)
                end = stop
        return attributes

    def _allowed(self, attribute: Attribute, said: list[Attribute]) -> bool:
        if attribute in said:
            return False
        single = attribute.kind in self.exclusive or attribute.kind in ONE_OF_A_KIND
        return not (single and any(other.kind == attribute.kind for other in said))


def _any_of(terms: tuple[str, ...]) -> re.Pattern[str]:
    """Whole words, any case, the longest term first, a hyphen as good as a space."""
    longest_first = sorted(terms, key=lambda term: (-len(term), term))
    words = "|".join(re.escape(term).replace(r"\ ", r"[\s-]").replace(r"\-", r"[\s-]") for term in longest_first)
    return re.compile(rf"(?<!\w)(?:{words})(?!\w)", re.IGNORECASE)
