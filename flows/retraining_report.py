"""What a retraining tells a person, in Markdown: how it ended, why, what was done, and what to do about it."""

from flows.repro import summary
from flows.retraining import Journal
from padstal.core.passwords import without_user

NEXT = {
    "no new data": "Nothing to do. To have the same data tried again, delete the branch that handled them.",
    "promoted": "A pull request proposes the challenger; merging it makes these data and this model the branch's own.",
    "refused": "The champion stays. The branch keeps the challenger and its figures; these data are not tried again.",
}
FAILED = (
    "The branch that it started from is untouched. What was done is on the run's branch; the next run goes on from "
    "there and repeats nothing."
)


def report(journal: Journal, failure: Exception | None = None) -> str:
    """The text."""
    result = f"failed: {without_user(str(failure))}" if failure else journal.result or "not ended"
    lines = [f"# Retraining: {result}", ""]
    facts = {
        "scale": journal.scale,
        "sources": journal.files,
        "manifest": journal.manifest,
        "branch": journal.branch,
        "commit": journal.commit,
    }
    lines += [f"- {name}: `{value}`" for name, value in facts.items() if value]
    if journal.why:
        lines += ["", "## Why", "", *(f"- {reason}" for reason in journal.why)]
    if journal.stages:
        lines += ["", "## Stages", "", summary(journal.stages)]
    lines += ["", FAILED if failure else NEXT.get(journal.result or "", "")]
    return "\n".join(lines).rstrip() + "\n"
