"""What the composer planted is written by `ingest` and read by `evaluate`; no other stage can see it."""

import ast

import pytest
from tests.contracts.repository import SRC, dvc_stages, parsed, reached

PACKAGE = SRC / "padstal"
MAY_NAME_IT = {
    PACKAGE / "core" / "paths.py",
    PACKAGE / "stages" / "ingest.py",
    PACKAGE / "stages" / "evaluate.py",
    PACKAGE / "evaluation" / "evaluate.py",
}


def _names_truth(node: ast.AST) -> bool:
    if isinstance(node, ast.Attribute):
        return node.attr == "truth"
    return isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.endswith("truth.parquet")


def test_only_ingest_and_evaluate_name_the_truth() -> None:
    files = sorted(PACKAGE.rglob("*.py"))
    naming = {file for file in files if any(_names_truth(node) for node in ast.walk(parsed(file)))}
    assert naming <= MAY_NAME_IT
    assert {file.name for file in naming} == {"paths.py", "ingest.py", "evaluate.py"}


def test_in_dvc_only_ingest_writes_it_and_only_evaluate_depends_on_it() -> None:
    truth = "data/${scale}/truth.parquet"
    writers = [name for name, stage in dvc_stages().items() if truth in stage.get("outs", [])]
    readers = [name for name, stage in dvc_stages().items() if truth in stage["deps"]]
    assert (writers, readers) == (["ingest"], ["evaluate"])


@pytest.mark.parametrize("stage", [name for name in dvc_stages() if name not in ("ingest", "evaluate")])
def test_no_other_stage_reaches_code_that_names_it(stage: str) -> None:
    assert not reached(PACKAGE / "stages" / f"{stage}.py") & (MAY_NAME_IT - {PACKAGE / "core" / "paths.py"})
