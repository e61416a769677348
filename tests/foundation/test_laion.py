"""LAION's CLAP through the very loader, from a random checkpoint written in the published form."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from tests.foundation.pinned import pinned
from tests.foundation.test_clap import SHAPE

from padstal.core.untrusted import UntrustedFileError
from padstal.foundation import clap, laion, published
from padstal.foundation.bpe_tokenizer import load_tokenizer
from padstal.foundation.config import PublishedClap
from padstal.foundation.laion_classes import clap_module

pytestmark = pytest.mark.slow

CHECKPOINT = "music_audioset_epoch_15_esc_90.14.pt"


def write_tokenizer(folder, ids: int) -> None:
    """RoBERTa's two files: byte letters, special tokens, and made-up words up to `ids` entries."""
    folder.mkdir(parents=True, exist_ok=True)
    from transformers.convert_slow_tokenizer import bytes_to_unicode

    words = ["<s>", "<pad>", "</s>", "<unk>", *bytes_to_unicode().values()]
    words += [f"made-up-{number}" for number in range(ids - len(words) - 1)] + ["<mask>"]
    (folder / "vocab.json").write_text(json.dumps({word: number for number, word in enumerate(words)}), "utf-8")
    (folder / "merges.txt").write_text("#version: 0.2\n", "utf-8")


def roberta(folder):
    return load_tokenizer("RobertaTokenizer", folder, laion.ROBERTA_VOCABULARY, "clap")


def test_a_tokenizer_that_is_not_robertas_is_refused(tmp_path):
    with pytest.raises(UntrustedFileError, match=r"lacks vocab.json and merges.txt"):
        roberta(tmp_path)
    write_tokenizer(tmp_path, 300)
    with pytest.raises(UntrustedFileError, match="knows 300 ids, expected 50265"):
        roberta(tmp_path)


def test_a_full_vocabulary_is_accepted_and_a_text_ends_where_roberta_ends_it(tmp_path):
    write_tokenizer(tmp_path, laion.ROBERTA_VOCABULARY)
    tokenizer = roberta(tmp_path)
    ids = tokenizer(["ab"], padding="max_length", max_length=8, truncation=True)["input_ids"][0]
    assert ids[0] == 0
    assert ids[3:] == [2, 1, 1, 1, 1]


def test_a_text_is_heard_whole_up_to_77_tokens_start_and_end_counted(tmp_path):
    write_tokenizer(tmp_path, laion.ROBERTA_VOCABULARY)
    embedder = laion.LaionClap(None, roberta(tmp_path), torch.device("cpu"))
    assert embedder.hears_whole(["a" * 75, "a" * 76]) == [True, False]


def test_16_bits_are_as_laions_front_end_has_them():
    audio = np.array([[-2.0, -1.0, -0.5, 0.0, 1e-6, 0.3, 1.0]], np.float32)
    expected = (np.clip(audio, -1, 1) * 32767.0).astype(np.int16) / 32767.0
    np.testing.assert_array_equal(laion.int16_round_trip(audio), expected.astype(np.float32))
    again = laion.int16_round_trip(expected.astype(np.float32))
    np.testing.assert_allclose(again, expected, atol=1 / 32767)


def test_short_audio_is_repeated_whole_then_padded_and_long_audio_refused():
    filled = laion.repeat_pad(np.arange(1.0, 4.0)[None], 8)
    assert filled.tolist() == [[1, 2, 3, 1, 2, 3, 0, 0]]
    with pytest.raises(ValueError, match="one window each"):
        laion.repeat_pad(np.zeros((1, 9)), 8)


def test_a_checkpoint_of_something_else_is_refused(tmp_path):
    with pytest.raises(UntrustedFileError, match=r"weights.pt.*laion_clap"):
        laion.architecture_of({"a": torch.ones(1)}, tmp_path / "weights.pt")


def test_a_published_checkpoint_becomes_safetensors_that_give_laion_claps_embeddings(tmp_path):
    source, target = tmp_path / "source", tmp_path / "target"
    write_tokenizer(source, laion.ROBERTA_VOCABULARY)
    target.mkdir()
    torch.manual_seed(0)
    architecture = {
        "htsat": "tiny", "patch_width": 96, "vocabulary": laion.ROBERTA_VOCABULARY, "text_width": 768,
        "text_layers": 1, "text_hidden": 64, "text_positions": 514,
    }  # fmt: skip
    original = laion.new(architecture).eval()
    state = {f"module.{name}": value for name, value in original.state_dict().items()}
    state[f"module.{laion.POSITION_IDS}"] = torch.arange(514)[None]
    torch.save({"epoch": 15, "name": "clap", "top": np.float64(0.9), "state_dict": state}, source / CHECKPOINT)
    section = PublishedClap(
        kind="pretrained", weights=pinned(source, CHECKPOINT), tokenizer=pinned(source, "vocab.json", "merges.txt")
    )
    facts = published.convert(section, target, torch.device("cpu"))
    assert facts == {"window_seconds": 10.0, "sample_rate": 48_000}
    assert sorted(path.name for path in target.iterdir()) == ["config.json", "model.safetensors", "tokenizer"]

    embedder = clap.load(target, "cpu")
    assert (embedder.sample_rate, embedder.window_seconds) == (48_000, 10.0)
    audio = np.random.default_rng(0).standard_normal((2, 480_000)).astype(np.float32) * 0.1
    embedded = embedder.embed_audio(audio)
    windows = [{"waveform": torch.from_numpy(row)} for row in laion.int16_round_trip(audio)]
    with torch.no_grad():
        np.testing.assert_allclose(embedded, original.get_audio_embedding(windows).numpy(), atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(embedded, axis=1), 1, atol=1e-5)
    np.testing.assert_array_equal(embedded, embedder.embed_audio(audio))  # no random crop

    texts = ["jazz, piano", "techno"]
    tokens = embedder.tokenizer(texts, padding="max_length", truncation=True, max_length=77, return_tensors="pt")
    with torch.no_grad():
        expected = original.get_text_embedding(dict(tokens)).numpy()
    np.testing.assert_allclose(embedder.embed_text(texts), expected, atol=1e-5)
    np.testing.assert_allclose(embedder.embed_text(texts[:1]), expected[:1], atol=1e-5)


def test_laion_claps_module_is_left_as_it_was():
    module = clap_module()
    before = (module.create_htsat_model, module.RobertaModel)
    clap.new(SHAPE, 16_000)
    assert (module.create_htsat_model, module.RobertaModel) == before
    assert not isinstance(module.RobertaModel, SimpleNamespace)
