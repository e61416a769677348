"""Published prompt sets, in tables that have the columns of the published ones."""

from pathlib import Path

import pandas as pd
import pytest

from padstal.core.data.content import sha256_file
from padstal.core.untrusted import UntrustedFileError
from padstal.sampling.config import PromptSet
from padstal.sampling.prompt_sets import read_prompts

MUSICCAPS = """ytid,start_s,end_s,audioset_positive_labels,aspect_list,\
caption,author_id,is_balanced_subset,is_audioset_eval
-0Gj8-vB1q4,30,40,"/m/0140xf,/m/02cjck","['low quality', 'sustained strings']","The low quality recording
features a ballad.",4,False,True
-0SdAVK79lg,30,40,/m/0155w,"['guitar song']",This song features an electric guitar.,0,False,False
-0vPFx-wRRI,30,40,/m/025_jnm,"['amateur recording']",a male voice is singing a melody,6,False,True
"""
SONG_DESCRIBER = """caption_id,track_id,caption,is_valid_subset,familiarity,\
artist_id,album_id,path,duration,bpm,length,target_idx,aspect_list
859,1004034,Electronic music with a melody,True,0,368880,118196,34/1004034.mp3,202.5,128,30,10000,"['dark', '128 bpm']"
860,1004034,Another text on it,,0,368880,118196,34/1004034.mp3,202.5,128,30,10001,"['disco']"
990,1007274,acoustic guitar solo,True,1,429137,118548,74/1007274.mp3,140.2,102,30,10002,"['peaceful']"
"""
MELBENCH = """ytid,start_s,end_s,genre,sub_genre,style_list,\
aspect_list,original_length,original_filename,bpm,youtube_url
2100,0,45,jazz,vocal jazz,['soul'],"['90 bpm', 'jazz']",219,Vocal_Jazz_u2bigf337aU_145s-155s,90,u
2101,0,45,rock,hard rock,['loud'],"['rock', 'loud']",198,Hard_Rock_-DGY9HvChXk_120s-130s,117,u
"""


def clips(*rows: tuple[str, str, str, float]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["clip_id", "split", "path", "offset_seconds"])


NONE = clips()


def published(folder: Path, kind: str, table: str, **changes: object) -> PromptSet:
    file = folder / f"{kind}.csv"
    file.write_text(table, encoding="utf-8")
    return PromptSet.model_validate(
        {"kind": kind, "path": str(file), "sha256": sha256_file(file), "prompts": 9, **changes}
    )


def test_musiccaps_gives_captions_or_tags_and_the_part_that_papers_evaluate_on(tmp_path):
    prompts = read_prompts(published(tmp_path, "musiccaps", MUSICCAPS), NONE, 0)
    assert set(prompts["prompt"]) == {
        "The low quality recording features a ballad.",
        "This song features an electric guitar.",
        "a male voice is singing a melody",
    }
    assert prompts["prompt_id"].tolist() == ["test_000", "test_001", "test_002"]
    assert (prompts[["clip_id", "role", "seconds_start", "seconds_total"]] == ["", "test", 0.0, 10.0]).all(axis=None)
    marked = read_prompts(published(tmp_path, "musiccaps", MUSICCAPS, marked_only=True, text="tags"), NONE, 0)
    assert set(marked["prompt"]) == {"low quality, sustained strings", "amateur recording"}


def test_a_seed_chooses_and_a_count_ends(tmp_path):
    some = published(tmp_path, "musiccaps", MUSICCAPS, prompts=1)
    assert len({read_prompts(some, NONE, seed)["prompt"].item() for seed in range(9)}) > 1


@pytest.mark.parametrize(
    ("kind", "table", "changes", "path"),
    [
        ("musiccaps", MUSICCAPS, {}, "eval/Y-0Gj8-vB1q4_30.000_40.000.flac"),
        ("musiccaps", MUSICCAPS, {}, "-0Gj8-vB1q4.wav"),
        ("song_describer", SONG_DESCRIBER, {}, "audio/34/1004034.2min.mp3"),
        ("melbench", MELBENCH, {"text": "tags"}, "x/Vocal_Jazz_u2bigf337aU_145s-155s.wav"),
    ],
)
def test_a_prompts_own_clip_is_the_first_held_out_one_of_its_audio(kind, table, changes, path, tmp_path):
    dataset = clips(("late", "test", path, 10.0), ("first", "test", path, 0.0), ("other", "test", "else.wav", 0.0))
    prompts = read_prompts(published(tmp_path, kind, table, **changes), dataset, 0)
    assert set(prompts["clip_id"]) == {"first", ""}
    heard = prompts.loc[prompts["clip_id"] == "first", "prompt"]
    assert len(heard) == (2 if kind == "song_describer" else 1)


def test_prompts_whose_audio_the_model_may_have_heard_are_left_out(tmp_path):
    asked = published(tmp_path, "song_describer", SONG_DESCRIBER, marked_only=True)
    trained = clips(("a", "train", "audio/34/1004034.2min.mp3", 0.0))
    assert read_prompts(asked, NONE, 0)["seconds_total"].sum() == pytest.approx(342.7)
    assert read_prompts(asked, trained, 0)["prompt"].tolist() == ["acoustic guitar solo"]
    both = pd.concat([trained, clips(("b", "validation", "74/1007274.mp3", 0.0))])
    with pytest.raises(ValueError, match="no prompt is left of 2 rows"):
        read_prompts(asked, both, 0)


@pytest.mark.parametrize(
    ("kind", "table", "changes", "message"),
    [
        ("melbench", MELBENCH, {}, "no column caption for melbench; it has ytid, start_s"),
        (
            "musiccaps",
            MUSICCAPS.replace("aspect_list", "tags"),
            {"text": "tags"},
            "no column aspect_list for musiccaps",
        ),
        ("musiccaps", MUSICCAPS.replace(",30,40,", ",40,30,"), {}, "expected seconds, more than 0"),
        ("musiccaps", MUSICCAPS.replace("['guitar song']", "__import__('os')"), {"text": "tags"}, "aspect_list: "),
        ("musiccaps", MUSICCAPS.replace("['guitar song']", "7"), {"text": "tags"}, "'7': expected a list"),
        ("melbench", MELBENCH, {"text": "tags", "marked_only": True}, "melbench marks no rows"),
    ],
)
def test_a_table_that_is_not_as_published_is_refused(kind, table, changes, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        read_prompts(published(tmp_path, kind, table, **changes), NONE, 0)


def test_a_table_that_is_missing_or_another_is_refused(tmp_path):
    asked = published(tmp_path, "melbench", MELBENCH, text="tags")
    with pytest.raises(UntrustedFileError, match="sha256"):
        read_prompts(asked.model_copy(update={"sha256": "unverified"}), NONE, 0)
    Path(asked.path).unlink()
    with pytest.raises(FileNotFoundError, match=r"melbench.csv: not found; sample.test_prompts"):
        read_prompts(asked, NONE, 0)
