"""A T5 of random weights in the published form, through the very loader."""

import json

import pytest
import torch
from tests.foundation.pinned import pinned, with_sha256

from padstal.core.untrusted import UntrustedFileError
from padstal.foundation import text2text

FILES = ("config.json", "model.safetensors", "tokenizer_config.json")


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """A folder as a hub's repository: config, safetensors, a byte tokenizer (which has no vocabulary file)."""
    from transformers import ByT5Tokenizer, T5Config, T5ForConditionalGeneration

    folder = tmp_path_factory.mktemp("published")
    torch.manual_seed(0)
    config = T5Config(
        vocab_size=384, d_model=32, d_kv=8, d_ff=32, num_layers=1, num_decoder_layers=1, num_heads=4,
        decoder_start_token_id=0,
    )  # fmt: skip
    model = T5ForConditionalGeneration(config)
    for parameter in model.parameters():
        parameter.data.mul_(3)
    model.save_pretrained(folder)
    ByT5Tokenizer().save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def loaded(source, tmp_path_factory):
    return text2text.load(pinned(source, *FILES), tmp_path_factory.mktemp("fetched"), "cpu")


def test_a_text_does_not_depend_on_its_neighbours_or_the_batch(loaded):
    prompts = [f"merge {'piano ' * (number + 1)}" for number in range(5)]
    together = list(loaded.write(prompts, batch=5, max_tokens=8))
    alone = [next(loaded.write([prompt], batch=1, max_tokens=8)) for prompt in prompts]
    assert together == alone == list(loaded.write(prompts, batch=2, max_tokens=8))
    assert len(set(together)) > 1


def test_it_writes_what_greedy_search_by_hand_gives(loaded):
    prompt = "merge jazz and piano"
    tokens = loaded.tokenizer([prompt], return_tensors="pt")
    ids = torch.zeros(1, 1, dtype=torch.int64)
    with torch.no_grad():
        for _ in range(6):
            logits = loaded.model(**tokens, decoder_input_ids=ids).logits[0, -1]
            ids = torch.cat([ids, logits.argmax()[None, None]], dim=1)
            if int(ids[0, -1]) == 1:
                break
    expected = loaded.tokenizer.decode(ids[0], skip_special_tokens=True)
    assert list(loaded.write([prompt], batch=3, max_tokens=6)) == [expected]


def test_a_prompt_that_would_be_cut_is_not_answered(loaded):
    short, long = "a", "a" * text2text.PROMPT_TOKENS
    written = list(loaded.write([short, long], batch=2, max_tokens=4))
    assert written[0] is not None
    assert written[1] is None
    assert list(loaded.write([], batch=2, max_tokens=4)) == []


def test_only_pinned_files_are_read(source, tmp_path):
    wrong = with_sha256(source, {**pinned(source, *FILES).sha256, "config.json": "0" * 64})
    with pytest.raises(UntrustedFileError, match=r"config\.json"):
        text2text.load(wrong, tmp_path / "a", "cpu")
    with pytest.raises(UntrustedFileError, match="not a model of sequences to sequences"):
        text2text.load(pinned(source, "config.json", "tokenizer_config.json"), tmp_path / "b", "cpu")
    (source / "pytorch_model.bin").write_bytes(b"not looked at")
    text2text.load(pinned(source, *FILES), tmp_path / "c", "cpu")
    assert not (tmp_path / "c" / "pytorch_model.bin").exists()


def test_weights_with_holes_and_foreign_tokenizers_are_refused(source, tmp_path):
    from safetensors.torch import load_file, save_file

    broken = tmp_path / "broken"
    broken.mkdir()
    for name in FILES:
        (broken / name).write_bytes((source / name).read_bytes())
    tensors = load_file(broken / "model.safetensors")
    left_out = {name: value for name, value in tensors.items() if "layer_norm" not in name}
    save_file(left_out, broken / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(UntrustedFileError, match="weights lack"):
        text2text.load(pinned(broken, *FILES), tmp_path / "a", "cpu")
    save_file(tensors, broken / "model.safetensors", metadata={"format": "pt"})
    config = json.loads((broken / "config.json").read_text()) | {"vocab_size": 200}
    (broken / "config.json").write_text(json.dumps(config))
    with pytest.raises(UntrustedFileError):
        text2text.load(pinned(broken, *FILES), tmp_path / "b", "cpu")


def test_a_model_is_known_by_its_files():
    one = with_sha256("google/flan-t5-large", {"a": "1" * 64, "b": "2" * 64}, "a" * 40)
    same = with_sha256("/elsewhere/flan-t5-large", {"b": "2" * 64, "a": "1" * 64})
    other = with_sha256("google/flan-t5-large", {"a": "1" * 64, "b": "3" * 64}, "a" * 40)
    assert text2text.identity(one) == text2text.identity(same) != text2text.identity(other)
    assert text2text.identity(one).startswith("flan-t5-large@")
