"""A comparison as a pull request's comment: what matters first, never longer than a forge takes, no foreign markup.

Every text of the record is hostile (names of branches, licences, methods, params): it loses control and direction
characters, is cut, and is escaped. Links and pictures are those that the caller gives; the record brings none.
Standard library alone, like `record`.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import get_args

from padstal.reporting.comparison.record import Comparison, Count, Delta, Revision, Verdict
from padstal.reporting.table import Cell, Table, markdown_table
from padstal.reporting.text import bounds, escape_markdown, labelled, number, visible, words

LONGEST = 60_000
"""Bytes of UTF-8; GitHub takes 65,536 characters."""
_CAPS = (80, 40, 20, 10, 5, 2, 1, 0)
_LONGEST_CELL = 120
_JOINER = "\u2060"
_DECIDED, _ALIKE = ("worse", "better", "different"), ("unchanged", "not comparable")
_LICENCES = ("licence", "tracks before", "tracks now", "what it means")
_MARK = {"better": "🟢 ", "worse": "🔴 ", "different": "🟠 ", "not comparable": "⚪ "}


@dataclass(frozen=True)
class Media:
    """What lies beside the comment: Markdown of ours for pictures and sounds, and a last line."""

    beside: str = ""
    closing: str = ""


@dataclass(frozen=True)
class _Section:
    """A table under its title; `folded` hides it behind that."""

    title: str
    table: Table
    before: str = ""
    folded: bool = True


def render_markdown(comparison: Comparison, media: Media | None = None, limit: int = LONGEST) -> str:
    """The comment, at most `limit` bytes long: tables are cut, and say how much was left out.

    Raises:
        ValueError: `limit` is too small for the headings alone.
    """
    media, sections = media or Media(), _sections(comparison)
    tries = [*((media, cap) for cap in _CAPS), (Media(closing=media.closing), 0)]
    for beside, cap in tries:
        text = _render(comparison, sections, beside, cap)
        if len(text.encode("utf-8")) <= limit:
            return text
    raise ValueError(f"limit = {limit} bytes: expected more, the headings alone have {len(text.encode('utf-8'))}")


def foreign(text: str, longest: int = _LONGEST_CELL) -> str:
    """A text from outside for one cell or sentence: visible characters, one line, cut, escaped, nothing turns into a
    link or mention."""
    shown = visible(text)
    shown = shown if len(shown) <= longest else f"{shown[: longest - 1]}…"
    escaped = escape_markdown(re.sub(r"(?i)(:)(?=//)|(www)(?=\.)", rf"\g<0>{_JOINER}", shown))
    escaped = re.sub(r"(?i)\b(gh)-(?=\d)", rf"\1-{_JOINER}", escaped)  # GH-12 names an issue
    return re.sub(r"(?i)(?<![\w&#])([0-9a-f]{6})(?=[0-9a-f]+\b)", rf"\1{_JOINER}", escaped)  # so may a commit's name


def _render(comparison: Comparison, sections: Sequence[_Section], media: Media, cap: int) -> str:
    base, head = _side(comparison.base), _side(comparison.head)
    quiet = [one.title[0].lower() + one.title[1:] for one in sections if not one.table.rows]
    parts = [
        f"## padstal: {head} against {base}, {foreign(comparison.scale, 20)} scale",
        "\n".join(f"- {line}" for line in _headlines(comparison)),
        "\n".join(f"> {foreign(note, 300)}" for note in comparison.notes[: max(cap, 3)]),
        *(_shown(one, cap) for one in sections if one.table.rows),
        f"Nothing to show: {'; '.join(quiet)}." if quiet else "",
        media.beside,
        "<sub>Verdicts rest on each side's own interval: apart is a clear difference, overlapping is none. "
        "A change of random origin can also be clear: more seeds tell.</sub>",
        media.closing,
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _headlines(comparison: Comparison) -> list[str]:
    """What a reader should know if they read nothing else."""
    told = []
    new = [one.name for one in comparison.licences if one.note.startswith("new")]
    if new:
        told.append(f"**Licences:** {len(new)} new ({_list(new)}); see below.")
    both = Counter(delta.verdict for delta in comparison.metrics if None not in (delta.base, delta.head))
    said = ", ".join(f"{both[verdict]} {verdict}" for verdict in get_args(Verdict) if both[verdict])
    said = f"{said} (of {both.total()})" if said else "nothing to compare: at least one side has no figures"
    told.append(f"**Metrics:** {said}.")
    if comparison.remedy and any(delta.verdict == "not comparable" for delta in comparison.metrics):
        told.append(f"**Not comparable:** {foreign(comparison.remedy, 500)}")
    data = [one for one in comparison.data if one.base != one.head]
    told.append(
        f"**Changed:** {_many(len(comparison.params), 'param')}, {_many(len(comparison.stages), 'stage')}, "
        f"{_many(len(data), 'data count')}."
    )
    if comparison.stale:
        told.append(f"**Stale:** params.yaml moved past dvc.lock ({_list(comparison.stale)}).")
    return told


def _sections(comparison: Comparison) -> list[_Section]:
    new = {one.note for one in comparison.licences if one.note.startswith("new")}
    moved = any(one.base != one.head for one in comparison.licences)
    licences = [
        (foreign(one.name), _count(one.base), _count(one.head), "⚠️ " * (one.note in new) + foreign(one.note))
        for one in comparison.licences
        if moved
    ]
    measured = comparison.metrics, comparison.matched, comparison.checks
    metrics, matched, checks = ([one for one in group if one.verdict not in _ALIKE] for group in measured)
    clear, open_ = ([one for one in metrics if (one.verdict in _DECIDED) == decided] for decided in (True, False))
    apart = [one for group in measured for one in group if one.verdict == "not comparable"]
    params = [(foreign(one.key), _set(one.base), _set(one.head)) for one in comparison.params]
    data = [
        (foreign(one.name), _count(one.base), _count(one.head), _step(one))
        for one in comparison.data
        if one.base != one.head
    ]
    stages = [
        (foreign(one.stage), _list(one.because) if one.kind == "changed" else one.kind, _list(one.outputs))
        for one in comparison.stages
    ]
    return [
        _Section("Licences", Table(_LICENCES, tuple(licences), (False, True, True, False)), folded=not new),
        _deltas("Metrics with a clear difference", clear, folded=False),
        _deltas("Metrics without a clear difference", open_),
        _deltas("Differences to the baseline at matched CLAP-f", matched),
        _deltas("Checks of foundation models, planted truth and latent spaces", checks),
        _deltas("Figures that do not compare", apart, foreign(comparison.remedy, 500)),
        _Section("Params", Table(("param", "before", "now"), tuple(params)), folded=False),
        _Section("Data", Table(("what", "before", "now", "change"), tuple(data), (False, True, True, True))),
        _Section("Stages that ran again", Table(("stage", "why", "outputs with other bytes"), tuple(stages))),
    ]


def _deltas(title: str, deltas: Sequence[Delta], before: str = "", folded: bool = True) -> _Section:
    noted = any(delta.note for delta in deltas)
    rows = []
    for delta in sorted(deltas, key=lambda delta: get_args(Verdict).index(delta.verdict)):
        arrow = {"higher": " ↑", "lower": " ↓"}.get(delta.better, "")
        group = foreign(labelled(delta.group))
        metric = foreign(" › ".join(words(part) for part in delta.metric.split("."))) + arrow
        figures = (_figure(delta.base, delta.base_interval), _figure(delta.head, delta.head_interval))
        verdict = f"{_MARK.get(delta.verdict, '')}{delta.verdict}"
        rows.append((group, metric, *figures, verdict, *((foreign(delta.note),) if noted else ())))
    if any(delta.better for delta in deltas):
        before = f"{before} ↑ higher is better, ↓ lower is better.".strip()
    head = ("of", "metric", "before", "now", "verdict", *(("note",) if noted else ()))
    numeric = tuple(name in ("before", "now") for name in head)
    return _Section(title, Table(head, tuple(rows), numeric), before, folded)


def _shown(section: _Section, cap: int) -> str:
    title, table = section.title, section.table
    rows = len(table.rows)
    body = markdown_table(replace(table, rows=table.rows[:cap]), outside=0) if cap else ""
    rest = f"… and {_many(rows - cap, 'row')} more, in the comparison's JSON." if rows > cap else ""
    content = "\n\n".join(part for part in (section.before, body, rest) if part)
    if section.folded:
        return f"<details><summary>{title} ({_many(rows, 'row')})</summary>\n\n{content}\n\n</details>"
    return f"### {title}\n\n{content}"


def _side(revision: Revision) -> str:
    commit = re.sub(r"[^0-9a-f]", "", revision.commit)[:10]
    told = f" (`{commit}`{' with changes' if revision.changed else ''})" if commit else ""
    return foreign(revision.name, 60) + told


def _figure(value: float | None, around: Sequence[float]) -> str:
    return "–" if value is None else Cell(number(value), below=bounds(around))


def _count(value: float | None) -> str:
    if value is None:
        return "–"
    return number(int(value) if float(value).is_integer() and abs(value) < 1e15 else value)


def _step(one: Count) -> str:
    if one.base is None or one.head is None:
        return ""
    step = one.head - one.base
    relative = f" ({100 * step / one.base:+.0f} %)" if one.base and abs(step / one.base) < 1e4 else ""
    sign = "+" if step > 0 else ""
    return f"{sign}{_count(step)}{relative}".replace("-", "\u2212")


def _set(text: str | None) -> str:
    return "–" if text is None else foreign(text) or "(empty)"


def _list(items: Sequence[str]) -> str:
    shown = ", ".join(foreign(item, 70) for item in items[:4])
    return shown + (f" … {len(items) - 4} more" if len(items) > 4 else "")


def _many(count: int, one: str) -> str:
    return f"{count} {one}{'' if count == 1 else 's'}"
