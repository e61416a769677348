import numpy as np
import pandas as pd
import pytest
from tests.curation.fakes import write_corpus

from padstal.curation import levels
from padstal.curation.captions.refine import Decision
from padstal.curation.expectations.config import CurateLimits
from padstal.curation.expectations.curated import (
    DECISIONS,
    HOLDS,
    Curated,
    caption_claims,
    clips_table,
    suite,
    tables,
    tags_table,
    whole_table,
)

LIMITS = {
    "min_clips": 10,
    "max_removed_share": 0.5,
    "max_caption_bytes": 40,
    "max_unconditional_share": 0.05,
    "fused_share": (0.0, 0.5),
    "replaced_share": (0.0, 0.5),
    "pmos_range": (1.0, 5.0),
    "max_unscored_share": 0.05,
    "split_shares": {"train": (0.4, 0.9), "validation": (0.05, 0.4), "test": (0.05, 0.4)},
    "common_tag_tracks": 2,
    "min_tag_kept": 0.5,
}


def seen_of(curated):
    return pd.concat([curated.dataset.assign(reason=HOLDS), curated.removed], ignore_index=True)


def good(root, quantiser="swapped", gap_policy="none", leave=3):
    """A data set of 12 tracks of 5 clips from which the first `leave` clips have left, all as it should be."""
    clips = write_corpus(root).rename(columns={"caption": "original"})
    rng = np.random.default_rng(3)
    clips["pmos"] = rng.normal(3.5, 0.5, len(clips)).clip(1, 5).astype(np.float32)
    at = levels.fit(clips.loc[clips["split"] == "train", "pmos"].to_numpy())
    clips["quality_level"] = levels.quality_level(clips["pmos"].to_numpy(), at, quantiser)
    clips["prefix"] = levels.quality_prefix(clips["pmos"].to_numpy(), at, gap_policy)
    clips["caption"], clips["decision"] = clips["original"], "kept"
    clips["log_likelihood"], clips["duplicate_group"] = rng.normal(size=len(clips)), ""
    pmos = {"mu": at.mu, "sigma": at.sigma, "n": at.n, "quantiser": quantiser, "gap_policy": gap_policy}
    removed = clips.head(leave).assign(reason="unlikely", detail="")
    return Curated(clips.iloc[leave:].reset_index(drop=True), removed, {"clips": len(clips), "pmos": pmos})


def test_names_are_unique():
    names = [expectation.name for expectation in suite(CurateLimits(**LIMITS))]
    assert len(set(names)) == len(names)


def test_the_suite_knows_the_decisions_of_caption_refinement():
    assert set(DECISIONS) == {str(decision) for decision in Decision}


def test_every_expectation_finds_its_column(tmp_path):
    found = tables(good(tmp_path), 2)
    for expectation in suite(CurateLimits(**LIMITS)):
        assert "id" in found[expectation.table]
        assert not expectation.column or expectation.column in found[expectation.table], expectation.name


@pytest.mark.parametrize(
    ("decision", "original", "caption", "claim"),
    [
        ("fused", "jazz", "jazz, calm", HOLDS),
        ("replaced", " ", "techno", "replaced, but there was no original caption"),
        ("kept_unfit", "", "jazz", "kept_unfit, but there was no original caption"),
        ("captioned", "", "techno", HOLDS),
        ("captioned", "jazz", "techno", "captioned, but there was an original caption"),
        ("unconditional", "", "", HOLDS),
        ("unconditional", "jazz", "", HOLDS),
        ("unconditional", "", "jazz", "unconditional, with a caption"),
        ("captioned", "", " ", "captioned, without a caption"),
        ("kept", "jazz", "", "kept, without a caption"),
    ],
)
def test_a_decision_claims_something_of_both_captions(decision, original, caption, claim):
    clips = pd.DataFrame({"decision": [decision], "original": [original], "caption": [caption]})
    assert caption_claims(clips) == [claim]


def test_length_is_asked_in_bytes_of_captions_that_refinement_wrote_alone(tmp_path):
    curated = good(tmp_path)
    curated.dataset.loc[0, ["caption", "decision"]] = ["é" * 30, "replaced"]
    curated.dataset.loc[1, ["caption", "decision"]] = ["x" * 400, "kept"]
    assert clips_table(curated, seen_of(curated))["written_bytes"].tolist()[:2] == [60, 0]


