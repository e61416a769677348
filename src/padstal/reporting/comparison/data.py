"""What changed in the data: counts, quarantine, captions, and first of all licences, for which people answer."""

from collections.abc import Collection, Iterator

from padstal.reporting.attribution import asked_by
from padstal.reporting.checks_view import leaves
from padstal.reporting.comparison.record import Count
from padstal.reporting.comparison.side import Side, either
from padstal.reporting.text import finite
from padstal.rights.terms import Terms, joint, terms_of

COUNTED = {
    "ingest": (
        *("files", "files_kept", "files_quarantined", "files_duplicate", "files_ignored", "artists", "hours", "clips"),
        *("clips_by_split", "quarantined"),
    ),
    "caption": ("share",),
    "curate": ("kept", "kept_of_split", "removed_because"),
}
"""Stage → which of its metrics are shown."""


def licences(base: Side, head: Side) -> list[Count]:
    """Tracks under each licence; what asks for more than before first, then new ones, then gone ones, then the rest."""
    rows = [(keys[-1], before, after) for keys, before, after in _both(base, head, "ingest", ("licences",))]
    known = all(any(row[side] is not None for row in rows) for side in (1, 2))
    held = [name for name, before, _ in rows if before]
    had = joint(name for name in held if terms_of(name) is not None) or Terms()
    had_unknown = any(terms_of(name) is None for name in held)
    found = []
    for name, before, after in rows:
        note, rank = "", 3
        if known and not before:
            note, rank = _new(terms_of(name), had, had_unknown)
        elif known and not after:
            note, rank = "gone", 2
        found.append((rank, Count(name or "unknown", before, after, note)))
    return [licence for _, licence in sorted(found, key=lambda pair: (pair[0], -(pair[1].head or 0), pair[1].name))]


def counts(base: Side, head: Side) -> list[Count]:
    """Files, clips and splits, as ingestion and curation counted them; the quarantine; shares of caption decisions."""
    return [
        Count(f"{stage}: {', '.join(keys).replace('_', ' ')}", before, after)
        for stage, told in COUNTED.items()
        for keys, before, after in _both(base, head, stage, told)
    ]


def _both(
    base: Side, head: Side, stage: str, told: Collection[str]
) -> Iterator[tuple[tuple[str, ...], float | None, float | None]]:
    """(keys, before, after) of those metrics of a stage; what a side lacks beside others of its kind is 0 there."""
    sides = [
        {
            keys: float(value)
            for keys, value in leaves(side.metrics.get(stage))
            if keys[:1] and keys[0] in told and finite(value)
        }
        for side in (base, head)
    ]
    kinds = [{keys[:-1] for keys in side if keys[1:]} for side in sides]
    for keys in either(*sides):
        before, after = (
            side.get(keys, 0.0 if keys[:-1] in kind else None) for side, kind in zip(sides, kinds, strict=True)
        )
        yield keys, before, after


def _new(asked: Terms | None, had: Terms, had_unknown: bool) -> tuple[str, int]:
    """What a new licence means, and its rank."""
    if asked is None:
        if had_unknown:
            return "new; its terms are not known", 0
        return "new, and the first whose terms are not known: nobody can say what it allows", 0
    more = [words for words in asked_by(asked) if words not in asked_by(had)]
    if more:
        return f"new, and asks for what no licence asked before: {', '.join(more)}", 0
    return "new; asks for nothing that was not asked before", 1
