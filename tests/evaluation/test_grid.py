"""The sampling grid."""

import numpy as np
import pandas as pd
import pytest

from padstal.evaluation.grid import Key, arrange, base_guidance, check_prompts


def prompts() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "prompt_id": ["a", "b", "c"],
            "prompt": ["x", "y", "z"],
            "clip_id": ["1", "2", "3"],
            "role": ["test", "tune", "test"],
        }
    )


def samples() -> pd.DataFrame:
    rows = [
        ("m", kind, strength, 7.0, prompt, index + 10, index)
        for index in range(3)
        for prompt in "abc"
        for kind, strength in (("none", 0.0), ("pads", 0.3))
    ]
    return pd.DataFrame(rows, columns=["model", "perturbation", "strength", "guidance", "prompt_id", "seed", "index"])


def test_samples_are_arranged_by_prompt_and_index() -> None:
    table = samples().sample(frac=1, random_state=0).reset_index(drop=True)
    grid = arrange(table, prompts(), "test")
    assert grid.seeds == 3
    for key, rows_PI in grid.rows.items():
        assert rows_PI.shape == (2, 3)
        picked = table.iloc[rows_PI.ravel()]
        assert picked["prompt_id"].tolist() == list("aaaccc")
        assert picked["index"].tolist() == [0, 1, 2, 0, 1, 2]
        assert set(picked["perturbation"]) == {key.perturbation}


def test_a_missing_sample_is_an_error_that_names_prompt_and_setting() -> None:
    table = samples()
    gone = table[(table["prompt_id"] == "c") & (table["perturbation"] == "pads") & (table["index"] == 2)].index
    with pytest.raises(ValueError, match=r"pads.*'c' has 2 samples, expected 3"):
        arrange(table.drop(gone), prompts(), "test")


def test_repeated_seeds_are_counted_once() -> None:
    assert arrange(samples().assign(seed=5), prompts(), "test").seeds == 1


def test_models_must_share_prompts_and_roles_must_be_disjoint() -> None:
    other = prompts().assign(prompt=["x", "y", "other"])
    with pytest.raises(ValueError, match="second differ from those of first"):
        check_prompts({"first": prompts(), "second": other})
    with pytest.raises(ValueError, match="clip 1 serves a tune and a test prompt"):
        check_prompts({"m": prompts().assign(clip_id=["1", "1", "3"])})
    with pytest.raises(ValueError, match="role 'train'"):
        check_prompts({"m": prompts().assign(role="train")})
    assert np.array_equal(check_prompts({"m": prompts().iloc[::-1]})["prompt_id"], ["a", "b", "c"])


def test_base_guidance_is_the_one_of_most_perturbed_settings() -> None:
    keys = [Key("m", "none", 0, w) for w in (1.0, 2.0, 4.0)] + [Key("m", "pads", s, 4.0) for s in (0.1, 0.2)]
    assert base_guidance(keys) == 4
    assert base_guidance(keys[:3]) == 4
