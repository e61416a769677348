"""A decision as Markdown, for the person who asks why: the answer, who played, each check's reason with its figures."""

from padstal.operations.promotion.decision import Decision
from padstal.reporting.table import Table, markdown_table
from padstal.reporting.text import escape_markdown


def markdown(decision: Decision) -> str:
    """The whole of it; what comes from data (licences, names of revisions) is escaped."""
    verdict = decision.verdict
    title = f"{decision.model} at {decision.scale} scale: {'promote' if verdict.promote else 'do not promote'}"
    failed = [check for check in verdict.checks if not check.passed]
    parts = [f"# {title}", escape_markdown(verdict.summary), _players(decision)]
    if failed:
        parts += ["## Why not", "\n".join(f"- {escape_markdown(check.reason)}" for check in failed)]
    checks = [(check.kind, check.name, "yes" if check.passed else "NO", check.reason) for check in verdict.checks]
    parts += ["## Checks", markdown_table(Table(("check", "of", "holds", "reason"), tuple(checks)))]
    return "\n\n".join(parts) + "\n"


def _players(decision: Decision) -> str:
    changed = " with changes that are not committed" if decision.changed else ""
    if decision.champion is not None:
        version = f"{escape_markdown(decision.champion.version)}, " if decision.champion.version else ""
        champion = f"Champion, whose judges listened: {version}`{decision.champion.commit[:12]}`."
    elif decision.replaces:
        champion = f"Champion: {decision.replaces}, which was not compared with; floors alone decide."
    else:
        champion = "There is no champion yet; floors alone decide."
    played = f"{decision.evidence.prompts} frozen prompts (`{decision.frozen_prompts[:12]}`)"
    return "\n".join(
        [
            f"- Challenger: `{decision.challenger.commit[:12]}`{changed}.",
            f"- {champion}",
            f"- {played}, {decision.samples_a_prompt} samples each.",
        ]
    )
