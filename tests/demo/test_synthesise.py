"""A corpus on disk says the truth about itself (`tests/stages/test_ingest.py` writes it from one process and two)."""

import csv

import numpy as np
import pytest

from padstal.core.data.content import sha256_file
from padstal.curation.levels import fit, quality_level
from padstal.demo.artists import artist_brief, draw_artist
from padstal.demo.degrade import true_mos
from padstal.demo.faults import (
    EXACT_COPIES,
    FOREIGN,
    FOREIGN_LICENCE,
    MISSING_CAPTION,
    NEAR_COPIES,
    WEAK_CAPTION,
    WRONG_CAPTION,
    plant,
)
from padstal.demo.synthesise import CAPTIONS, TRUTH_TYPES, synthesise, truth_table
from padstal.demo.vocabulary import GENRES
from padstal.ingest.config import SynthSource
from padstal.ingest.worker_pool import Workers

TRACKS = 20


def source(**values):
    return SynthSource(kind="synth", track_seconds=1.25, **values)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    folder = tmp_path_factory.mktemp("corpus")
    return folder, synthesise(folder, source(tracks=TRACKS, seed=7), workers=Workers(1))


def test_the_truth_has_one_row_a_file_and_the_files_digest(corpus):
    folder, truth = corpus
    assert list(truth.columns) == list(TRUTH_TYPES)
    assert {row.path: row.sha256 for row in truth.itertuples()} == {
        str(path.relative_to(folder)): sha256_file(path) for path in folder.rglob("*.*") if path.name != CAPTIONS
    }


def test_the_captions_table_has_the_planted_faults(corpus):
    folder, truth = corpus
    with (folder / CAPTIONS).open(newline="") as file:
        rows = {row["path"]: row for row in csv.DictReader(file)}
    assert set(rows) == set(truth["path"])
    for fact in truth.itertuples():
        stated = rows[fact.path]["caption"]
        assert (stated == "") == (fact.caption_fault == "missing")
        if fact.caption_fault == "":
            assert stated == fact.true_caption
        if fact.caption_fault == "weak":
            assert "," not in stated
        if fact.caption_fault == "wrong":
            assert fact.genre not in stated
        assert (rows[fact.path]["licence"] == FOREIGN) == fact.licence_foreign


def test_exact_copies_have_equal_bytes_and_near_copies_do_not(corpus):
    _, truth = corpus
    digest = truth.set_index("path")["sha256"]
    copies = truth[truth["duplicate_kind"] != ""]
    assert set(copies["duplicate_kind"]) == {"exact", "near"}
    for copy in copies.itertuples():
        assert (digest[copy.path] == digest[copy.duplicate_of]) == (copy.duplicate_kind == "exact")


def test_an_empty_truth_has_the_same_columns_and_types(corpus):
    _, truth = corpus
    assert dict(truth_table([]).dtypes) == dict(truth.dtypes)


def test_faults_have_their_stated_shares():
    faults, copies = plant(source(tracks=200, seed=1))
    assert sum(fault.degradation != "" for fault in faults) == 60
    assert sum(fault.licence_foreign for fault in faults) == round(200 * FOREIGN_LICENCE)
    for name, share in (("wrong", WRONG_CAPTION), ("missing", MISSING_CAPTION), ("weak", WEAK_CAPTION)):
        assert sum(fault.caption_fault == name for fault in faults) == round(200 * share)
    assert sum(copy.kind == "exact" for copy in copies) == round(200 * EXACT_COPIES)
    assert sum(copy.kind == "near" for copy in copies) == round(200 * NEAR_COPIES)
    assert len({copy.of for copy in copies}) == len(copies)


def test_bell_shaped_severities_give_every_level_of_quality():
    faults, _ = plant(source(tracks=1000, seed=1, degraded_share=0.95, severity_beta=[3.0, 3.0]))
    mos = np.array([true_mos(fault.degradation, fault.severity) for fault in faults])
    clips = np.bincount(quality_level(mos, fit(mos)), minlength=6)
    assert (clips[1:] >= 8).all()
    assert clips[3] > 500


def test_an_artist_is_the_same_each_time_and_unlike_others():
    assert draw_artist(3, seed=1) == draw_artist(3, seed=1)
    artists = [draw_artist(i, seed=1) for i in range(20)]
    assert len({artist.name for artist in artists}) == 20
    assert [artist.genres[0] for artist in artists[:10]] == list(GENRES)


def test_albums_keep_to_their_keys_and_mostly_to_their_mood():
    artist = draw_artist(2, seed=1)
    for album in artist.albums:
        briefs = [artist_brief(artist, album, np.random.default_rng(seed)) for seed in range(60)]
        assert {brief.tonic for brief in briefs} == set(album.tonics) <= set(artist.tonics)
        assert np.mean([brief.mood == album.mood for brief in briefs]) > 0.75
        assert {brief.genre for brief in briefs} <= set(artist.genres)
