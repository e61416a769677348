"""A stage's time limit comes from its own entry, else its budget, else the one of stages without."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from padstal.core.params import ParamsError, check
from padstal.operations.config import OperationsParams, PromoteParams

RAW = {
    "retry_waits": [1, 2],
    "limit_budgets": 10,
    "limit_least": 100,
    "limit_unbudgeted": 5000,
    "time_limits": {"sample": 7, "train_vae@tal": 9},
}


@pytest.mark.parametrize(
    ("label", "seconds"),
    [("sample@audio_dit", 7), ("train_vae@tal", 9), ("train_vae@audio", 300), ("gate@ingest", 100), ("report", 5000)],
)
def test_the_most_specific_limit_wins(label: str, seconds: float) -> None:
    operations = check(OperationsParams, RAW, "operations")
    assert operations.limit_of(label, {"train_vae": 30, "gate": 5}) == seconds


def test_an_items_budget_goes_before_its_stages() -> None:
    operations = check(OperationsParams, RAW | {"time_limits": {}}, "operations")
    assert operations.limit_of("train_vae@tal", {"train_vae": 30, "train_vae@tal": 60}) == 600


@pytest.mark.parametrize(("name", "wrong"), [("retry_waits", [-1]), ("limit_budgets", 0), ("time_limits", {"x": 0})])
def test_a_wrong_value_is_named(name: str, wrong: object) -> None:
    with pytest.raises(ParamsError, match=rf"operations\.{name}"):
        check(OperationsParams, RAW | {name: wrong}, "operations")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"margins": {"clap_f": 0.1, "loudness": 0.1}, "better_in": ["clap_f"]},
            "margins.loudness: expected one of clap_f",
        ),
        ({"margins": {"clap_f": -0.1}}, r"promote\.margins\.clap_f = -0.1"),
        ({"better_in": ["kl"]}, "better_in: kl: expected metrics with a margin, of clap_f, vendi, ibs, mrecall"),
        (
            {"margins": {"clap_f": 0.1}, "better_in": ["vendi"]},
            "better_in: vendi: .* of clap_f",
        ),
    ],
)
def test_what_is_compared_must_be_in_the_table_of_metrics(changes: dict[str, Any], message: str) -> None:
    raw = yaml.safe_load((Path(__file__).parents[2] / "params.yaml").read_text())["promote"]
    with pytest.raises(ParamsError, match=message):
        check(PromoteParams, raw | changes, "promote")
