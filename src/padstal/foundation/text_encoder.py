"""The text encoder: a T5 encoder (Raffel et al. 2020), small and byte-level at demo scale, published at full scale.

Small: ByT5's vocabulary (bytes + 3, no vocabulary file; Xue et al. 2022). `demo/train_text_encoder.py` trains it.

Shape suffixes: B batch, L text positions, D features.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from padstal.core.data.atomic import read_json
from padstal.core.protocols import TextStates
from padstal.core.tensor_files import loads
from padstal.core.untrusted import UntrustedFileError, expecting
from padstal.foundation.fetch import PinnedFiles, fetch
from padstal.foundation.store import load_into, read_config, read_tensors, save

ROLE = "text_encoder"
BYTES = "byt5"
"""Config value of `tokenizer` that needs no vocabulary file."""
BYTE_VOCABULARY = 384
"""ByT5: padding, end, unknown, 256 bytes, 125 sentinels."""
TOKENIZER = "tokenizer"
"""Sub-folder of the published tokenizer's files."""


@dataclass(frozen=True)
class T5TextEncoder:
    """A frozen T5 encoder; implements `protocols.TextEncoder`."""

    model: Any
    tokenizer: Any
    max_length: int
    device: torch.device

    @property
    def width(self) -> int:
        return int(self.model.config.d_model)

    @property
    def vocabulary(self) -> int:
        return int(self.model.config.vocab_size)

    def tokenize(self, texts: list[str]) -> tuple[Tensor, Tensor]:
        """Ids [B, L] (int64, padding id at padding) and mask [B, L] (True at real tokens and `</s>`), on the device."""
        if not texts:
            empty = torch.zeros(0, self.max_length, dtype=torch.int64, device=self.device)
            return empty, empty.bool()
        tokens = self.tokenizer(
            list(texts), padding="max_length", truncation=True, max_length=self.max_length, return_tensors="pt"
        )
        return tokens["input_ids"].to(self.device), tokens["attention_mask"].bool().to(self.device)

    @torch.no_grad()
    def encode(self, texts: list[str], batch: int = 64) -> TextStates:
        """States [B, L, D] (float32) and mask [B, L]; `batch` texts at a time."""
        ids_BL, mask_BL = self.tokenize(texts)
        states = [
            self.model(input_ids=ids, attention_mask=mask.long()).last_hidden_state.float()
            for ids, mask in zip(ids_BL.split(batch), mask_BL.split(batch), strict=True)
            if len(ids)
        ]
        empty = torch.zeros(0, self.max_length, self.width, device=self.device)
        return TextStates(states_BLD=torch.cat(states) if states else empty, mask_BL=mask_BL)


@loads("the folder of a text encoder")
def load(folder: Path, device: torch.device | str) -> T5TextEncoder:
    """The text encoder of a model folder.

    Raises:
        FileNotFoundError: The folder lacks its weights or config.
        UntrustedFileError: Weights do not fit the config, or the tokenizer is not the one the model was trained with.
    """
    from transformers import T5Config, T5EncoderModel

    config = read_config(folder, ROLE)
    model = T5EncoderModel(T5Config(**config["t5"]))
    tokenizer = _tokenizer(folder, config["tokenizer"], config["vocabulary"])
    guard_vocabulary(len(tokenizer), expected=config["vocabulary"], rows=model.config.vocab_size, where=folder)
    load_into(model, folder, device)
    return T5TextEncoder(model, tokenizer, int(config["max_length"]), torch.device(device))


def config_of(model: Any, tokenizer: str, vocabulary: int, max_length: int) -> dict[str, Any]:
    """What `load` asks of a folder beside the weights: an encoder's sizes, its tokenizer and that one's ids."""
    return {
        "role": ROLE,
        "tokenizer": tokenizer,
        "vocabulary": vocabulary,
        "max_length": max_length,
        "t5": _architecture(model.config),
    }


def guard_vocabulary(found: int, *, expected: int, rows: int, where: Path) -> None:
    """Refuse a tokenizer of another size: offline, transformers hands back a tiny one without a word.

    Raises:
        UntrustedFileError: `found` ids are not `expected`, or exceed the `rows` of the embedding.
    """
    if found != expected or found > rows:
        raise UntrustedFileError(
            f"{where}: the tokenizer knows {found} ids, expected {expected} of at most {rows}: "
            "its files are missing or foreign"
        )


def convert(weights: PinnedFiles, tokenizer: PinnedFiles, max_length: int, folder: Path) -> None:
    """Fetch a published T5 into `folder` as safetensors with its tokenizer's files and config.

    Args:
        weights: `config.json` and one file of weights (safetensors, or a pickle of tensors).
        tokenizer: The tokenizer's files, e.g. `spiece.model` and `tokenizer_config.json`.
        max_length: Positions that texts are padded or cut to.
        folder: Model folder to fill.

    Raises:
        FetchError, UntrustedFileError: See `fetch`, `read_tensors` and `guard_vocabulary`.
    """
    import shutil

    from transformers import T5Config, T5EncoderModel

    raw = folder / "raw"
    files = fetch(weights, raw)
    fetch(tokenizer, folder / TOKENIZER)
    with expecting("the config of a T5", files["config.json"]):
        t5 = T5Config(**_known(read_json(files["config.json"])))
    name = next(name for name in weights.sha256 if name != "config.json")
    tensors = read_tensors(files[name], weights.sha256[name])
    with expecting("a T5 encoder", files[name]):
        model = T5EncoderModel(t5)
        kept = {key: value for key, value in tensors.items() if key.startswith(("shared.", "encoder."))}
        kept.setdefault("encoder.embed_tokens.weight", kept["shared.weight"])
        missing, unexpected = model.load_state_dict(kept, strict=False)
    if missing or unexpected:
        raise UntrustedFileError(f"{files[name]}: not a T5 encoder: missing {missing[:3]}, unexpected {unexpected[:3]}")
    shutil.rmtree(raw)
    vocabulary = len(_tokenizer(folder, TOKENIZER, t5.vocab_size))
    guard_vocabulary(vocabulary, expected=vocabulary, rows=t5.vocab_size, where=folder)
    save(folder, model, config_of(model, TOKENIZER, vocabulary, max_length) | {"origin": weights.origin})


def _architecture(t5: Any) -> dict[str, Any]:
    """What rebuilds the encoder; no version or path of the machine that wrote it."""
    names = (
        "vocab_size d_model d_kv d_ff num_layers num_decoder_layers num_heads dropout_rate feed_forward_proj "
        "relative_attention_num_buckets relative_attention_max_distance layer_norm_epsilon tie_word_embeddings"
    )
    return {name: getattr(t5, name) for name in names.split()}


def _known(config: Mapping[str, Any]) -> dict[str, Any]:
    from transformers import T5Config

    known = _architecture(T5Config())
    return {name: value for name, value in config.items() if name in known}


def byte_tokenizer() -> Any:
    """ByT5's, which needs no vocabulary."""
    from transformers import ByT5Tokenizer

    return ByT5Tokenizer()


def _tokenizer(folder: Path, kind: str, vocabulary: int) -> Any:
    if kind == BYTES:
        return byte_tokenizer()
    from transformers import AutoTokenizer

    with expecting("a tokenizer", folder / kind):
        tokenizer = AutoTokenizer.from_pretrained(folder / kind, local_files_only=True, trust_remote_code=False)
    if len(tokenizer) < vocabulary // 2:
        raise UntrustedFileError(f"{folder / kind}: a tokenizer of {len(tokenizer)} ids for {vocabulary} embeddings")
    return tokenizer
