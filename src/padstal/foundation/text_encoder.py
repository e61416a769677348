"""The text encoder: a T5 encoder (Raffel et al. 2020), small and byte-level at demo scale, published at full scale.

Small: ByT5's vocabulary (bytes + 3, no vocabulary file; Xue et al. 2022), trained by span corruption on captions
(Raffel et al., section 3.1.4): spans of the text become sentinels, a small decoder writes them back.

Shape suffixes: B batch, L text positions, D features.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from padstal.core.protocols import TextStates
from padstal.demo.fit import Progress, Schedule, fit, seeded
from padstal.foundation.fetch import Published, fetch
from padstal.foundation.store import UntrustedFileError, load_into, read_config, read_tensors, save

ROLE = "text_encoder"
BYTES = "byt5"
"""Config value of `tokenizer` that needs no vocabulary file."""
BYTE_VOCABULARY = 384
"""ByT5: padding, end, unknown, 256 bytes, 125 sentinels."""
FIRST_SENTINEL = 259
END = 1
TOKENIZER = "tokenizer"
"""Sub-folder of the published tokenizer's files."""


@dataclass(frozen=True)
class Shape:
    """Size of a small encoder.

    Attributes:
        width: D, features of a state.
        layers: Encoder layers.
        heads: Attention heads; each has width / heads features.
        decoder_layers: Layers of the decoder that training needs and throws away.
        max_length: L, positions that every text is padded or cut to.
    """

    width: int
    layers: int
    heads: int
    decoder_layers: int
    max_length: int


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


@dataclass(frozen=True)
class Trained:
    """What training gives.

    Attributes:
        model: The encoder.
        held_out_loss: Loss of cut-out spans of captions that were not learnt from, nats a byte.
    """

    model: nn.Module
    held_out_loss: float

    @property
    def chance(self) -> float:
        """Loss of a guess that knows nothing, nats a byte."""
        return math.log(BYTE_VOCABULARY)


def train(
    captions: list[str],
    held_out: list[str],
    shape: Shape,
    schedule: Schedule,
    *,
    device: torch.device,
    progress: Progress | None = None,
) -> tuple[Trained, dict[str, Any], list[float]]:
    """Train a small byte-level T5 on `captions` by span corruption and test it on `held_out`.

    Returns:
        The encoder, its config (as `save` writes it, without an origin) and the loss of every step, nats a byte.
    """
    from transformers import T5EncoderModel, T5ForConditionalGeneration

    t5 = _t5(shape)
    tokenizer = _tokenizer(Path(), BYTES, BYTE_VOCABULARY)
    ids = [torch.tensor(row[: shape.max_length]) for row in tokenizer(captions)["input_ids"]]
    with seeded(schedule.seed):
        model: Any = T5ForConditionalGeneration(t5)
        model.to(device)

        def loss_of(rows: Tensor, generator: torch.Generator) -> Tensor:
            return corruption_loss(model, [ids[int(row)] for row in rows], generator)

        losses = fit(model, loss_of, len(ids), schedule, progress=progress)
        encoder: Any = T5EncoderModel(t5)
        encoder.to(device)
        unseen = [torch.tensor(row[: shape.max_length]) for row in tokenizer(held_out)["input_ids"]]
        with torch.no_grad():
            test_loss = float(corruption_loss(model, unseen, torch.Generator().manual_seed(schedule.seed)))
    encoder.load_state_dict(
        {name: value for name, value in model.state_dict().items() if name.startswith(("shared.", "encoder."))}
    )
    config = {
        "role": ROLE,
        "tokenizer": BYTES,
        "vocabulary": BYTE_VOCABULARY,
        "max_length": shape.max_length,
        "t5": _architecture(t5),
    }
    return Trained(encoder.eval().requires_grad_(False), test_loss), config, losses


def _t5(shape: Shape) -> Any:
    import transformers

    if shape.width % shape.heads:
        raise ValueError(f"width = {shape.width} is no multiple of heads = {shape.heads}")
    t5: Any = transformers.T5Config
    return t5(
        vocab_size=BYTE_VOCABULARY,
        d_model=shape.width,
        d_kv=shape.width // shape.heads,
        d_ff=4 * shape.width,
        num_layers=shape.layers,
        num_decoder_layers=shape.decoder_layers,
        num_heads=shape.heads,
        dropout_rate=0.0,
        feed_forward_proj="gated-gelu",
        tie_word_embeddings=True,
        decoder_start_token_id=0,
    )


def _architecture(t5: Any) -> dict[str, Any]:
    """What rebuilds the encoder; no version or path of the machine that wrote it."""
    names = (
        "vocab_size d_model d_kv d_ff num_layers num_decoder_layers num_heads dropout_rate feed_forward_proj "
        "relative_attention_num_buckets relative_attention_max_distance layer_norm_epsilon tie_word_embeddings"
    )
    return {name: getattr(t5, name) for name in names.split()}


