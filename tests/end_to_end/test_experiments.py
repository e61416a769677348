"""Every command of docs/experiments.md works, in its order, on a DAG with this repository's names and no work."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
DOCS = (ROOT / "docs" / "experiments.md").read_text(encoding="utf-8")
PIPELINE = """\
stages:
  sample:
    matrix:
      model: [tal_dit]
    cmd: python stage.py sample ${item.model}
    params: ["scales.${scale}.sample"]
    deps: [stage.py]
    outs: ["data/${scale}/samples/${item.model}"]
  evaluate:
    cmd: python stage.py evaluate
    deps: [stage.py, "data/${scale}/samples"]
    metrics:
      - reports/${scale}/metrics/evaluate.json:
          cache: false
"""
STAGE = """\
import json, pathlib, sys, yaml
samples = pathlib.Path("data/demo/samples")
if sys.argv[1] == "sample":
    sample = yaml.safe_load(open("params.yaml"))["scales"]["demo"]["sample"]
    folder = samples / sys.argv[2]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "rows.json").write_text(json.dumps(sample["grids"]["pads_tal"]["sweeps"]))
    open("RUNS", "a").write(sys.argv[2] + " ")
else:
    rows = [
        {"system": file.parent.name, "method": method["kind"], "label": f"{method['kind']} s = {strength}",
         "clap_f": 0.4 - 0.01 * strength, "vendi": 2 + strength * (1 - method["tau1"])}
        for file in sorted(samples.glob("*/rows.json"))
        for method in [sweep["method"] for sweep in json.loads(file.read_text()).values()]
        for strength in method.get("strength", [])
    ]
    file = pathlib.Path("reports/demo/metrics/evaluate.json")
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps({"sweep": rows, "reference": {"vendi": max(row["vendi"] for row in rows)}}))
"""


@pytest.mark.slow
@pytest.mark.long
def test_the_recipes_work_as_they_are_written(tmp_path: Path) -> None:
    runs = tmp_path / "RUNS"
    environment = {
        **os.environ,
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
        "DVC_NO_ANALYTICS": "1",
        "DVC_SITE_CACHE_DIR": str(tmp_path / ".site-cache"),
    }

    def call(*command: str) -> str:
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, f"{shlex.join(command)}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    params = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    sample = params["scales"]["demo"]["sample"]
    assert sample["grids"]["pads_tal"]["sweeps"]["pads"]["method"]["kind"] == "pads", "the page says so"
    (tmp_path / "params.yaml").write_text(yaml.safe_dump({"scale": "demo", "scales": {"demo": {"sample": sample}}}))
    (tmp_path / "dvc.yaml").write_text(PIPELINE)
    (tmp_path / "stage.py").write_text(STAGE.replace('"RUNS"', repr(str(runs))))
    (tmp_path / ".gitignore").write_text("/data\nRUNS\n.site-cache\n")
    call("git", "init", "-q")
    call("git", "config", "user.email", "someone@example.org")
    call("git", "config", "user.name", "Someone")
    call("dvc", "init", "-q")
    call("dvc", "repro", "-q")
    call("git", "add", "-A")
    call("git", "commit", "-qm", "Begin")
    before = (tmp_path / "params.yaml").read_bytes()
    said: dict[str, str] = {}
    printed = ""
    for block in re.findall(r"```(?:sh|python)\n.*?```", DOCS, re.DOTALL):
        if block.startswith("```python"):
            printed = call("python", "-c", block.removeprefix("```python\n").removesuffix("```"))
            continue
        for line in block.splitlines()[1:-1]:
            said[line] = call(*shlex.split(line))
    shown = next(text for line, text in said.items() if line.startswith("dvc exp show"))
    assert all(f"[{name}]" in shown for name in ("tau-03", "grid-1", "grid-2")), shown
    rows = [line for line in printed.splitlines() if "tal_dit" in line]
    assert any(line.startswith("grid-2") and "s = 4.0" in line for line in rows)
    strengths = sample["grids"]["pads_tal"]["sweeps"]["pads"]["method"]["strength"]
    assert len([line for line in rows if line.startswith("HEAD")]) == len(strengths)
    assert (tmp_path / "params.yaml").read_bytes() == before, "the workspace is as it was"
    assert "try-tau-03" in call("git", "branch", "--list", "try-tau-03")
    assert "tau1: 0.3" in call("git", "show", "try-tau-03:params.yaml")
    assert "tau-03" not in call("dvc", "exp", "list", "--name-only").split()
