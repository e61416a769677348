"""The table of metrics: complete, readable without NumPy, and a new metric is its function and one line."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml
from tests.evaluation.test_measure import world
from tests.operations.promotion.test_head_to_head import played
from tests.operations.promotion.test_head_to_head import world as other_world

from padstal.core.params import check
from padstal.evaluation import comparison
from padstal.evaluation.judged import Judged
from padstal.evaluation.measure import measure
from padstal.evaluation.metrics import METRICS, Metric
from padstal.operations.config import PromoteParams
from padstal.operations.promotion.head_to_head import head_to_head
from padstal.reporting import results_view
from padstal.reporting.comparison import metrics as comparison_metrics
from padstal.reporting.text import words

ROOT = Path(__file__).resolve().parents[2]


def quiet_share(judged: Judged) -> np.ndarray:
    """Share of each prompt's samples whose p-MOS is below 3."""
    return (judged.heard.pmos_N < 3).mean(axis=1)


QUIET = Metric(
    "quiet", "Quiet share", "share of samples below 3", "share", "quality", "lower", (0.0, 1.0), ("pmos",), "prompt",
    f"{__name__}:quiet_share",
)  # fmt: skip


@pytest.mark.parametrize("name", METRICS)
def test_every_metric_has_a_function_that_gives_values_within_its_limits(name: str) -> None:
    metric, judged = METRICS[name], Judged(*world(40), 3)
    found = metric.function(judged) if metric.each == "prompt" else metric.function(judged, np.ones((5, 8)))
    assert found.shape == ((8,) if metric.each == "prompt" else (5,))
    assert (found >= metric.limits[0] - 1e-4).all()
    assert (found <= metric.limits[1] + 1e-4).all()
    assert metric.name == name
    assert set(metric.ears) <= {"clap", "tagger", "pmos"}


def test_a_new_metric_is_measured_shown_compared_and_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(METRICS, QUIET.name, QUIET)
    measured = measure(Judged(*world(40), 3), np.ones((30, 8), int), 20)
    assert measured.values["quiet"] == pytest.approx(float(measured.per_prompt["quiet"].mean()))
    assert measured.interval("quiet", 0.95) is not None

    assert (words("quiet"), results_view.direction("quiet", (-0.3, -0.1))) == ("Quiet share", "better")
    table = results_view.results_table([{"system": "a", "method": "none", "quiet": 0.2}])
    assert table.head == ("system", "method", "setting", "Quiet share", "n")
    verdict = comparison_metrics.decide(METRICS["quiet"].better, (0.3, (0.29, 0.31)), (0.1, (0.09, 0.11)))
    assert verdict == "better"

    raw = yaml.safe_load((ROOT / "params.yaml").read_text())["promote"]
    params = check(PromoteParams, raw | {"margins": {**raw["margins"], "quiet": 0.1}, "draws": 200}, "promote")
    assert params.metrics[-1] == "quiet"
    prompts, reference = other_world()
    found = head_to_head(played(prompts, 0.2, pmos=3.5), played(prompts, 0.2, pmos=2.5), prompts, reference, params, 2)
    gain = found.metrics["quiet"].gain
    assert gain is not None
    assert gain.value == pytest.approx(1)


def test_the_published_table_names_metrics_of_the_table() -> None:
    for row in comparison.PUBLISHED["rows"]:
        assert set(row) - {"system", "method"} <= set(METRICS)  # type: ignore[arg-type]


def test_the_table_and_its_words_are_read_without_numpy() -> None:
    code = "import sys; import padstal.reporting.text; assert not {'numpy', 'pydantic'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], env={"PYTHONPATH": str(ROOT / "src")}, check=True)