def corruption_loss(model: nn.Module, texts: list[Tensor], generator: torch.Generator) -> Tensor:
    """Cross-entropy (nats a byte) of the spans that were cut out of `texts` (ids with `</s>`, one tensor a text)."""
    device = next(model.parameters()).device
    corrupted, targets = zip(*(corrupt(ids, generator) for ids in texts), strict=True)
    input_BL = nn.utils.rnn.pad_sequence(list(corrupted), batch_first=True)
    label_BL = nn.utils.rnn.pad_sequence(list(targets), batch_first=True, padding_value=-100)
    # padded to a multiple of 16: few different shapes, so kernels are chosen once
    input_BL = nn.functional.pad(input_BL, (0, -input_BL.shape[1] % 16))
    label_BL = nn.functional.pad(label_BL, (0, -label_BL.shape[1] % 16), value=-100)
    out = model(
        input_ids=input_BL.to(device), attention_mask=(input_BL != 0).long().to(device), labels=label_BL.to(device)
    )
    loss: Tensor = out.loss
    return loss


def corrupt(
    ids_L: Tensor, generator: torch.Generator, *, share: float = 0.3, mean_span: float = 8.0
) -> tuple[Tensor, Tensor]:
    """Span corruption of one text (Raffel et al., figure 2).

    Args:
        ids_L: Ids of the text, `</s>` last.
        generator: Chooses the spans.
        share: Share of the tokens that are cut out; ByT5 needs longer spans than T5, as bytes are short.
        mean_span: Mean length of a span.

    Returns:
        The text with sentinel i in place of span i, and the target: sentinel i, span i, …, `</s>`.
    """
    body = ids_L[:-1]
    length = len(body)
    if length < 2:
        return ids_L, torch.tensor([FIRST_SENTINEL, END])
    cut = min(max(1, round(share * length)), length - 1)
    spans = min(max(1, round(cut / mean_span)), cut, length - cut)
    cut_lengths = _parts(cut, spans, generator)
    kept_lengths = _parts(length - cut, spans, generator)
    source: list[Tensor] = []
    target: list[Tensor] = []
    at = 0
    for number, (kept, gone) in enumerate(zip(kept_lengths, cut_lengths, strict=True)):
        sentinel = torch.tensor([FIRST_SENTINEL + number])
        source += [body[at : at + kept], sentinel]
        target += [sentinel, body[at + kept : at + kept + gone]]
        at += kept + gone
    end = torch.tensor([END])
    return torch.cat([*source, end]), torch.cat([*target, end])


def _parts(total: int, parts: int, generator: torch.Generator) -> list[int]:
    """`total` in `parts` random lengths of at least 1."""
    cuts = (torch.randperm(total - 1, generator=generator)[: parts - 1] + 1).sort().values.tolist() if total > 1 else []
    edges = [0, *cuts, total]
    return [stop - start for start, stop in pairwise(edges)]


def convert(weights: Published, tokenizer: Published, max_length: int, folder: Path) -> None:
    """Fetch a published T5 into `folder` as safetensors with its tokenizer's files and config.

    Args:
        weights: `config.json` and one file of weights (safetensors, or a pickle of tensors).
        tokenizer: The tokenizer's files, e.g. `spiece.model` and `tokenizer_config.json`.
        max_length: Positions that texts are padded or cut to.
        folder: Model folder to fill.

    Raises:
        FetchError, UntrustedFileError: See `fetch`, `read_tensors` and `guard_vocabulary`.
    """
    import json
    import shutil

    from transformers import T5Config, T5EncoderModel

    raw = folder / "raw"
    files = fetch(weights, raw)
    fetch(tokenizer, folder / TOKENIZER)
    t5 = T5Config(**_known(json.loads(files["config.json"].read_text(encoding="utf-8"))))
    name = next(name for name in weights.files if name != "config.json")
    tensors = read_tensors(files[name], weights.files[name])
    model = T5EncoderModel(t5)
    kept = {key: value for key, value in tensors.items() if key.startswith(("shared.", "encoder."))}
    kept.setdefault("encoder.embed_tokens.weight", kept["shared.weight"])
    missing, unexpected = model.load_state_dict(kept, strict=False)
    if missing or unexpected:
        raise UntrustedFileError(f"{files[name]}: not a T5 encoder: missing {missing[:3]}, unexpected {unexpected[:3]}")
    shutil.rmtree(raw)
    vocabulary = len(_tokenizer(folder, TOKENIZER, t5.vocab_size))
    config = {
        "role": ROLE,
        "tokenizer": TOKENIZER,
        "vocabulary": vocabulary,
        "max_length": max_length,
        "origin": weights.origin,
        "t5": _architecture(t5),
    }
    guard_vocabulary(vocabulary, expected=vocabulary, rows=t5.vocab_size, where=folder)
    save(folder, model, config)


def _known(config: Mapping[str, Any]) -> dict[str, Any]:
    from transformers import T5Config

    known = _architecture(T5Config())
    return {name: value for name, value in config.items() if name in known}


def _tokenizer(folder: Path, kind: str, vocabulary: int) -> Any:
    if kind == BYTES:
        from transformers import ByT5Tokenizer

        return ByT5Tokenizer()
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder / kind, local_files_only=True)
    if len(tokenizer) < vocabulary // 2:
        raise UntrustedFileError(f"{folder / kind}: a tokenizer of {len(tokenizer)} ids for {vocabulary} embeddings")
    return tokenizer
