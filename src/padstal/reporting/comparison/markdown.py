"""A comparison as a pull request's comment: what matters first, never longer than a forge takes, no foreign markup.

Every text of the record is hostile (names of branches, licences, methods, params): it loses control and direction
characters, is cut, and is escaped. Links and pictures are those that the caller gives; the record brings none.
Standard library alone, like `record_file`.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from padstal.reporting.comparison.record import VERDICTS, Comparison, Count, Delta, Revision
from padstal.reporting.text import duration, escape_markdown, interval, labelled, number, words

LONGEST = 60_000
"""Bytes of UTF-8; GitHub takes 65,536 characters."""
_CAPS = (80, 40, 20, 10, 5, 2, 1, 0)
_LONGEST_CELL = 120
_JOINER = "\u2060"
_DECIDED = ("worse", "better", "different", "not comparable")
_MARK = {"better": "🟢 ", "worse": "🔴 ", "different": "🟠 ", "not comparable": "⚪ "}


@dataclass(frozen=True)
class Media:
    """What lies beside the comment: Markdown of ours for pictures and sounds, and a last line."""

    figures: str = ""
    sounds: str = ""
    closing: str = ""


@dataclass(frozen=True)
class _Table:
    """A section: `row` makes an item ready Markdown, if it is shown; `folded` hides the section behind its title."""

    title: str
    head: tuple[str, ...]
    items: Sequence[Any]
    row: Callable[[Any], tuple[str, ...]]
    numeric: tuple[int, ...] = ()
    before: str = ""
    folded: bool = True


def render_markdown(comparison: Comparison, media: Media | None = None, limit: int = LONGEST) -> str:
    """The comment, at most `limit` bytes long: tables are cut, and say how much was left out.

    Raises:
        ValueError: `limit` is too small for the headings alone.
    """
    media = media or Media()
    for cap in _CAPS:
        text = _render(comparison, media, cap)
        if len(text.encode("utf-8")) <= limit:
            return text
    text = _render(comparison, Media(closing=media.closing), 0)
    if len(text.encode("utf-8")) > limit:
        raise ValueError(f"limit = {limit} bytes: expected more, the headings alone have {len(text.encode('utf-8'))}")
    return text


def foreign(text: str, longest: int = _LONGEST_CELL) -> str:
    """A text from outside for one cell or sentence: visible characters, one line, cut, escaped, nothing turns into a
    link or mention."""
    visible = "".join(
        " " if character.isspace() else character
        for character in text
        if character.isspace() or unicodedata.category(character)[0] != "C"
    )
    visible = " ".join(visible.split())
    visible = visible if len(visible) <= longest else visible[: longest - 1] + "…"
    visible = re.sub(r"(?i)(:)(?=//)|(www)(?=\.)", rf"\g<0>{_JOINER}", visible)
    escaped = escape_markdown(visible)
    escaped = re.sub(r"(?i)\b(gh)-(?=\d)", rf"\1-{_JOINER}", escaped)  # GH-12 names an issue
    return re.sub(r"(?i)(?<![\w&#])([0-9a-f]{6})(?=[0-9a-f]+\b)", rf"\1{_JOINER}", escaped)  # so may a commit's name


def _render(comparison: Comparison, media: Media, cap: int) -> str:
    base, head = _side(comparison.base), _side(comparison.head)
    tables = _tables(comparison)
    quiet = [table.title[0].lower() + table.title[1:] for table in tables if not (table.items or table.before)]
    parts = [
        f"## padstal: {head} against {base}, {foreign(comparison.scale, 20)} scale",
        "\n".join(f"- {line}" for line in _headlines(comparison)),
        "\n".join(f"> {foreign(note, 300)}" for note in comparison.notes[: max(cap, 3)]),
        *(_section(table, cap) for table in tables if table.items or table.before),
        f"Nothing to show: {'; '.join(quiet)}." if quiet else "",
        media.figures,
        media.sounds,
        "<sub>Verdicts rest on each side's own interval: apart is a clear difference, overlapping is none. "
        "A change of random origin can also be clear: more seeds tell.</sub>",
        media.closing,
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _headlines(comparison: Comparison) -> list[str]:
    """What a reader should know if they read nothing else."""
    told = []
    serious = [one for one in comparison.licences if one.why.startswith("new")]
    if serious:
        named = ", ".join(foreign(one.name, 60) for one in serious[:3])
        told.append(f"**Licences:** {len(serious)} new ({named}{' …' if len(serious) > 3 else ''}); see below.")
    compared = [delta for delta in comparison.metrics if delta.base is not None and delta.head is not None]
    if compared:
        counted = [(verdict, sum(delta.verdict == verdict for delta in compared)) for verdict in VERDICTS]
        said = ", ".join(f"{count} {verdict}" for verdict, count in counted if count)
        told.append(f"**Metrics:** {said} (of {len(compared)}).")
    else:
        told.append("**Metrics:** nothing to compare: at least one side has no figures.")
    data = [one for one in (*comparison.data, *comparison.quarantine) if one.base != one.head]
    moved = sum(one.base != one.head for one in comparison.outputs)
    told.append(
        f"**Changed:** {_many(len(comparison.params), 'param')}, {_many(len(comparison.stages), 'stage')}, "
        f"{_many(moved, 'model or data set', 'models or data sets')}, "
        f"{_many(len(data), 'data count')}."
    )
    if comparison.stale:
        named = ", ".join(foreign(name, 60) for name in comparison.stale[:5])
        told.append(f"**Stale:** params.yaml moved past dvc.lock ({named}{' …' if len(comparison.stale) > 5 else ''}).")
    return told


def _tables(comparison: Comparison) -> list[_Table]:
    asked = any(one.why.startswith("new") for one in comparison.licences)
    licences = comparison.licences if _moved(comparison.licences) else ()
    return [
        _Table(
            "Licences",
            ("licence", "tracks before", "tracks now", "what it means"),
            licences,
            lambda one: (
                foreign(one.name),
                _count(one.base),
                _count(one.head),
                ("⚠️ " if one.why.startswith("new") else "") + foreign(one.why),
            ),
            (1, 2),
            folded=not asked,
        ),
        _deltas("Metrics with a clear difference", _ranked(comparison.metrics, _DECIDED), folded=False),
        _deltas("Metrics without a clear difference", _ranked(comparison.metrics, ("no clear difference", "open"))),
        _deltas("Differences to the baseline at matched CLAP-f", _different(comparison.matched)),
        _deltas("Checks of foundation models, planted truth and latent spaces", _different(comparison.checks)),
        _Table(
            "Params",
            ("param", "before", "now"),
            comparison.params,
            lambda one: (foreign(one.key), _set(one.base), _set(one.head)),
            before=_inactive(comparison.inactive),
            folded=False,
        ),
        _counts("Data", comparison.data, _count),
        _counts("Quarantine", comparison.quarantine, _count),
        _counts("Caption decisions, share of clips", comparison.captions, _share),
        _Table(
            "Stages that ran again",
            ("stage", "why", "outputs with other bytes"),
            comparison.stages,
            lambda one: (
                foreign(one.stage),
                _list(one.because) if one.kind == "changed" else one.kind,
                _list(one.outputs),
            ),
        ),
        _Table(
            "Models and data sets, MD5",
            ("output", "before", "now"),
            [one for one in comparison.outputs if one.base != one.head],
            lambda one: (foreign(one.path), _hash(one.base), _hash(one.head)),
        ),
        _deltas("Other figures, without intervals", comparison.figures),
        _Table(
            "Timings",
            ("stage", "before", "now", "budget"),
            comparison.timings,
            lambda one: (foreign(one.stage), _time(one.base), _time(one.head), _time(one.budget)),
            (1, 2, 3),
        ),
    ]


def _deltas(title: str, deltas: Sequence[Delta], folded: bool = True) -> _Table:
    noted = any(delta.note for delta in deltas)
    head = ("of", "metric", "before", "now", "verdict", *(("note",) if noted else ()))

    def row(delta: Delta) -> tuple[str, ...]:
        arrow = {"higher": " ↑", "lower": " ↓"}.get(delta.better, "")
        figures = (_figure(delta.base, delta.base_interval), _figure(delta.head, delta.head_interval))
        metric = foreign(" › ".join(words(part) for part in delta.metric.split("."))) + arrow
        verdict = f"{_MARK.get(delta.verdict, '')}{delta.verdict}"
        return (_method(delta.group), metric, *figures, verdict, *((foreign(delta.note),) if noted else ()))

    before = "↑ higher is better, ↓ lower is better." if any(delta.better for delta in deltas) else ""
    return _Table(title, head, deltas, row, (2, 3), before, folded)


def _counts(title: str, counts: Sequence[Count], show: Callable[[float | None], str]) -> _Table:
    changed = [one for one in counts if one.base != one.head]
    head = ("what", "before", "now", "change")
    return _Table(
        title, head, changed, lambda one: (foreign(one.name), show(one.base), show(one.head), _step(one)), (1, 2, 3)
    )


def _section(table: _Table, cap: int) -> str:
    if not table.items:
        return f"**{table.title}:** no change. {table.before}"
    shown = table.items[:cap]
    marks = ["---:" if place in table.numeric else "---" for place in range(len(table.head))]
    lines = [f"| {' | '.join(table.head)} |", f"|{'|'.join(marks)}|"] if shown else []
    lines += [f"| {' | '.join(row)} |" for row in map(table.row, shown)]
    body = "\n".join(lines)
    left = len(table.items) - len(shown)
    rest = f"… and {_many(left, 'row')} more, in the comparison's JSON." if left else ""
    content = "\n\n".join(part for part in (table.before, body, rest) if part)
    if table.folded:
        return (
            f"<details><summary>{table.title} ({_many(len(table.items), 'row')})</summary>\n\n{content}\n\n</details>"
        )
    return f"### {table.title}\n\n{content}"


def _side(revision: Revision) -> str:
    """A revision's name and its commit; a name that is the commit's is not said twice."""
    commit = re.sub(r"[^0-9a-f]", "", revision.commit)[:10]
    state = " with changes" if revision.changed else ""
    if revision.name and revision.commit.startswith(revision.name):
        return f"`{commit}`{state}"
    return f"{foreign(revision.name, 60)} (`{commit}`{state})" if commit else foreign(revision.name, 60)


def _method(group: str) -> str:
    return foreign(" · ".join(labelled(part) for part in group.split(" · ")))


def _figure(value: float | None, around: Sequence[float]) -> str:
    if value is None:
        return "–"
    said = interval(around[0], around[1]) if len(around) == 2 else ""
    return f"{number(float(value))} {said}".strip()


def _count(value: float | None) -> str:
    if value is None:
        return "–"
    return number(int(value)) if float(value).is_integer() and abs(value) < 1e15 else number(float(value))


def _share(value: float | None) -> str:
    return "–" if value is None else f"{100 * value:.1f} %"


def _step(one: Count) -> str:
    if one.base is None or one.head is None:
        return ""
    step = one.head - one.base
    relative = f" ({100 * step / one.base:+.0f} %)" if one.base and abs(step / one.base) < 1e4 else ""
    sign = "+" if step > 0 else ""
    return f"{sign}{_count(step)}{relative}".replace("-", "\u2212")


def _time(seconds: float | None) -> str:
    return "–" if seconds is None or not 0 <= seconds < 1e8 else duration(seconds)


def _set(text: str | None) -> str:
    return "–" if text is None else foreign(text) or "(empty)"


def _hash(md5: str) -> str:
    known = re.fullmatch(r"([0-9a-f]{32})(?:\.dir)?", md5)
    return f"`{known.group(1)[:12]}`" if known else "–"


def _list(items: Sequence[str]) -> str:
    shown = ", ".join(foreign(item, 70) for item in items[:4])
    return shown + (f" … {len(items) - 4} more" if len(items) > 4 else "")


def _inactive(counts: Iterable[Count]) -> str:
    told = ", ".join(f"{foreign(one.name, 40)}: {number(int(one.head or 0))}" for one in counts)
    return f"Elsewhere, where this comparison does not look, params differ too ({told})." if told else ""


def _ranked(deltas: Sequence[Delta], verdicts: Sequence[str]) -> list[Delta]:
    """Those of `verdicts`, in that order."""
    chosen = [delta for delta in deltas if delta.verdict in verdicts]
    return sorted(chosen, key=lambda delta: verdicts.index(delta.verdict))


def _different(deltas: Sequence[Delta]) -> list[Delta]:
    return [delta for delta in deltas if delta.verdict != "unchanged"]


def _moved(licences: Sequence[object]) -> bool:
    return any(getattr(one, "base", None) != getattr(one, "head", None) for one in licences)


def _many(count: int, one: str, more: str = "") -> str:
    return f"{count} {one if count == 1 else more or one + 's'}"
