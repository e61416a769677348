"""Training of the small text encoder: span corruption on captions (Raffel et al. 2020, section 3.1.4).

Spans of the text become sentinels, and a small decoder, which is thrown away, writes them back.

Shape suffixes: B batch, L text positions.
"""

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn

from padstal.demo.config import TrainedTextEncoder
from padstal.demo.fit import Progress, fit, seeded
from padstal.foundation.byte_t5 import encoder_of, new
from padstal.foundation.text_encoder import BYTE_VOCABULARY, BYTES, byte_tokenizer, config_of

FIRST_SENTINEL = 259
END = 1


@dataclass(frozen=True)
class TestedEncoder:
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
    section: TrainedTextEncoder,
    *,
    device: torch.device,
    progress: Progress | None = None,
) -> tuple[TestedEncoder, dict[str, Any], list[float]]:
    """Train a small byte-level T5 on `captions` by span corruption and test it on `held_out`.

    Returns:
        The encoder, its config (without an origin) and the loss of every step, nats a byte.
    """
    tokenizer = byte_tokenizer()
    ids = [torch.tensor(row[: section.max_length]) for row in tokenizer(captions)["input_ids"]]
    with seeded(section.fit.seed):
        model = new(section).to(device)

        def loss_of(rows: Tensor, generator: torch.Generator) -> Tensor:
            return corruption_loss(model, [ids[int(row)] for row in rows], generator)

        losses = fit(model, loss_of, len(ids), section.fit, progress=progress)
        unseen = [torch.tensor(row[: section.max_length]) for row in tokenizer(held_out)["input_ids"]]
        with torch.no_grad():
            test_loss = float(corruption_loss(model, unseen, torch.Generator().manual_seed(section.fit.seed)))
        encoder = encoder_of(model)
    config = config_of(encoder, BYTES, BYTE_VOCABULARY, section.max_length)
    return TestedEncoder(encoder, test_loss), config, losses


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
