"""What changed in the data: counts, quarantine, captions, and first of all licences, for which people answer."""

from dataclasses import asdict
from typing import Any

from padstal.core.dvc_lock import mapping
from padstal.reporting.comparison.record import Count
from padstal.reporting.comparison.side import Side, either, figure
from padstal.rights.terms import Terms, joint, terms_of

MEANING = {
    "reserved": "all rights reserved",
    "no_derivatives": "no derivatives",
    "non_commercial": "no commercial use",
    "share_alike": "share alike",
    "attribution": "attribution",
}
"""What `Terms` ask for, the most restrictive first."""
_COUNTED = ("files", "files_kept", "files_quarantined", "files_duplicate", "files_ignored", "artists", "hours", "clips")


def licences(base: Side, head: Side) -> list[Count]:
    """Tracks under each licence; what asks for more than before first, then new ones, then gone ones, then the rest."""
    before, after = (_counts(side.metrics.get("ingest", {}).get("licences")) for side in (base, head))
    known = bool(before) and bool(after)
    held = [name for name, count in before.items() if count]
    had = joint(name for name in held if terms_of(name) is not None) or Terms()
    had_unknown = any(terms_of(name) is None for name in held)
    found = []
    for one in _both(before, after, absent=0.0):
        note, rank = "", 3
        if known and not one.base:
            note, rank = _new(terms_of(one.name), had, had_unknown)
        elif known and not one.head:
            note, rank = "gone", 2
        found.append((rank, Count(one.name or "unknown", one.base, one.head, note)))
    return [licence for _, licence in sorted(found, key=lambda pair: (pair[0], -(pair[1].head or 0), pair[1].name))]


def counts(base: Side, head: Side) -> list[Count]:
    """Files, clips and splits, as ingestion and curation counted them; the quarantine; shares of caption decisions."""
    quarantined = [_named("quarantine: ", side.metrics.get("ingest", {}).get("quarantined")) for side in (base, head)]
    shares = [_named("captions, share: ", side.metrics.get("caption", {}).get("share")) for side in (base, head)]
    return [
        *_both(_counted(base), _counted(head)),
        *_both(quarantined[0], quarantined[1], absent=0.0),
        *_both(shares[0], shares[1]),
    ]


def _counted(side: Side) -> dict[str, Any]:
    ingest, curate = side.metrics.get("ingest", {}), side.metrics.get("curate", {})
    return {
        **{f"ingest: {name.replace('_', ' ')}": ingest.get(name) for name in _COUNTED},
        **_named("ingest: clips, ", ingest.get("clips_by_split")),
        "curate: clips kept": curate.get("kept"),
        **_named("curate: clips kept, ", curate.get("kept_of_split")),
        **_named("curate: taken out, ", curate.get("removed_because")),
    }


def _new(asked: Terms | None, had: Terms, had_unknown: bool) -> tuple[str, int]:
    """What a new licence means, and its rank."""
    if asked is None:
        if had_unknown:
            return "new; its terms are not known", 0
        return "new, and the first whose terms are not known: nobody can say what it allows", 0
    more = [words for name, words in MEANING.items() if asdict(asked)[name] and not asdict(had)[name]]
    if more:
        return f"new, and asks for what no licence asked before: {', '.join(more)}", 0
    return "new; asks for nothing that was not asked before", 1


def _named(beginning: str, counts: Any) -> dict[str, Any]:
    return {f"{beginning}{str(name).replace('_', ' ')}": count for name, count in mapping(counts).items()}


def _counts(node: Any) -> dict[str, float]:
    found = {str(name): figure(count) for name, count in mapping(node).items()}
    return {name: count for name, count in found.items() if count is not None}


def _both(base: Any, head: Any, absent: float | None = None) -> list[Count]:
    """Figures of both sides by name; `absent` stands for a name that a side with other names lacks."""
    before, after = _counts(base), _counts(head)
    ours, theirs = (absent if side else None for side in (before, after))
    return [Count(name, before.get(name, ours), after.get(name, theirs)) for name in either(before, after)]
