"""Ten times the clips take no more memory, stage by stage: latents, states, samples and features are streams."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

ROOT = Path(__file__).resolve().parents[2]
FREED = {"MALLOC_TRIM_THRESHOLD_": "65536", "MALLOC_MMAP_THRESHOLD_": "65536"}
"""What is freed goes back at once: how much of it glibc keeps differs from machine to machine."""


@pytest.fixture(scope="module")
def peaks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that says what each stage took."""
    folder = tmp_path_factory.mktemp("peaks")
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src"), "OMP_NUM_THREADS": "1", **FREED}
    program = [sys.executable, str(Path(__file__).with_name("memory.py")), str(folder)]
    subprocess.run(program, env=environment, check=True)
    return folder


@pytest.mark.parametrize("stage", ["encode", "train_diffusion", "sample", "evaluate"])
def test_memory_does_not_grow_with_the_number_of_clips(stage: str, peaks: Path) -> None:
    once, tenfold = json.loads((peaks / f"{stage}.json").read_text())
    assert tenfold <= 1.1 * once, f"{tenfold / 2**20:.0f} MiB for 10 × the clips, {once / 2**20:.0f} MiB for 1 ×"
