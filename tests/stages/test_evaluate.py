"""Stage `evaluate` on a world of tones, with fake models."""

import json
from pathlib import Path

import pytest

from padstal.evaluation.hear import Ears
from padstal.params.evaluate import EvaluateParams
from padstal.params.runtime import RuntimeParams, TrackingParams
from padstal.paths import Paths
from padstal.stages.evaluate import write
from padstal.stages.harness import Stage
from tests.evaluation.fakes import FakeClap, FakePmos, FakeTagger, write_world

PARAMS = EvaluateParams(
    seed=7,
    models=("audio_dit", "tal_dit"),
    vaes=("audio", "tal"),
    batch_clips=32,
    windows=(0.15, 0.5, 0.85),
    window_grid_seconds=0,
    recall_neighbours=3,
    latent_neighbours=3,
    reference_clips=100,
    latent_clips=100,
    draws=1000,
    set_draws=100,
    confidence=0.95,
    target_clap_f=None,
    target_position=0.5,
    kept_clap_share=0.9,
    baseline=("audio_dit", "cads"),
)


def run(root: Path, params: EvaluateParams = PARAMS, **world: object) -> dict:
    paths = Paths(root, "demo")
    write_world(paths.data, paths.models, **world)  # type: ignore[arg-type]
    stage = Stage(
        "evaluate", "", "demo", params, paths,
        RuntimeParams(device="cpu", workers=1, threads=1),
        TrackingParams(mode="disabled", project="test", entity=None),
    )  # fmt: skip
    ears = Ears(FakeClap(), FakeTagger(), FakePmos(), params.windows, params.window_grid_seconds)
    write(stage, ears)
    return json.loads(paths.metrics("evaluate").read_text())


@pytest.fixture(scope="module")
def metrics(tmp_path_factory: pytest.TempPathFactory) -> dict:
    return run(tmp_path_factory.mktemp("world"))


def test_rows(metrics: dict) -> None:
    assert len(metrics["rows"]) == 6
