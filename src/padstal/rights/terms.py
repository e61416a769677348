"""What a licence asks for, and which of several asks for most.

Licences are ordered by inclusion of what they ask for (Creative Commons' elements): CC0 < BY < BY-SA, BY < BY-NC <
BY-NC-ND. That order is partial (BY-SA and BY-NC do not compare); `restriction` resolves it so that whatever could be
stricter counts as stricter: all rights reserved > no derivatives > non-commercial > share-alike > attribution; a
licence without a version above the same with one; one whose terms are not known above all.
"""

import re
from collections.abc import Iterable
from dataclasses import astuple, dataclass

from padstal.rights.licence import ALL_RIGHTS_RESERVED, PUBLIC_DOMAIN, UNKNOWN, family, normalise


@dataclass(frozen=True)
class Terms:
    """What whoever uses a work must observe.

    Attributes:
        reserved: Nothing beyond listening is granted.
        no_derivatives: No adapted work may be published.
        non_commercial: No commercial use.
        share_alike: Adapted works under the same licence.
        attribution: Author, source and licence are named.
    """

    reserved: bool = False
    no_derivatives: bool = False
    non_commercial: bool = False
    share_alike: bool = False
    attribution: bool = False

    def within(self, other: "Terms") -> bool:
        """Whether whoever observes `other` observes these as well."""
        return all(theirs or not ours for ours, theirs in zip(astuple(self), astuple(other), strict=True))


_FREE = Terms()
_CREDITED = Terms(attribution=True)
_SHARED = Terms(attribution=True, share_alike=True)
_RESERVED = Terms(reserved=True, no_derivatives=True, non_commercial=True, attribution=True)
_OTHERS = {
    "CC0-1.0": _FREE,
    "CC-PDM-1.0": _FREE,
    "CC-PDDC": _FREE,
    PUBLIC_DOMAIN: _FREE,
    "PDDL-1.0": _FREE,
    "ODC-By-1.0": _CREDITED,
    "ODbL-1.0": _SHARED,
    "LAL": _SHARED,
    "LAL-1.2": _SHARED,
    "LAL-1.3": _SHARED,
    "CC-Sampling-Plus-1.0": Terms(attribution=True, no_derivatives=True),  # but for samples of it
    "CC-NC-Sampling-Plus-1.0": Terms(attribution=True, no_derivatives=True, non_commercial=True),
    "FMA-Limited": _RESERVED,
    ALL_RIGHTS_RESERVED: _RESERVED,
}
_CC = re.compile(r"CC((?:-(?:BY|NC|ND|SA))+)(?:-\d\.\d)?")


def terms_of(licence: str) -> Terms | None:
    """The terms of a licence in any spelling; `None` where they are not known."""
    name = normalise(licence)
    found = _CC.fullmatch(name)
    if not found:
        return _OTHERS.get(name)
    elements = found.group(1).split("-")
    return Terms(
        no_derivatives="ND" in elements,
        non_commercial="NC" in elements,
        share_alike="SA" in elements,
        attribution="BY" in elements,
    )


def restriction(licence: str) -> tuple[int, tuple[bool, ...], bool, str]:
    """A sort key: of two licences, the greater one asks for more, or may."""
    name = normalise(licence)
    terms = terms_of(name)
    if terms is None:
        return (2 if name == UNKNOWN else 1, (), False, name)
    return (0, astuple(terms), name == family(name), name)


def most_restrictive(licences: Iterable[str]) -> str:
    """The id of the licence that allows least; `UNKNOWN` where there is none."""
    return normalise(max(licences, key=restriction, default=UNKNOWN))


def joint(licences: Iterable[str]) -> Terms | None:
    """What whoever observes all of `licences` must observe; `None` where the terms of one are not known."""
    every = [terms_of(licence) for licence in licences]
    known = [astuple(terms) for terms in every if terms is not None]
    if len(known) < len(every):
        return None
    return Terms(*(any(column) for column in zip(astuple(_FREE), *known, strict=True)))


def at_odds(licences: Iterable[str]) -> list[tuple[str, str]]:
    """Pairs of licence families that one adapted work cannot observe both.

    Share-alike demands its own licence for the whole; another licence of the pair asks for something it does not.
    """
    known = {family(normalise(licence)): terms for licence in licences if (terms := terms_of(licence)) is not None}
    return [
        (shared, other)
        for shared, wanted in sorted(known.items())
        for other, terms in sorted(known.items())
        if wanted.share_alike and not terms.within(wanted)
    ]
