"""The text encoder: T5's mask, states that depend on no padding, loaders that know their tokenizer."""

import json
from typing import Any

import pytest
import torch
from tests.demo.test_train_text_encoder import SECTION, TEXTS
from tests.foundation.pinned import pinned

from padstal.core.untrusted import UntrustedFileError
from padstal.demo.train_text_encoder import END, train
from padstal.foundation import published, text_encoder
from padstal.foundation.config import PublishedTextEncoder
from padstal.foundation.store import save
from padstal.foundation.text_encoder import guard_vocabulary


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A tiny trained text encoder."""
    at = tmp_path_factory.mktemp("text_encoder")
    trained, config, _ = train(TEXTS * 4, TEXTS, SECTION, device=torch.device("cpu"))
    save(at, trained.model, config | {"origin": "a test"})
    return at


def test_the_mask_counts_the_end_token_and_nothing_else_beyond_the_bytes(folder):
    encoder = text_encoder.load(folder, "cpu")
    ids, mask = encoder.tokenize(TEXTS)
    assert ids.shape == mask.shape == (4, 48)
    assert mask.dtype == torch.bool
    assert mask.sum(dim=1).tolist() == [len(text.encode()) + 1 for text in TEXTS]
    assert [int(row[length - 1]) for row, length in zip(ids, mask.sum(dim=1), strict=True)] == [END] * 4
    assert torch.all(ids[~mask] == 0)


def test_a_text_that_is_too_long_keeps_its_end_token(folder):
    encoder = text_encoder.load(folder, "cpu")
    ids, mask = encoder.tokenize(["x" * 200])
    assert bool(mask.all())
    assert int(ids[0, -1]) == END


def test_states_do_not_depend_on_padding_or_on_the_rest_of_the_batch(folder):
    encoder = text_encoder.load(folder, "cpu")
    together = encoder.encode(TEXTS)
    alone = encoder.encode(TEXTS[:1])
    torch.testing.assert_close(alone.states_BLD[0], together.states_BLD[0], atol=1e-5, rtol=1e-5)
    length = int(alone.mask_BL.sum())
    ids, mask = encoder.tokenize(TEXTS[:1])
    bare = encoder.model(input_ids=ids[:, :length], attention_mask=mask[:, :length].long()).last_hidden_state
    torch.testing.assert_close(alone.states_BLD[:, :length], bare, atol=1e-5, rtol=1e-5)
    assert alone.states_BLD.shape == (1, 48, encoder.width)


def test_loading_twice_gives_the_same_bits_and_no_text_gives_no_states(folder):
    first, second = text_encoder.load(folder, "cpu"), text_encoder.load(folder, "cpu")
    assert torch.equal(first.encode(TEXTS).states_BLD, second.encode(TEXTS).states_BLD)
    assert first.encode([]).states_BLD.shape == (0, 48, 16)
    assert first.vocabulary == 384


def test_a_tokenizer_of_another_vocabulary_is_refused(folder, tmp_path):
    guard_vocabulary(384, expected=384, rows=384, where=tmp_path)
    for found, expected, rows in ((5, 32100, 32128), (32100, 32100, 100)):
        with pytest.raises(UntrustedFileError, match=f"knows {found} ids"):
            guard_vocabulary(found, expected=expected, rows=rows, where=tmp_path)
    config = json.loads((folder / "config.json").read_text())
    for name in ("config.json", "model.safetensors"):
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    (tmp_path / "config.json").write_text(json.dumps(config | {"vocabulary": 32100}))
    with pytest.raises(UntrustedFileError, match="expected 32100"):
        text_encoder.load(tmp_path, "cpu")


FLAN: dict[str, Any] = {"feed_forward_proj": "gated-gelu", "tie_word_embeddings": False}
"""What tells FLAN-T5's config from T5's, beside sizes."""


def published_t5(folder, **form):
    """A tiny checkpoint and tokenizer in the form in which T5 is published."""
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast, T5Config, T5ForConditionalGeneration

    words = ["<pad>", "</s>", "<unk>", *[f"word{i}" for i in range(57)]]
    tokenizer = Tokenizer(models.WordLevel({word: i for i, word in enumerate(words)}, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 1)])
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="<pad>", eos_token="</s>", unk_token="<unk>", model_max_length=32
    )
    fast.save_pretrained(folder)
    config = T5Config(
        vocab_size=64, d_model=16, d_kv=8, d_ff=32, num_layers=1, num_heads=2, decoder_start_token_id=0, **form
    )
    torch.manual_seed(0)
    model = T5ForConditionalGeneration(config).eval()
    model.save_pretrained(folder)
    return model, fast


@pytest.mark.parametrize("form", [{}, FLAN], ids=["t5", "flan_t5"])
def test_a_published_t5_gives_the_states_that_transformers_gives(tmp_path, form):
    source, target = tmp_path / "source", tmp_path / "target"
    model, tokenizer = published_t5(source, **form)
    target.mkdir()
    section = PublishedTextEncoder(
        kind="pretrained",
        weights=pinned(source, "config.json", "model.safetensors"),
        tokenizer=pinned(source, "tokenizer.json", "tokenizer_config.json"),
        max_length=16,
    )
    assert published.convert(section, target, torch.device("cpu")) == {"vocabulary": 64, "width": 16}
    assert not (target / "raw").exists()
    encoder = text_encoder.load(target, "cpu")
    states = encoder.encode(["word3 word9", "word1"])
    assert states.mask_BL.sum(dim=1).tolist() == [3, 2]
    tokens = tokenizer(["word3 word9"], return_tensors="pt")
    expected = model.encoder(input_ids=tokens["input_ids"], attention_mask=tokens["attention_mask"]).last_hidden_state
    torch.testing.assert_close(states.states_BLD[:1, :3], expected, atol=1e-5, rtol=1e-5)
    assert json.loads((target / "config.json").read_text())["origin"].endswith("@local")


def test_a_published_t5_whose_tokenizer_is_gone_is_refused(tmp_path):
    source, target = tmp_path / "source", tmp_path / "target"
    published_t5(source)
    target.mkdir()
    weights = pinned(source, "config.json", "model.safetensors")
    text_encoder.convert(weights, pinned(source, "tokenizer.json", "tokenizer_config.json"), 12, target)
    broken = json.loads((target / "tokenizer" / "tokenizer.json").read_text())
    broken["model"]["vocab"] = {"<pad>": 0, "</s>": 1, "<unk>": 2}
    (target / "tokenizer" / "tokenizer.json").write_text(json.dumps(broken))
    with pytest.raises(UntrustedFileError, match="tokenizer"):
        text_encoder.load(target, "cpu")
