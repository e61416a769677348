"""LP-MusicCaps through the very loader, from a tiny random checkpoint written in the published form."""

import numpy as np
import pytest
import torch
from tests.foundation.pinned import pinned, with_sha256
from tests.foundation.tiny_lp_music_caps import (
    CHECKPOINT,
    SHAPE,
    VOCABULARY,
    random_model,
    write_published,
    write_tokenizer,
)

from padstal.core.untrusted import UntrustedFileError
from padstal.foundation import captioner, lp_music_caps
from padstal.foundation.bpe_tokenizer import load_tokenizer


@pytest.fixture
def published(tmp_path):
    source = tmp_path / "source"
    return source, write_published(source)


def convert(source, target):
    target.mkdir()
    weights, tokenizer = pinned(source, CHECKPOINT), pinned(source, "vocab.json", "merges.txt")
    lp_music_caps.convert(weights, tokenizer, "CC-BY-NC-4.0", target)
    return captioner.load(target, target / "no-tagger", "cpu")


@pytest.mark.slow
def test_a_published_checkpoint_becomes_safetensors_that_caption_audio(published, tmp_path):
    source, original = published
    hearing = convert(source, tmp_path / "target")
    assert sorted(path.name for path in (tmp_path / "target").iterdir()) == [
        "config.json",
        "model.safetensors",
        "tokenizer",
    ]
    for name, value in original.state_dict().items():
        assert torch.equal(hearing.model.state_dict()[name], value), name
    audio = np.random.default_rng(0).standard_normal((3, 160_000)).astype(np.float32)
    audio[1] = np.sin(np.arange(160_000) * 0.3)
    captions = hearing.caption(audio)
    assert len(captions) == 3
    assert captions[0] != captions[1]
    assert captions == hearing.caption(audio, batch=1)
    assert (hearing.licence, hearing.sample_rate) == ("CC-BY-NC-4.0", 16_000)
    assert hearing.caption(audio[:0]) == []


def test_the_front_end_is_the_published_one_with_the_real_part_squared():
    import torchaudio

    audio = torch.randn(2, 16_000, generator=torch.Generator().manual_seed(1))
    ours = random_model().audio_encoder.mel_encoder(audio)
    spectrum = torchaudio.transforms.Spectrogram(n_fft=1024, win_length=1024, hop_length=160, power=None)(audio)
    mels = torchaudio.transforms.MelScale(128, 16_000, 0, 8000, 513)(spectrum.real.abs().pow(2))
    torch.testing.assert_close(ours, torchaudio.transforms.AmplitudeToDB()(mels), atol=1e-3, rtol=1e-4)


def test_ten_seconds_become_as_many_vectors_as_there_are_positions():
    heard = random_model().audio_encoder(torch.zeros(1, 160_000))
    assert heard.shape == (1, SHAPE.positions, SHAPE.width)


def test_the_decoder_writes_as_published_from_the_end_token_with_a_forced_start():
    """Greedy search by hand gives what `generate` gives with one beam."""
    model = random_model(3)
    ids = torch.tensor([[lp_music_caps.END, lp_music_caps.START]])
    heard = model.audio_encoder(torch.zeros(1, 160_000))
    with torch.no_grad():
        for _ in range(4):
            logits = model.bart(inputs_embeds=heard, decoder_input_ids=ids).logits[0, -1]
            if ids.shape[1] < lp_music_caps.MIN_TOKENS:
                logits[lp_music_caps.END] = -torch.inf
            ids = torch.cat([ids, logits.argmax()[None, None]], dim=1)
    generation = lp_music_caps._generation()
    generation.update(num_beams=1, max_length=6, early_stopping=False, forced_eos_token_id=None, no_repeat_ngram_size=0)
    written = model.bart.generate(inputs_embeds=heard, generation_config=generation)
    assert written[0].tolist() == ids[0, : written.shape[1]].tolist()


@pytest.mark.parametrize(("samples", "expected"), [(2, [1, 2, 0, 0]), (4, [1, 2, 3, 4]), (7, [2, 3, 4, 5])])
def test_long_clips_are_heard_in_their_middle_and_short_ones_end_in_silence(samples, expected):
    clip = np.arange(1.0, samples + 1)[None]
    assert lp_music_caps.middle(clip, 4).tolist() == [expected]


def test_a_foreign_checkpoint_a_foreign_tokenizer_and_a_missing_one_are_refused(published, tmp_path):
    source, _ = published
    with pytest.raises(UntrustedFileError, match=r"weights.pt.*LP-MusicCaps"):
        lp_music_caps.shape_of({"a": torch.ones(1)}, tmp_path / "weights.pt")
    write_tokenizer(source, VOCABULARY - 10)
    with pytest.raises(UntrustedFileError, match=f"knows {VOCABULARY - 10} ids, expected {VOCABULARY}"):
        convert(source, tmp_path / "target")
    with pytest.raises(UntrustedFileError, match=r"lacks vocab.json and merges.txt"):
        load_tokenizer("BartTokenizer", tmp_path, VOCABULARY, "captioner")


def test_a_checkpoint_of_other_content_than_pinned_is_not_read(published, tmp_path):
    source, _ = published
    (tmp_path / "target").mkdir()
    wrong = with_sha256(source, {CHECKPOINT: "0" * 64})
    with pytest.raises(UntrustedFileError, match="expected 0000"):
        lp_music_caps.convert(wrong, pinned(source, "vocab.json", "merges.txt"), "CC0-1.0", tmp_path / "target")


def test_a_checkpoint_that_brings_code_does_not_run_it(published, tmp_path):
    import os

    class Payload:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "ran"),)

    source, model = published
    torch.save({"state_dict": {**model.state_dict(), "x": Payload()}}, source / CHECKPOINT)
    with pytest.raises(UntrustedFileError, match="refused"):
        convert(source, tmp_path / "target")
    assert not (tmp_path / "ran").exists()
