"""`gate`: stops the run if the verdict on the data says so; a stage of its own, so that a failing verdict is kept."""

from typing import Any

from padstal.core.data.atomic import atomic_folder, read_json, write_json
from padstal.curation.expectations.config import GateParams
from padstal.curation.expectations.expectation import SEVERITIES
from padstal.stages.harness import Stage, StageError, run_stage

ITEMS = ("ingest", "curate")
"""Stages whose data set must pass."""


def main(stage: Stage[GateParams]) -> None:
    """Pass, or fail with one line for each expectation broken at or above `stop_at`."""
    verdict = read_json(stage.paths.validate(stage.item) / "verdict.json")
    broken = [entry for entry in verdict["expectations"] if not entry["success"]]
    least = SEVERITIES.index(stage.params.stop_at)
    stopping = [entry for entry in broken if SEVERITIES.index(entry["severity"]) >= least]
    if stopping:
        raise StageError(
            f"{len(stopping)} of {len(verdict['expectations'])} expectations of what {stage.item} made are broken "
            f"(data docs: {stage.paths.validate(stage.item).relative_to(stage.paths.root)}/data_docs/index.html)\n"
            + "\n".join(explain(entry) for entry in stopping)
        )
    checked = len(verdict["expectations"])
    passed = {"expectations": checked, "broken": len(broken), "stop_at": stage.params.stop_at}
    with atomic_folder(stage.paths.gate(stage.item)) as folder:
        write_json(folder / "passed.json", passed)
    stage.write_metrics(passed)
    stage.say(f"passed: {checked - len(broken)} of {checked} expectations hold")


def explain(entry: dict[str, Any]) -> str:
    """One broken expectation of a verdict: severity, column, count, what was expected, three ids, advice."""
    where = f"column {entry['column']}" if entry["column"] else "table"
    count = f"{entry['unexpected']} rows" if entry["unexpected"] else entry["observed"]
    named = f"; for example {', '.join(entry['offenders'])}" if entry["offenders"] else ""
    advice = f" ({entry['advice']})" if entry["advice"] else ""
    return (
        f"- {entry['severity']}: {entry['name']}: {where} of {entry['table']}: "
        f"{count}, expected {entry['expected']}{named}{advice}"
    )


if __name__ == "__main__":
    run_stage("gate", GateParams, main, items=ITEMS)
