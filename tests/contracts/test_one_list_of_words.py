"""`dvc.yaml`, `stages/`, the sections of `params.yaml` and the flow name the same stages in the same order."""

import ast
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.contracts.repository import ROOT, STAGES_FOLDER, dvc_stages, items_of, parsed

RUNS = ("codecs", "denoisers", "systems")
"""Lists of `params.yaml` that say what runs."""
NOT_STAGES = ("__init__.py", "harness.py", "params.py", "training.py")


def _run_stage_call(stage: str) -> ast.Call:
    calls = [
        node
        for node in ast.walk(parsed(STAGES_FOLDER / f"{stage}.py"))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "run_stage"
    ]
    assert len(calls) == 1, f"{stage}: expected one call of run_stage, found {len(calls)}"
    return calls[0]


def _literal(stage: str, node: ast.expr) -> Any:
    """The value of a literal, or of a constant of the stage's module."""
    if not isinstance(node, ast.Name):
        return ast.literal_eval(node)
    module = parsed(STAGES_FOLDER / f"{stage}.py")
    return next(
        ast.literal_eval(line.value)
        for line in module.body
        if isinstance(line, ast.Assign) and ast.unparse(line.targets[0]) == node.id
    )


def test_every_stage_is_a_file_and_every_file_a_stage() -> None:
    files = {file.stem for file in STAGES_FOLDER.glob("*.py") if file.name not in NOT_STAGES}
    assert files == set(dvc_stages())


@pytest.mark.parametrize("scale", ["demo", "study", "full"])
def test_params_have_the_stages_as_sections_in_the_same_order(scale: str) -> None:
    sections = list(yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))["scales"][scale])
    assert [name for name in sections if name != "budget"] == list(dvc_stages())


def test_the_typed_params_have_the_same_order() -> None:
    from padstal.stages.params import STAGES

    assert tuple(dvc_stages()) == STAGES


@pytest.mark.parametrize(("stage", "content"), dvc_stages().items())
def test_a_stage_runs_its_namesake_and_writes_metrics_of_its_name(stage: str, content: dict[str, Any]) -> None:
    [axis] = content.get("matrix", {"": []})
    item = f" ${{item.{axis}}}" if axis else " ${key}" if "foreach" in content else ""
    assert content["cmd"] == f"python -m padstal.stages.{stage}{item}"
    assert content["desc"]
    assert content["deps"][0] == f"src/padstal/stages/{stage}.py"
    whole = "scales.${scale}"  # the report shows every stage's params
    asked_again = ("validate", f"{whole}.ingest.licences")  # validate checks ingest's work against ingest's policy
    sections = [key for key in content["params"] if key.split(".")[0] not in RUNS]
    assert (
        sections == [whole]
        if stage == "report"
        else all(key.startswith(f"{whole}.{stage}") or (stage, key) == asked_again for key in sections)
    )
    suffix = f"_{item.strip()}" if item else ""
    metrics = [next(iter(one)) for one in content.get("metrics", [])]
    ledger = f"reports/${{scale}}/ledger/{stage}{suffix}.json"
    assert (ledger in metrics) == stage.startswith("train_")
    metrics = [one for one in metrics if one != ledger]
    assert metrics in ([], [f"reports/${{scale}}/metrics/{stage}{suffix}.json"])
    call = _run_stage_call(stage)
    assert isinstance(call.args[0], ast.Constant)
    assert call.args[0].value == stage
    items = next((_literal(stage, word.value) for word in call.keywords if word.arg == "items"), ())
    listed = content.get("foreach") or content.get("matrix", {axis: []})[axis]
    assert listed == f"${{{items}}}" if isinstance(items, str) else list(items) == list(listed)


@pytest.mark.slow
def test_the_flow_runs_them_in_this_order(tmp_path: Path) -> None:
    from flows.dag import read_dag

    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    subprocess.run([sys.executable, "-m", "dvc", "init", "-q"], cwd=tmp_path, check=True, capture_output=True)
    for name in ("dvc.yaml", "params.yaml"):
        (tmp_path / name).write_bytes((ROOT / name).read_bytes())
    dag = read_dag(tmp_path)
    expanded = [
        f"{stage}@{item}" if item else stage
        for stage, content in dvc_stages().items()
        for item in items_of(content) or [""]
    ]
    assert sorted(dag.stages) == sorted(expanded)
    assert list(dict.fromkeys(stage.partition("@")[0] for stage in dag.stages)) == list(dvc_stages())
    place = {stage: number for number, stage in enumerate(dag.stages)}
    assert all(place[above] < place[stage] for stage in dag.stages for above in dag.needs[stage])


def test_nothing_is_trained_on_data_that_has_not_passed_its_gate() -> None:
    for stage in ("score", "caption"):
        assert "data/${scale}/gate/ingest" in dvc_stages()[stage]["deps"]
    for stage in ("train_vae", "encode"):
        assert "data/${scale}/gate/curate" in dvc_stages()[stage]["deps"]