@pytest.mark.parametrize("character", ["\x00", "\n", "\t", "\x7f", "\x85", "\u200b", "\u202e", "\u2066", "\ufeff"])
def test_characters_that_nobody_sees_are_counted(tmp_path, character):
    curated = good(tmp_path)
    curated.dataset.loc[0, "caption"] = f"jazz{character} and{character} piano"
    curated.dataset.loc[1, "caption"] = "señorita – “日本語” 🎹"
    assert clips_table(curated, seen_of(curated))["hidden_characters"].tolist()[:2] == [2, 0]


@pytest.mark.parametrize("quantiser", ["swapped", "literal"])
@pytest.mark.parametrize("gap_policy", ["none", "medium", "nearest"])
def test_levels_and_prefixes_are_computed_again_from_the_train_split(tmp_path, quantiser, gap_policy):
    curated = good(tmp_path, quantiser, gap_policy)
    table = clips_table(curated, seen_of(curated))
    assert (table["level_error"] == 0).all()
    assert (table["prefix_claim"] == HOLDS).all()
    curated.dataset.loc[4, "quality_level"] = (curated.dataset.loc[4, "quality_level"] + 1) % 6
    curated.dataset.loc[5, "prefix"] = "best quality"
    table = clips_table(curated, seen_of(curated))
    assert table.index[table["level_error"] > 0].tolist() == [4]
    assert table.index[table["prefix_claim"] != HOLDS].tolist() == [5]
    assert "best quality" in table.loc[5, "prefix_claim"]


def test_a_clip_without_p_mos_has_level_0_and_no_prefix(tmp_path):
    curated = good(tmp_path)
    last = len(curated.dataset) - 1  # of the test split, so μ and σ stay
    curated.dataset.loc[last, ["pmos", "quality_level", "prefix"]] = [np.nan, 0, ""]
    table = clips_table(curated, seen_of(curated))
    assert table.loc[last, "level_error"] == 0
    assert table.loc[last, "prefix_claim"] == HOLDS


def test_an_album_is_an_artists_own(tmp_path):
    curated = good(tmp_path)
    curated.dataset["album"] = "Live"  # of artists in every split
    assert (clips_table(curated, seen_of(curated))["splits_of_album"] == 1).all()
    curated.dataset.loc[0:1, "split"] = ["train", "test"]
    assert clips_table(curated, seen_of(curated))["splits_of_album"].tolist()[0] == 2


def test_mu_and_sigma_of_all_splits_are_noticed(tmp_path):
    curated = good(tmp_path)
    row = whole_table(curated, seen_of(curated)).iloc[0]
    assert row["mu_error"] < 1e-9
    assert row["sigma_error"] < 1e-9
    assert row["n_error"] == 0
    of_all = levels.fit(seen_of(curated)["pmos"].to_numpy())
    leaky = {**curated.origin["pmos"], "mu": of_all.mu, "sigma": of_all.sigma, "n": of_all.n}
    row = whole_table(
        Curated(curated.dataset, curated.removed, {**curated.origin, "pmos": leaky}), seen_of(curated)
    ).iloc[0]
    assert row["mu_error"] > 1e-5
    assert row["n_error"] == 20  # clips of the two held-out splits


def test_counts_and_shares_are_those_of_the_tables(tmp_path):
    curated = good(tmp_path)
    curated.dataset.loc[:5, "decision"] = "fused"
    row = whole_table(curated, seen_of(curated)).iloc[0]
    assert row["lost"] == 0
    assert row["removed_share"] == 3 / 60
    assert row["fused_share"] == 6 / 57
    assert row["train_share"] + row["validation_share"] + row["test_share"] == pytest.approx(1)
    lost = Curated(curated.dataset.iloc[2:], curated.removed, curated.origin)
    assert whole_table(lost, seen_of(lost)).iloc[0]["lost"] == 2


def test_a_common_tag_counts_tracks_and_near_duplicates_do_not_count_as_lost():
    seen = pd.DataFrame(
        {
            "track_id": ["a", "a", "b", "c", "d", "e"],
            "tags": ["Jazz, piano", "Jazz, piano", "jazz", "jazz", "jazz, rare", "jazz"],
            "split": ["train"] * 5 + ["test"],
            "reason": [HOLDS, HOLDS, "unlikely", "near_duplicate", HOLDS, "unlikely"],
        }
    )
    table = tags_table(seen, 2)
    assert table["id"].tolist() == ["jazz"]
    assert table["tracks"].tolist() == [3]
    assert table["kept_share"].tolist() == [2 / 3]
    assert len(tags_table(seen.assign(tags=""), 1)) == 0
