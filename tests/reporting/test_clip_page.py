"""The page of a clip: everything in one file, and texts from outside are only text."""

import re

import numpy as np
import pytest
from tests.reporting.half import HOSTILE_PATH, curated, ingested

from padstal.reporting.catalogue import find, read_catalogue
from padstal.reporting.clip_page import CLIPS_SHOWN, render_page, waveform, write_page


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return read_catalogue(curated(tmp_path_factory.mktemp("curated")))


def test_hostile_captions_names_and_paths_are_escaped(whole):
    page = render_page(whole, find(whole, HOSTILE_PATH))
    assert "<script" not in page
    assert "&lt;script&gt;alert(&#39;caption&#39;)&lt;/script&gt;" in page
    assert "\x1b" not in page
    assert "\u202e" not in page
    assert "a&amp;b &lt;script&gt;alert(1)&lt;/script&gt; [red].wav" in page


def test_the_page_carries_player_pictures_and_facts_and_asks_nobody(whole):
    page = render_page(whole, find(whole, "0000d100"))
    assert page.count('<audio class="player" controls') == 1
    assert page.count("data:audio/mpeg;base64,") == 1
    assert page.count("data:image/png;base64,") == 1
    assert '<svg class="chart"' in page
    for told in ("removed: near duplicate", "of track 09ac0ffee09", "p-MOS", "fits the sound", "CC-BY-4.0"):
        assert told in page
    assert not re.search(r"(?:src|href)=\"(?!data:|#)", page)
    assert "default-src 'none'" in page


def test_a_track_has_all_its_clips_on_one_page(whole):
    page = render_page(whole, find(whole, "03ac0ffee03"))
    assert page.count('<audio class="player"') == 5 <= CLIPS_SHOWN


def test_a_refused_file_has_a_page_without_a_player(whole):
    page = render_page(whole, find(whole, "broken.mp3"))
    assert "quarantined: truncated" in page
    assert "<audio" not in page


def test_a_half_finished_pipeline_has_a_page_that_says_what_would_tell_more(tmp_path):
    catalogue = read_catalogue(ingested(tmp_path))
    page = render_page(catalogue, find(catalogue, "0000d100"))
    for stage in ("score", "caption", "curate"):
        assert f"<code>dvc repro {stage}</code> (not run)" in page


def test_without_shards_the_page_says_so(tmp_path):
    paths = ingested(tmp_path)
    (paths.ingest / "shards" / "00000.npy").unlink()
    catalogue = read_catalogue(paths)
    assert "dvc pull" in render_page(catalogue, find(catalogue, "0000d100"))


def test_the_same_clip_gives_the_same_bytes(whole, tmp_path):
    rows = find(whole, "0001d101")
    write_page(tmp_path / "a" / "page.html", whole, rows)
    write_page(tmp_path / "b.html", whole, rows)
    assert (tmp_path / "a" / "page.html").read_bytes() == (tmp_path / "b.html").read_bytes()


def test_silence_and_full_scale_can_be_drawn():
    assert "<svg" in waveform(np.zeros((100, 2), np.int16), 100)
    loud = np.full((1000, 1), -32768, np.int16)
    assert "nan" not in waveform(loud, 100)
