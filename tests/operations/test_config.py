"""A stage's time limit comes from its own entry, else its budget, else the one of stages without."""

import pytest

from padstal.core.params import ParamsError, check
from padstal.operations.config import OperationsParams

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
