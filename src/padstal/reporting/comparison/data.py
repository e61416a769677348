"""What changed in the data: counts, quarantine, captions, and first of all licences, for which people answer."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from padstal.reporting.comparison.record import Count, Licence, Timing
from padstal.reporting.comparison.side import Side, figure, mapping

MEANING = {
    "NC": "no commercial use",
    "ND": "no derivatives",
    "SA": "share alike",
    "BY": "attribution",
}
"""Terms of Creative Commons licences, the most restrictive first."""
_FREE = re.compile(r"(CC0|PDDL|CC-PDM|CC-PDDC|Public-Domain)(-\d\.\d)?", re.IGNORECASE)
_COUNTED = ("files", "files_kept", "files_quarantined", "files_duplicate", "files_ignored", "artists", "hours")


def terms(licence: str) -> frozenset[str] | None:
    """What a licence asks for: "CC-BY-NC-4.0" gives BY and NC, public domain nothing; `None` if we cannot tell."""
    if _FREE.fullmatch(licence):
        return frozenset()
    found = re.fullmatch(r"CC((?:-(?:BY|NC|ND|SA))+)(?:-\d\.\d)?", licence)
    return frozenset(found.group(1).split("-")[1:]) if found else None


def licences(base: Side, head: Side) -> list[Licence]:
    """Tracks under each licence; what asks for more than before first, then new ones, then gone ones, then the rest."""
    before, after = (_counts(side.metrics.get("ingest", {}).get("licences")) for side in (base, head))
    known = bool(before) and bool(after)
    held = [terms(name) for name, count in before.items() if count]
    had = frozenset[str]().union(*(asked for asked in held if asked is not None))
    had_unknown = None in held
    found = []
    for name in dict.fromkeys([*after, *before]):
        why, rank = "", 3
        if known and not before.get(name):
            why, rank = _new(terms(name), had, had_unknown)
        elif known and not after.get(name):
            why, rank = "gone", 2
        counted = before.get(name, 0.0 if before else None), after.get(name, 0.0 if after else None)
        found.append((rank, Licence(name or "unknown", counted[0], counted[1], why)))
    return [licence for _, licence in sorted(found, key=lambda pair: (pair[0], -(pair[1].head or 0), pair[1].name))]


def counts(base: Side, head: Side) -> list[Count]:
    """Files, clips and splits, as ingestion and curation counted them."""
    sides = []
    for side in (base, head):
        ingest, curate = side.metrics.get("ingest", {}), side.metrics.get("curate", {})
        split = mapping(ingest.get("clips_by_split"))
        kept = mapping(curate.get("kept_of_split"))
        removed = mapping(curate.get("removed_because"))
        sides.append(
            {
                **{f"ingest: {name.replace('_', ' ')}": ingest.get(name) for name in _COUNTED},
                "ingest: clips": ingest.get("clips"),
                **{f"ingest: clips, {name}": count for name, count in split.items()},
                "curate: clips kept": curate.get("kept"),
                **{f"curate: clips kept, {name}": count for name, count in kept.items()},
                **{f"curate: taken out, {str(name).replace('_', ' ')}": count for name, count in removed.items()},
            }
        )
    return _both(sides[0], sides[1])[:200]


def quarantine(base: Side, head: Side) -> list[Count]:
    """Files in quarantine, by reason."""
    before, after = (side.metrics.get("ingest", {}).get("quarantined") for side in (base, head))
    return _both(before, after, absent=0.0)[:500]


def captions(base: Side, head: Side) -> list[Count]:
    """Share of clips of each caption decision."""
    before, after = (side.metrics.get("caption", {}).get("share") for side in (base, head))
    return _both(before, after)[:200]


def timings(base: Side, head: Side) -> list[Timing]:
    """Wall time of each stage, where a side recorded it."""
    before, after = ({_label(one): one for one in side.timings} for side in (base, head))
    found = []
    for label in dict.fromkeys([*after, *before]):
        ours, theirs = mapping(before.get(label)), mapping(after.get(label))
        was, now = (figure(one.get("wall_seconds")) for one in (ours, theirs))
        budget = figure(theirs.get("budget_seconds")) or figure(ours.get("budget_seconds"))
        found.append(Timing(label[:300], was, now, budget))
    return sorted(found, key=lambda timing: -(timing.head or timing.base or 0.0))[:200]


def _new(asked: frozenset[str] | None, had: Iterable[str], had_unknown: bool) -> tuple[str, int]:
    """What a new licence means, and its rank."""
    if asked is None:
        if had_unknown:
            return "new; its terms are not known", 0
        return "new, and the first whose terms are not known: nobody can say what it allows", 0
    more = [MEANING[term] for term in MEANING if term in asked - frozenset(had)]
    if more:
        return f"new, and asks for what no licence asked before: {', '.join(more)}", 0
    return "new; asks for nothing that was not asked before", 1


def _counts(node: Any) -> dict[str, float]:
    found = {str(name)[:300]: figure(count) for name, count in list(mapping(node).items())[:400]}
    return {name: count for name, count in found.items() if count is not None}


def _both(base: Any, head: Any, absent: float | None = None) -> list[Count]:
    """Figures of both sides by name; `absent` stands for a name that a side with other names lacks."""
    before, after = _counts(base), _counts(head)
    return [
        Count(
            name,
            before.get(name, absent if before else None),
            after.get(name, absent if after else None),
        )
        for name in dict.fromkeys([*after, *before])
    ]


def _label(timing: Mapping[str, Any]) -> str:
    item = str(timing.get("item") or "")
    return f"{timing.get('stage')}@{item}" if item else str(timing.get("stage"))
