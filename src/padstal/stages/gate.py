"""`gate`: stops the run if the verdict on the data says so; a stage of its own, so that a failing verdict is kept."""

from padstal.core.data.atomic import atomic_folder, read_json, write_json
from padstal.curation.expectations.config import GateParams
from padstal.curation.expectations.expectation import stopping
from padstal.stages.harness import Stage, StageError, run_stage

ITEMS = ("ingest", "curate")
"""Stages whose data set must pass."""


def main(stage: Stage[GateParams]) -> None:
    """Pass, or fail with one line for each expectation broken at or above `stop_at`."""
    validated, stop_at = stage.paths.validate(stage.item), stage.params.stop_at
    verdict = read_json(validated / "verdict.json")
    held = [entry["success"] for entry in verdict["expectations"]]
    if lines := stopping(verdict, stop_at):
        docs = validated.relative_to(stage.paths.root) / "data_docs" / "index.html"
        head = f"{len(lines)} of {len(held)} expectations of what {stage.item} made are broken (data docs: {docs})"
        raise StageError("\n".join([head, *lines]))
    passed = {"expectations": len(held), "broken": held.count(False), "stop_at": stop_at}
    with atomic_folder(stage.paths.gate(stage.item)) as folder:
        write_json(folder / "passed.json", passed)
    stage.write_metrics(passed)
    stage.say(f"passed: {held.count(True)} of {len(held)} expectations hold")


if __name__ == "__main__":
    run_stage("gate", GateParams, main, items=ITEMS)
