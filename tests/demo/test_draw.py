"""A draw is rendered once, and the same clips come of it whatever the store holds."""

import numpy as np
import pytest

from padstal.demo import draw as module
from padstal.demo.config import Draw
from padstal.demo.draw import LabelledClips, labelled_clips
from padstal.demo.draw_chunk import CLIPS
from padstal.demo.vocabulary import GENRES, INSTRUMENTS, MOODS

pytestmark = pytest.mark.slow

DRAW = Draw(seed=3, clip_seconds=1.024, sample_rate=16_000, degraded_share=0.5, held_out=20)
COUNT = CLIPS + 3


@pytest.fixture(scope="module")
def clips(tmp_path_factory):
    return labelled_clips(COUNT, DRAW, store=tmp_path_factory.mktemp("fresh"))


@pytest.fixture
def rendered(monkeypatch):
    """First clips of the chunks that are rendered in this process."""
    firsts, keep = [], module.keep

    def counted(chunk):
        firsts.append(chunk.first)
        keep(chunk)

    monkeypatch.setattr(module, "keep", counted)
    return firsts


def same(one: LabelledClips, two: LabelledClips) -> bool:
    columns = zip(vars(one).values(), vars(two).values(), strict=True)
    return all(np.array_equal(a, b) if isinstance(a, np.ndarray) else a == b for a, b in columns)


def test_a_draw_has_its_labels(clips):
    assert clips.audio_BS.shape == (COUNT, 16_384)
    assert clips.audio_BS.dtype == np.float32
    assert np.abs(clips.audio_BS).max() <= 1
    assert set(clips.genre) == set(GENRES)
    assert set(clips.mood) <= set(MOODS)
    assert {name for names in clips.instruments for name in names} <= set(INSTRUMENTS)
    assert all((kind == "") == (mos == 5.0) for kind, mos in zip(clips.degradation, clips.mos_B, strict=True))
    assert 0 < sum(kind != "" for kind in clips.degradation) < COUNT


def test_who_draws_again_renders_only_what_no_one_has_drawn(clips, rendered, tmp_path):
    short = labelled_clips(CLIPS, DRAW, store=tmp_path)
    assert np.array_equal(short.audio_BS, clips.audio_BS[:CLIPS])
    assert same(labelled_clips(COUNT, DRAW, store=tmp_path), clips)
    assert rendered == [0, CLIPS]
    assert same(labelled_clips(COUNT, DRAW.model_copy(update={"held_out": 30}), store=tmp_path), clips)
    assert rendered == [0, CLIPS]


def test_a_torn_or_altered_chunk_is_rendered_again(clips, rendered, tmp_path):
    labelled_clips(COUNT, DRAW, store=tmp_path)
    first, second = sorted(tmp_path.glob("*/*.clips"))
    first.write_bytes(first.read_bytes()[:-1])
    altered = bytearray(second.read_bytes())
    altered[-1] ^= 1
    second.write_bytes(altered)
    rendered.clear()
    assert same(labelled_clips(COUNT, DRAW, store=tmp_path), clips)
    assert rendered == [0, CLIPS]


def test_two_workers_draw_what_one_does(clips, tmp_path):
    assert same(labelled_clips(COUNT, DRAW, store=tmp_path, workers=2), clips)


@pytest.mark.parametrize("change", [{"seed": 4}, {"clip_seconds": 1.0}, {"sample_rate": 8000}, {"degraded_share": 0.0}])
def test_another_draw_is_another_and_only_the_last_is_kept(clips, change, tmp_path):
    labelled_clips(1, DRAW, store=tmp_path)
    other = labelled_clips(CLIPS, DRAW.model_copy(update=change), store=tmp_path)
    assert not np.array_equal(other.audio_BS, clips.audio_BS[:CLIPS])
    assert len([path for path in tmp_path.iterdir() if path.is_dir()]) == 1


def test_code_that_renders_otherwise_takes_nothing_up(rendered, monkeypatch, tmp_path):
    labelled_clips(1, DRAW, store=tmp_path)
    monkeypatch.setattr("padstal.demo.draw_chunk.code_version", lambda *modules, libraries: "another")
    labelled_clips(1, DRAW, store=tmp_path)
    assert rendered == [0, 0]
