"""A decision as Markdown, for the person who asks why: the answer, both models' figures, each check's reason."""

from padstal.evaluation.metrics import METRICS
from padstal.operations.promotion.decision import Decision
from padstal.operations.promotion.gate import Figure
from padstal.reporting.table import Table, markdown_table
from padstal.reporting.text import MISSING, bounds, escape_markdown, number, words


def markdown(decision: Decision) -> str:
    """The whole of it; what comes from data (licences, names of revisions) is escaped."""
    verdict = decision.verdict
    title = f"{decision.model} at {decision.scale} scale: {'promote' if verdict.promote else 'do not promote'}"
    failed = [check for check in verdict.checks if not check.passed]
    parts = [f"# {title}", escape_markdown(verdict.summary), _players(decision)]
    if failed:
        parts += ["## Why not", "\n".join(f"- {escape_markdown(check.reason)}" for check in failed)]
    checks = [(check.kind, check.name, "yes" if check.passed else "NO", check.reason) for check in verdict.checks]
    parts += ["## Figures", markdown_table(_figures(decision))]
    parts += ["## Checks", markdown_table(Table(("check", "of", "holds", "reason"), tuple(checks)))]
    return "\n\n".join(parts) + "\n"


def _players(decision: Decision) -> str:
    changed = " with changes that are not committed" if decision.changed else ""
    if decision.champion is not None:
        version = f"{escape_markdown(decision.champion.version)}, " if decision.champion.version else ""
        champion = f"Champion: {version}`{decision.champion.commit[:12]}`."
    elif decision.replaces:
        champion = f"Champion: {decision.replaces}, which was not compared with; floors alone decide."
    else:
        champion = "There is no champion yet; floors alone decide."
    design = decision.design
    return "\n".join(
        [
            f"- Challenger: `{decision.challenger.commit[:12]}`{changed}.",
            f"- {champion}",
            f"- Judges: the foundation models of {escape_markdown(decision.judges.get('of', MISSING))}.",
            f"- {number(design.get('prompts'))} frozen prompts (`{str(design.get('frozen_prompts'))[:12]}`), "
            f"{number(design.get('samples_a_prompt'))} samples each; "
            f"{number(design.get('reference_clips'))} held-out clips.",
        ]
    )


def _figures(decision: Decision) -> Table:
    rows = []
    for name in decision.thresholds.metrics:
        found = decision.evidence.metrics.get(name)
        figures = (found.champion, found.challenger, found.gain) if found else (None, None, None)
        rows.append((words(name), METRICS[name].better, *map(_cell, figures)))
    head = ("metric", "better", "champion", "challenger", "gain")
    return Table(head, tuple(rows), (False, False, True, True, True))


def _cell(figure: Figure | None) -> str:
    return "–" if figure is None else f"{number(figure.value)} {bounds(figure.interval)}".strip()
