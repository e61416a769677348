"""The report of a run at W&B has the blocks that the Markdown has, and keeps its address."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.operations.tracking.wandb_server import Wandb, served
from tests.reporting.finished import write_finished_scale
from typer.testing import CliRunner

from padstal.cli import app
from padstal.commands.post_comment import _REPORT as LINKED  # what a pull request's comment takes for a report
from padstal.core.params import read_yaml
from padstal.reporting.inputs import read_inputs
from padstal.reporting.summary import Curves, Origin, summary

KEY = "canary0123456789canary0123456789canary01"


def _root(folder: Path) -> Path:
    paths = write_finished_scale(folder)
    tree = read_yaml(Path(__file__).resolve().parents[3] / "params.yaml")
    tree["tracking"] = {"mode": "offline", "project": "padstal", "entity": None}
    paths.params.write_text(yaml.safe_dump(tree))
    return folder


def _report(root: Path, *arguments: str, **more: str) -> "subprocess.CompletedProcess[str]":
    here = {
        "PYTHONPATH": os.pathsep.join(sys.path),
        "WANDB_CONFIG_DIR": str(root / "home"),
        "NETRC": str(root / "none"),
    }
    return subprocess.run(
        [sys.executable, "-m", "padstal.cli", "wandb-report", *arguments],
        cwd=root,
        env={**os.environ, "WANDB_API_KEY": "", **here, **more},
        capture_output=True,
        text=True,
        timeout=300,
    )


@pytest.mark.slow
def test_every_block_becomes_one_of_wandbs(tmp_path: Path) -> None:
    pytest.importorskip("wandb_workspaces")
    from padstal.operations.tracking.wandb_report import build

    paths = write_finished_scale(tmp_path)
    inputs = read_inputs(paths, read_yaml(paths.params)["scales"]["demo"])
    blocks = summary(inputs, Origin("abc", "group-1", (("models/demo/vae/tal", "0" * 32, "train_vae@tal"),)))
    kinds: list[str] = []
    report = build("padstal demo", blocks, entity="team", project="padstal", group="group-1")
    for block in blocks:
        match block:
            case Curves():
                kinds += ["PanelGrid", "MarkdownBlock"]
            case str():
                kinds.append("H2" if block.startswith("## ") else "MarkdownBlock")
    assert [type(one).__name__ for one in report.blocks] == kinds
    grids = [one for one in report.blocks if type(one).__name__ == "PanelGrid"]
    curves = [block for block in blocks if isinstance(block, Curves)]
    for grid, curve in zip(grids, curves, strict=True):
        [runs] = grid.runsets
        assert (runs.entity, runs.project) == ("team", "padstal")
        assert "group-1" in runs.filters
        assert curve.stage in runs.filters
        assert [panel.title for panel in grid.panels] == list(curve.quantities)
        places = [(panel.layout.x, panel.layout.y) for panel in grid.panels]
        assert len(set(places)) == len(places), "no two plots on the same place"


def test_without_credentials_there_is_the_markdown_and_the_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = _root(tmp_path)
    for name, value in (("API_KEY", ""), ("CONFIG_DIR", str(root / "home"))):
        monkeypatch.setenv(f"WANDB_{name}", value)
    monkeypatch.setenv("NETRC", str(root / "none"))
    monkeypatch.chdir(root)
    said = CliRunner().invoke(app, ["wandb-report"])
    assert said.exit_code == 0, said.stderr
    file, published = said.stdout.splitlines()
    assert published == "W&B: not published, no WANDB_API_KEY"
    assert "## Findings" in Path(file.removeprefix("markdown: ")).read_text()


def _filters(node: dict[str, Any]) -> list[dict[str, Any]]:
    """The conditions in a run set's filter, at any depth."""
    inner = [one for part in node.get("filters") or [] for one in _filters(part)]
    return [*([node] if node.get("key") else []), *inner]


def test_an_address_that_is_no_report_is_refused() -> None:
    pytest.importorskip("wandb_workspaces")
    from padstal.operations.tracking.wandb_report import publish

    with pytest.raises(ValueError, match="expected the address of a W&B report"):
        publish(None, "https://example.invalid/elsewhere")


@pytest.mark.slow
def test_a_published_report_can_be_linked_and_the_next_takes_its_place(tmp_path: Path) -> None:
    pytest.importorskip("wandb_workspaces")
    root = _root(tmp_path)
    with served(Wandb()) as wandb:
        online = {"WANDB_API_KEY": KEY, "WANDB_BASE_URL": wandb.address}
        first = _report(root, **online)
        assert first.returncode == 0, first.stderr
        address = re.findall(r"^W&B: (http\S+)$", first.stdout, re.MULTILINE)[0]
        assert LINKED.fullmatch(address.replace("http://", "https://", 1)), "or the comment refuses the link"
        second = _report(root, PADSTAL_WANDB_REPORT=address, **online)
        assert second.returncode == 0, second.stderr
        assert address in second.stdout
        [view] = wandb.views.values()
        spec: dict[str, Any] = json.loads(view["spec"])
        assert {"heading", "panel-grid", "markdown-block"} <= {block["type"] for block in spec["blocks"]}
        assert KEY not in view["spec"]
        [runs, _] = [block["metadata"]["runSets"][0] for block in spec["blocks"] if block["type"] == "panel-grid"]
        asked = {(one["key"]["section"], one["key"]["name"]) for one in _filters(runs["filters"])}
        assert asked == {("run", "group"), ("run", "jobType")}
