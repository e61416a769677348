"""`padstal plan` prints every row, what is assumed, and what to change; its exit status says if that is anything."""

import json
from dataclasses import replace
from typing import Any

import pytest
from tests.contracts.repository import ROOT

from padstal.commands import plan as command
from padstal.operations.planning.plan import Change, Plan, Row

ROWS = (
    Row("ingest", "clips", disk=3 * 2**30, seconds=7200.0),
    Row("train_vae@tal", "steps", 210_525_636, 5.8e19, 30 * 2**30, 2**20, 5 * 2**30, 36_000.0),
)
CHANGES = (
    Change("train_vae@tal", "8 GPUs cannot share it", {"a.batch": 8, "a.checkpoint_activations": True}),
    Change("train_vae@tal", "a clip is too large", {}),
)


def shown(monkeypatch: pytest.MonkeyPatch, capsys: Any, plan: Plan, *, as_json: bool = False) -> tuple[int, str]:
    monkeypatch.setenv("COLUMNS", "300")
    monkeypatch.setattr(command, "plan", lambda *asked: plan)
    status = command.run(ROOT, None, gpus=8, clips=1000, as_json=as_json)
    return status, capsys.readouterr().out


def test_a_row_says_what_a_stage_takes(monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    status, text = shown(monkeypatch, capsys, Plan(ROWS, ()))
    [row] = [line.split() for line in text.splitlines() if "train_vae@tal" in line]
    assert row == ["train_vae@tal", "210.5", "M", "5.8e+19", "30.0", "GiB", "1.0", "MiB", "5.0", "GiB", "10.0", "steps"]
    [whole] = [line.split() for line in text.splitlines() if "in all" in line]
    assert whole == ["in", "all", "8.0", "GiB", "12.0"]
    assert "Clips: 1,000, as told by --clips" in text
    assert "0.4 for transformer" in text
    assert status == 0


def test_it_says_what_to_change(monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    status, text = shown(monkeypatch, capsys, Plan(ROWS, CHANGES))
    assert "8 GPUs cannot share it: set a.batch to 8, set a.checkpoint_activations to true" in text
    assert "a clip is too large: nothing on these GPUs is enough" in text
    assert "runtime.devices × runtime.nodes is 1: set it to 8" in text
    assert status == 1


def test_it_says_which_stages_fill_the_disk(monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    _, text = shown(monkeypatch, capsys, Plan((*ROWS, replace(ROWS[0], disk=1e18)), ()))
    assert "the disk is too small: the most is ingest" in text


def test_machines_read_the_same(monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    status, text = shown(monkeypatch, capsys, Plan(ROWS, CHANGES), as_json=True)
    told = json.loads(text)
    assert told["rows"][1]["parameters"] == 210_525_636
    assert told["changes"][0]["params"] == CHANGES[0].params
    assert told["whole"]["hours"] == 12.0
    assert (told["machine"]["gpus"], told["clips"]["count"], status) == (8, 1000, 1)
