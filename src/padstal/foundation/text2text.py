"""A sequence-to-sequence language model of transformers (FLAN-T5; Chung et al. 2022): prompts to texts, greedy.

Files are pinned by sha256 and only those that are pinned are read: safetensors, config, tokenizer; no pickle, no code.
Every batch has the same shape (positions and rows are filled up), so a text does not depend on its neighbours.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from padstal.core.untrusted import UntrustedFileError, expecting
from padstal.foundation.fetch import PinnedFiles, fetch

PROMPT_TOKENS = 512
"""Positions of a prompt; a longer one would be cut and is refused instead."""


@dataclass(frozen=True)
class Text2Text:
    """A frozen sequence-to-sequence model."""

    model: Any
    tokenizer: Any
    device: torch.device

    @torch.no_grad()
    def write(self, prompts: list[str], *, batch: int, max_tokens: int) -> Iterator[str | None]:
        """The model's answers in order, `batch` prompts at a time; `None` for a prompt that is too long for it."""
        for at in range(0, len(prompts), batch):
            some = prompts[at : at + batch]
            filled = some + [""] * (batch - len(some))
            whole = [len(ids) <= PROMPT_TOKENS for ids in self.tokenizer(some)["input_ids"]]
            tokens = self.tokenizer(
                filled, padding="max_length", truncation=True, max_length=PROMPT_TOKENS, return_tensors="pt"
            ).to(self.device)
            ids = self.model.generate(
                input_ids=tokens["input_ids"],
                attention_mask=tokens["attention_mask"],
                do_sample=False,
                num_beams=1,
                max_new_tokens=max_tokens,
            )
            texts = self.tokenizer.batch_decode(ids[: len(some)], skip_special_tokens=True)
            yield from (text if is_whole else None for text, is_whole in zip(texts, whole, strict=True))


def identity(weights: PinnedFiles) -> str:
    """A name for exactly these files: repository and a hash of all their hashes."""
    content = "".join(f"{name} {sha256}\n" for name, sha256 in sorted(weights.sha256.items()))
    return f"{Path(weights.repository).name}@{hashlib.sha256(content.encode()).hexdigest()[:16]}"


def load(weights: PinnedFiles, folder: Path, device: torch.device | str) -> Text2Text:
    """Fetch the pinned files into `folder` and load them.

    Raises:
        FetchError, UntrustedFileError: See `fetch`; or the files do not belong together.
    """
    from transformers import AutoModelForSeq2SeqLM, AutoTokenizer

    fetch(weights, folder)
    with expecting("a model of sequences to sequences", Path(weights.origin)):
        model, report = AutoModelForSeq2SeqLM.from_pretrained(
            folder,
            local_files_only=True,
            use_safetensors=True,
            trust_remote_code=False,
            dtype=torch.float32,
            output_loading_info=True,
        )
        tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    absent = sorted(report["missing_keys"]) + sorted(str(key) for key in report["mismatched_keys"])
    if absent:
        raise UntrustedFileError(f"{weights.origin}: weights lack {', '.join(absent[:3])}")
    if not model.config.vocab_size // 2 <= len(tokenizer) <= model.config.vocab_size:
        raise UntrustedFileError(
            f"{weights.origin}: a tokenizer of {len(tokenizer)} ids for {model.config.vocab_size} embeddings: "
            "its files are missing or foreign"
        )
    return Text2Text(model.to(device).eval().requires_grad_(False), tokenizer, torch.device(device))
