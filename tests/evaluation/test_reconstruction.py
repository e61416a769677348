"""Reconstructions where it is known what was lost, and what the other clip's words did."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from tests.evaluation.fakes import RATE, FakeClap, FakePmos, FakeTagger, pcm, tone, write_world
from tests.stages.test_evaluate import PARAMS

from padstal.core.data.manifest import ClipAudio, read_table, write_table
from padstal.evaluation.clips import Clips, listen
from padstal.evaluation.hear import Ears
from padstal.evaluation.reconstruction import reconstruction

EARS = Ears(FakeClap(), FakeTagger(), FakePmos(), PARAMS.windows, PARAMS.window_grid_seconds)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Clips, pd.DataFrame, list[np.ndarray]]:
    """Where things lie, real clips, and twelve of them with their samples."""
    root = tmp_path_factory.mktemp("world")
    write_world(root, root / "models")
    dataset = read_table(root / "curate/dataset.parquet")
    test = dataset[dataset["split"] == "test"].head(12).reset_index(drop=True)
    own = [ClipAudio(root / "ingest").pcm(0, int(row)) for row in test["row"]]
    return root, listen(root / "ingest", dataset, RATE, EARS, 16), test, own


def measured(
    world: tuple[Path, Clips, pd.DataFrame, list[np.ndarray]], folder: Path, swapped: list[np.ndarray] | None
) -> dict[str, Any]:
    _, clips, test, own = world
    np.save(folder / "reconstructions.npy", np.stack(own))
    table = test[["clip_id"]].assign(row=range(len(test)))
    write_table(table, folder / "reconstructions.parquet")
    if swapped:
        np.save(folder / "swapped.npy", np.stack(swapped))
        text_of = np.roll(test["clip_id"].to_numpy(), 1)
        write_table(table.assign(text_of=text_of)[["clip_id", "text_of", "row"]], folder / "swapped.parquet")
    return reconstruction(folder, clips, EARS, RATE, 5)


def test_clips_themselves_have_lost_nothing(world: Any, tmp_path: Path) -> None:
    found = measured(world, tmp_path, None)
    assert found["clap_f"] == pytest.approx(found["clap_f_of_originals"], abs=1e-6)
    assert found["pmos"] == pytest.approx(found["pmos_of_originals"], abs=1e-6)
    assert found["n"] == 12
    assert "other_text" not in found


def test_words_that_are_not_heard_move_nothing(world: Any, tmp_path: Path) -> None:
    found = measured(world, tmp_path, world[3])["other_text"]
    assert found["genre"]["value"] == found["clap_f"]["value"] == 0


def test_words_that_are_heard_draw_a_clip_to_the_genre_that_they_name(world: Any, tmp_path: Path) -> None:
    _, _, test, own = world
    genres = [caption.split(",")[0] for caption in np.roll(test["caption"].to_numpy(), 1)]
    half = [(0.5 * one + 0.5 * pcm(tone(genre))).astype(np.int16) for one, genre in zip(own, genres, strict=True)]
    found = measured(world, tmp_path, half)["other_text"]
    for gain in found.values():
        assert 0 < gain["interval"][0] < gain["value"] < gain["interval"][1]
    assert 4 <= found["genre"]["n"] <= 6, "the clip before is of the same track in every other pair"
