"""Refined clips against their own, where it is known what each kind has lost."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from tests.evaluation.fakes import GENRES, RATE, SAMPLES, FakeClap, FakePmos, FakeTagger, pcm, tone, write_world
from tests.stages.test_evaluate import PARAMS

from padstal.core.data.manifest import ClipAudio, read_table, write_table
from padstal.evaluation.clips import Clips, listen
from padstal.evaluation.coarse_to_fine import coarse_to_fine
from padstal.evaluation.hear import Ears


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Twelve test clips: themselves, themselves with some noise, the next clip, and a new tone of their genre."""
    root = tmp_path_factory.mktemp("world")
    write_world(root, root / "models")
    dataset = read_table(root / "curate/dataset.parquet").assign(clip_seconds=SAMPLES / RATE)
    test = dataset[dataset["split"] == "test"].head(12)
    own = [ClipAudio(root / "ingest").pcm(0, int(row)) for row in test["row"]]
    draw = np.random.default_rng(0)
    new = [pcm(tone(caption.split(",")[0], draw.uniform(0, 6))) for caption in test["caption"]]
    noisy = [np.clip(one + draw.normal(0, 300, one.shape), -32768, 32767).astype(np.int16) for one in own]
    kinds = {"round_trip": own, "true_primary": noisy, "shuffled_primary": own[1:] + own[:1], "full": new}
    folder = root / "refined"
    folder.mkdir()
    np.save(folder / "refined.npy", np.stack([one for part in kinds.values() for one in part]))
    rows = [(clip_id, kind) for kind in kinds for clip_id in test["clip_id"]]
    table = pd.DataFrame(rows, columns=["clip_id", "kind"]).assign(row=range(len(rows)))
    write_table(table, folder / "refined.parquet")
    ears = Ears(FakeClap(), FakeTagger(), FakePmos(), PARAMS.windows, PARAMS.window_grid_seconds)
    clips: Clips = listen(root / "ingest", dataset, RATE, ears, 16)
    reference = clips.reference(test["clip_id"].tolist())
    return coarse_to_fine(folder, root / "ingest", clips, reference, ears, RATE, PARAMS)


def values(found: dict[str, Any], metric: str) -> dict[str, float]:
    return {kind: measured[metric]["value"] for kind, measured in found["kinds"].items()}


def test_a_clip_itself_has_lost_nothing(found: dict[str, Any]) -> None:
    itself = {metric: own["value"] for metric, own in found["kinds"]["round_trip"].items()}
    assert itself["mel_l1"] == 0
    assert itself["genre"] == 1
    assert itself["fd"] == pytest.approx(0, abs=1e-6)


def test_what_is_nearer_to_the_clip_has_the_smaller_distance(found: dict[str, Any]) -> None:
    mel = values(found, "mel_l1")
    assert 0 < mel["true_primary"] < mel["full"]
    assert mel["true_primary"] < mel["shuffled_primary"]


def test_another_clips_sound_has_its_genre_and_not_this_ones(found: dict[str, Any]) -> None:
    genre = values(found, "genre")
    assert genre["shuffled_primary"] < genre["true_primary"]
    assert genre["full"] > 0.7
    assert found["commonest_genre"] == pytest.approx(1 / len(GENRES), abs=0.2)


def test_the_same_clips_in_another_order_are_the_same_set(found: dict[str, Any]) -> None:
    fd = values(found, "fd")
    assert fd["shuffled_primary"] == pytest.approx(fd["round_trip"], abs=1e-6)
    assert fd["full"] > fd["true_primary"] > 0


def test_intervals_hold_their_estimates(found: dict[str, Any]) -> None:
    for measured in found["kinds"].values():
        for metric in measured.values():
            low, high = metric["interval"]
            assert low <= metric["value"] <= high or metric["value"] == pytest.approx(low, abs=1e-6)
    assert found["n"] == 12
