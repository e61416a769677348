"""The sampling grid."""

import numpy as np
import pandas as pd
import pytest
from tests.evaluation.fakes import setting

from padstal.evaluation.grid import Cell, arrange, check_prompts


def prompts() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "prompt_id": ["a", "b", "c"],
            "prompt": ["x", "y", "z"],
            "clip_id": ["1", "2", "3"],
            "role": ["test", "tune", "test"],
        }
    )


SETTINGS = {one.id: one for one in (setting(), setting("pads", 0.3))}


def samples() -> pd.DataFrame:
    rows = [("m", one, prompt, index + 10, index) for index in range(3) for prompt in "abc" for one in SETTINGS]
    return pd.DataFrame(rows, columns=["system", "setting", "prompt_id", "seed", "index"])


def test_samples_are_arranged_by_prompt_and_index() -> None:
    table = samples().sample(frac=1, random_state=0).reset_index(drop=True)
    grid = arrange(table, SETTINGS, prompts(), "test")
    assert grid.seeds == 3
    assert {cell.setting.method_name for cell in grid.rows} == {"none", "pads"}
    for cell, rows_PI in grid.rows.items():
        assert rows_PI.shape == (2, 3)
        picked = table.iloc[rows_PI.ravel()]
        assert picked["prompt_id"].tolist() == list("aaaccc")
        assert picked["index"].tolist() == [0, 1, 2, 0, 1, 2]
        assert set(picked["setting"]) == {cell.setting.id}


def test_a_missing_sample_is_an_error_that_names_prompt_and_setting() -> None:
    table = samples()
    pads = setting("pads", 0.3).id
    gone = table[(table["prompt_id"] == "c") & (table["setting"] == pads) & (table["index"] == 2)].index
    with pytest.raises(ValueError, match=r"m pads s = 0.3, w = 4: prompt 'c' has 2 samples, expected 3"):
        arrange(table.drop(gone), SETTINGS, prompts(), "test")


def test_repeated_seeds_are_counted_once() -> None:
    assert arrange(samples().assign(seed=5), SETTINGS, prompts(), "test").seeds == 1


def test_systems_must_share_prompts_and_roles_must_be_disjoint() -> None:
    other = prompts().assign(prompt=["x", "y", "other"])
    with pytest.raises(ValueError, match="second differ from those of first"):
        check_prompts({"first": prompts(), "second": other})
    with pytest.raises(ValueError, match="clip 1 serves a tune and a test prompt"):
        check_prompts({"m": prompts().assign(clip_id=["1", "1", "3"])})
    with pytest.raises(ValueError, match="role 'train'"):
        check_prompts({"m": prompts().assign(role="train")})
    assert np.array_equal(check_prompts({"m": prompts().iloc[::-1]})["prompt_id"], ["a", "b", "c"])


def test_a_cell_starts_those_that_differ_from_it_in_the_method_alone() -> None:
    plain = Cell("m", setting())
    assert plain.starts(Cell("m", setting("pads", 0.3)))
    for other in (Cell("n", setting("pads")), Cell("m", setting("pads", w=2.0)), Cell("m", setting("pads", steps=8))):
        assert not plain.starts(other)
    assert not Cell("m", setting("cads")).starts(Cell("m", setting("pads")))
