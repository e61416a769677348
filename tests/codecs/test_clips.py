import numpy as np
import pytest
import torch
from tests.codecs.fakes import FakeAudio, FakeTextEncoder, rows

from padstal.codecs.clips import CaptionTable, Clips


def _clips(precompute=True):
    return Clips(rows(6), FakeAudio(), CaptionTable(FakeTextEncoder(), rows(6)["caption"], precompute=precompute))


def test_a_step_is_the_same_whenever_the_run_began():
    whole = list(_clips().batches(batch=2, crop=256, start=0, stop=5, seed=4))
    rest = list(_clips().batches(batch=2, crop=256, start=3, stop=5, seed=4))
    for ours, theirs in zip(whole[3:], rest, strict=True):
        assert ours.step == theirs.step
        assert torch.equal(ours.audio_BCS, theirs.audio_BCS)
        assert torch.equal(ours.texts.ids_BL, theirs.texts.ids_BL)


def test_a_crop_is_a_piece_of_its_own_clip_with_its_own_caption():
    clips, encoder = _clips(), FakeTextEncoder()
    for batch in clips.batches(batch=3, crop=100, start=0, stop=4, seed=1):
        for crop, ids in zip(batch.audio_BCS, batch.texts.ids_BL, strict=True):
            pcm = (crop[0] * 32768).numpy().astype(np.int16)
            found = [
                row
                for row in range(6)
                if (np.lib.stride_tricks.sliding_window_view(FakeAudio().pcm(0, row)[:, 0], 100) == pcm).all(1).any()
            ]
            assert len(found) == 1
            assert torch.equal(ids, encoder.tokenize([rows(6)["caption"][found[0]]])[0][0])


def test_texts_computed_beforehand_equal_texts_computed_at_use():
    for ours, theirs in zip(
        _clips(True).batches(batch=3, crop=64, start=0, stop=3, seed=0),
        _clips(False).batches(batch=3, crop=64, start=0, stop=3, seed=0),
        strict=True,
    ):
        assert torch.equal(ours.texts.states.states_BLD, theirs.texts.states.states_BLD)
        assert torch.equal(ours.texts.states.mask_BL, theirs.texts.states.mask_BL)


def test_a_clip_shorter_than_the_crop_is_named():
    with pytest.raises(ValueError, match="2048 samples is shorter than the crop of 4096"):
        next(_clips().batches(batch=1, crop=4096, start=0, stop=1, seed=0))


def test_weights_of_the_rows_decide_how_often_a_clip_is_heard_and_equal_ones_change_nothing():
    def heard(**columns):
        clips = Clips(rows(6).assign(**columns), FakeAudio(), _clips().captions)
        return [batch.audio_BCS for batch in clips.batches(batch=4, crop=2048, start=0, stop=20, seed=2)]

    plain = heard()
    assert all(torch.equal(a, b) for a, b in zip(plain, heard(weight=1.0), strict=True))
    weighted = torch.cat(heard(weight=[0.0, 0.0, 3.0, 0.0, 0.0, 1.0]))
    pcm = [torch.from_numpy(FakeAudio().pcm(0, row).T.astype(np.float32) / 32768.0) for row in range(6)]
    counts = [sum(torch.equal(crop, whole) for crop in weighted) for whole in pcm]
    assert counts == [0, 0, 60, 0, 0, 20]
