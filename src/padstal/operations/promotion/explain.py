"""A decision as Markdown, for the person who asks why: the answer, both models' figures, each check's reason."""

from padstal.evaluation.metrics import METRICS
from padstal.operations.promotion.decision import Decision
from padstal.operations.promotion.gate import Check, Compared, Figure, Interval
from padstal.reporting.text import MISSING, escape_markdown, interval, number, words


def markdown(decision: Decision) -> str:
    """The whole of it; what comes from data (licences, names of revisions) is escaped."""
    verdict = decision.verdict
    title = f"{decision.model} at {decision.scale} scale: {'promote' if verdict.promote else 'do not promote'}"
    failed = [check for check in verdict.checks if not check.passed]
    parts = [f"# {title}", escape_markdown(verdict.summary), _players(decision)]
    if failed:
        parts += ["## Why not", "\n".join(f"- {escape_markdown(check.reason)}" for check in failed)]
    parts += ["## Figures", _figures(decision), "## Checks", _checks(verdict.checks)]
    return "\n\n".join(parts) + "\n"


def _players(decision: Decision) -> str:
    changed = " with changes that are not committed" if decision.changed else ""
    lines = [f"- Challenger: `{decision.challenger.commit[:12]}`{changed}."]
    if decision.champion is not None:
        version = f"{escape_markdown(decision.champion.version)}, " if decision.champion.version else ""
        lines.append(f"- Champion: {version}`{decision.champion.commit[:12]}`.")
    elif decision.replaces:
        lines.append(f"- Champion: {decision.replaces}, which was not compared with; floors alone decide.")
    else:
        lines.append("- There is no champion yet; floors alone decide.")
    judges = f"- Judges: the foundation models of {escape_markdown(decision.judges.get('of', MISSING))}."
    design = decision.design
    lines += [
        judges,
        f"- {number(design.get('prompts'))} frozen prompts (`{str(design.get('frozen_prompts'))[:12]}`), "
        f"{number(design.get('samples_a_prompt'))} samples each; "
        f"{number(design.get('reference_clips'))} held-out clips.",
    ]
    return "\n".join(lines)


def _figures(decision: Decision) -> str:
    lines = [
        "| metric | better | champion | challenger | gain |",
        "|---|---|---:|---:|---:|",
        *(_row(name, decision.evidence.metrics.get(name)) for name in decision.thresholds.metrics),
    ]
    return "\n".join(lines)


def _row(name: str, found: Compared | None) -> str:
    cells = [found.champion, found.challenger, found.gain] if found else [None, None, None]
    return f"| {words(name)} | {METRICS[name].better} | " + " | ".join(map(_cell, cells)) + " |"


def _cell(figure: Figure | None) -> str:
    return "–" if figure is None else f"{number(figure.value)} {_between(figure.interval)}".strip()


def _checks(checks: tuple[Check, ...]) -> str:
    lines = ["| check | of | holds | reason |", "|---|---|---|---|"]
    for check in checks:
        holds = "yes" if check.passed else "**no**"
        lines.append(f"| {check.kind} | {escape_markdown(check.name)} | {holds} | {escape_markdown(check.reason)} |")
    return "\n".join(lines)


def _between(bounds: Interval | None) -> str:
    return interval(*bounds) if bounds else ""
