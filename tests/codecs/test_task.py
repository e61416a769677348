from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow  # imports lightning


def curves(folder: Path, **changes: Any) -> list[dict[str, float]]:
    from tests.training.together import run

    return run("codecs", folder / "state", every_term=True, **changes).curves


def test_generator_and_discriminator_alternate_after_the_start(tmp_path: Path) -> None:
    rows = curves(tmp_path, steps=8, log_every=1, validate_every=8)
    assert ["discriminator" in row for row in rows] == [False] * 6 + [True, False]
    assert ["loss" in row for row in rows] == [True] * 6 + [False, True]
    assert all(row["adversarial"] == 0 for row in rows[:6])
    assert rows[7]["adversarial"] != 0
    assert rows[7]["feature_matching"] > 0


def test_the_latents_are_probed_every_so_often_and_at_the_end(tmp_path: Path) -> None:
    rows = curves(tmp_path)
    assert ["probe_retrieval" in row for row in rows] == [False, True, False, True, True]


def test_the_loss_falls(tmp_path: Path) -> None:
    rows = curves(tmp_path, steps=40, adversary={"start": 40}, log_every=5, validate_every=40)
    assert rows[-1]["loss"] < 0.9 * rows[0]["loss"]
