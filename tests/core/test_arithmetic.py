import os
import subprocess
import sys

import pytest

from padstal.core.arithmetic import INSTRUCTIONS, settle


def test_what_is_set_already_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    found = {"MKL_CBWR": "COMPATIBLE", "OMP_WAIT_POLICY": "passive"}
    settle(found)
    assert found == {**INSTRUCTIONS, "MKL_CBWR": "COMPATIBLE", "OMP_WAIT_POLICY": "passive"}


def test_other_processors_keep_their_instructions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.machine", lambda: "aarch64")
    found: dict[str, str] = {}
    settle(found)
    assert set(found) == {"GOMP_SPINCOUNT"}


@pytest.mark.slow
def test_torch_computes_with_the_settled_instructions_wherever_padstal_is_imported() -> None:
    code = "import padstal.stages.harness, torch; print(torch.backends.cpu.get_cpu_capability())"
    clean = {name: value for name, value in os.environ.items() if name not in INSTRUCTIONS}
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=clean)
    assert found.stdout.strip() in ("AVX2", "DEFAULT")
