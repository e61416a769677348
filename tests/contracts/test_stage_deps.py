"""Code that a stage runs is among its `deps`, so that an edit re-runs what it should and nothing else."""

from pathlib import Path, PurePosixPath

import pytest
from dvc.repo import Repo
from tests.contracts.repository import ROOT, SRC, STAGES_FOLDER, dvc_stages, reached

PACKAGE = SRC / "padstal"
CHANGES_NO_RESULT = (
    *(PACKAGE / "core").glob("*.py"),  # params (DVC watches the values), names of files, git
    PACKAGE / "core" / "protocols",  # and bare records
    PACKAGE / "operations" / "tracking",  # a record beside the results
)


def _code_deps(stage: str) -> list[Path]:
    return [ROOT / dep for dep in dvc_stages()[stage]["deps"] if dep.startswith("src/")]


def _covered(file: Path, by: list[Path]) -> bool:
    return any(file == dep or dep in file.parents for dep in by)


@pytest.mark.parametrize("stage", dvc_stages())
def test_every_module_that_a_stage_reaches_is_a_dep(stage: str) -> None:
    deps = [*_code_deps(stage), *CHANGES_NO_RESULT]
    missing = sorted(
        str(file.relative_to(ROOT))
        for file in reached(STAGES_FOLDER / f"{stage}.py")
        if not _covered(file, deps) and file.name != "__init__.py"
    )
    assert not missing, f"add to the deps of {stage} in dvc.yaml: {', '.join(missing)}"


@pytest.mark.parametrize("stage", dvc_stages())
def test_every_dep_is_reached(stage: str) -> None:
    files = reached(STAGES_FOLDER / f"{stage}.py")
    idle = [str(dep.relative_to(ROOT)) for dep in _code_deps(stage) if not any(_covered(file, [dep]) for file in files)]
    assert not idle, f"{stage} does not run {', '.join(idle)}: an edit there would re-run it for nothing"


def test_compiled_files_do_not_make_a_dep_look_changed() -> None:
    ignored = (ROOT / ".dvcignore").read_text(encoding="utf-8").split()
    assert {"__pycache__/", "__pycache__"} & set(ignored), ".dvcignore must name __pycache__"


def test_a_dep_that_a_stage_writes_is_named_as_it_is_written_but_where_all_items_are_read() -> None:
    """A folder above it costs a comparison of trees where data are missing (`flows/repro.py`)."""
    with Repo(str(ROOT)) as repo:
        written = {out.def_path for out in repo.index.outs}
        deps = {(stage.name, dep.def_path) for stage in repo.index.stages for dep in stage.deps}
    holders = {str(parent) for path in written for parent in PurePosixPath(path).parents}
    parts = {(stage, dep) for stage, dep in deps if any(dep.startswith(f"{path}/") for path in written)}
    assert not parts
    assert {stage for stage, dep in deps if dep in holders} == {"evaluate", "report", "sample@discodiff"}
