import numpy as np
import pandas as pd

from padstal.sampling.grid import attributes, choose_prompts, requests


def dataset(clips: int = 60) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    captions = [
        "jazz, piano, calm, 90 bpm",
        "rock",
        "",
        "techno, synth, dark, 130 bpm, c minor",
        "a sad waltz and a violin",
    ]
    return pd.DataFrame(
        {
            "clip_id": [f"{number:04x}" for number in rng.permutation(clips)],
            "track_id": [f"t{number // 3}" for number in range(clips)],
            "split": [("train", "validation", "test")[number % 3] for number in range(clips)],
            "caption": [
                f"{captions[number % 5]}, take {number}" if captions[number % 5] else "" for number in range(clips)
            ],
            "decision": ["kept" if number % 2 else "captioned" for number in range(clips)],
            "offset_seconds": 4.0,
            "track_seconds": 18.0,
        }
    )


def test_prompts_come_from_held_out_clips_of_their_role_and_say_something() -> None:
    table = dataset()
    prompts = choose_prompts(table, {"tune": 4, "test": 8}, seed=0)
    split = table.set_index("clip_id")["split"]
    assert prompts["role"].value_counts().to_dict() == {"test": 8, "tune": 4}
    assert [split[clip_id] for clip_id in prompts["clip_id"]] == ["validation"] * 4 + ["test"] * 8
    assert (prompts["prompt"] != "").all()
    assert prompts["prompt"].is_unique
    assert prompts["prompt_id"].is_unique


def test_the_choice_does_not_depend_on_the_order_of_the_dataset() -> None:
    table = dataset()
    shuffled = table.sample(frac=1, random_state=3)
    counts = {"tune": 4, "test": 8}
    pd.testing.assert_frame_equal(choose_prompts(table, counts, seed=0), choose_prompts(shuffled, counts, seed=0))
    choices = {tuple(choose_prompts(table, {"tune": 1, "test": 1}, seed=seed)["clip_id"]) for seed in range(5)}
    assert len(choices) > 1


def test_original_captions_of_several_attributes_come_first() -> None:
    table = dataset()
    prompts = choose_prompts(table, {"tune": 3, "test": 3}, seed=0)
    decision = table.set_index("clip_id")["decision"]
    assert all(decision[clip_id] == "kept" for clip_id in prompts["clip_id"])
    assert prompts["prompt"].map(attributes).min() >= 4


def test_tracks_are_distinct_as_long_as_there_are_any() -> None:
    table = dataset()
    tracks = table.set_index("clip_id")["track_id"]
    prompts = choose_prompts(table, {"tune": 5, "test": 5}, seed=0)
    test_prompts = prompts[prompts["role"] == "test"]
    assert tracks[test_prompts["clip_id"].tolist()].is_unique


def test_fewer_prompts_come_where_the_split_has_fewer() -> None:
    table = dataset(15)
    prompts = choose_prompts(table, {"tune": 50, "test": 50}, seed=0)
    assert len(prompts) == (table["caption"].ne("") & table["split"].ne("train")).sum()


def test_every_noise_is_used_once() -> None:
    prompts = choose_prompts(dataset(), {"tune": 2, "test": 3}, seed=0)
    wanted = requests(prompts, [11, 12, 13], 2)
    assert len(wanted) == 5 * 3 * 2
    assert not wanted[["seed", "index"]].duplicated().any()
    assert (wanted.groupby("prompt_id").size() == 6).all()
    assert (wanted.groupby("prompt_id")["seed"].nunique() == 3).all()


def test_attributes_are_parts_between_commas_and_ands() -> None:
    assert attributes("jazz, piano and bass, 90 bpm") == 4
    assert attributes("jazz") == 1
