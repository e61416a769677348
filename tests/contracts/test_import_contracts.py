"""Dependencies point one way, and each big tool has one home."""

import subprocess
import sys
from pathlib import Path

import pytest
from tests.contracts.repository import ROOT, SRC, imported_modules, source_files

PACKAGE = SRC / "padstal"
HOMES = {
    "prefect": [ROOT / "flows"],
    "wandb": [PACKAGE / "operations" / "tracking"],
    "laion_clap": [PACKAGE / "foundation"],
    "transformers": [PACKAGE / "foundation"],
    "dac": [PACKAGE / "foundation", PACKAGE / "nn" / "discriminators.py"],
    "great_expectations": [PACKAGE / "curation", PACKAGE / "commands" / "doctor.py"],
    "boto3": [PACKAGE / "ingest" / "s3", PACKAGE / "operations" / "lineage" / "stores.py"],
    "botocore": [PACKAGE / "ingest" / "s3", PACKAGE / "operations" / "lineage" / "stores.py"],
    "symusic": [PACKAGE / "demo"],
    "lightning": [PACKAGE / "training", PACKAGE / "codecs", PACKAGE / "diffusion", PACKAGE / "demo"],
}
SLOW_TO_IMPORT = {
    "torch",
    "lightning",
    "prefect",
    "wandb",
    "dvc",
    "transformers",
    "great_expectations",
    "laion_clap",
    "pandas",
    "boto3",
}


def test_import_linter_keeps_its_contracts() -> None:
    program = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run(
        [str(program), "--no-cache"], cwd=ROOT, capture_output=True, text=True, env={"PYTHONPATH": str(SRC)}
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("tool", HOMES)
def test_a_tool_is_imported_only_at_home(tool: str) -> None:
    strangers = [
        str(file.relative_to(ROOT))
        for file in source_files()
        if any(module.split(".")[0] == tool for module in imported_modules(file))
        and not any(home == file or home in file.parents for home in HOMES[tool])
    ]
    assert not strangers


def test_help_does_not_wait_for_big_imports() -> None:
    code = f"import sys, padstal.cli; print([name for name in {sorted(SLOW_TO_IMPORT)} if name in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env={"PYTHONPATH": str(SRC)}, check=True
    )
    assert done.stdout.strip() == "[]"
