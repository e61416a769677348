"""CLAP: audio and text in one space (Wu et al. 2023), small at demo scale, LAION's published weights at full scale.

The small one is made of laion_clap's own classes: HTSAT on log-mels, and its causal transformer, fed with bytes, whose
state at the end token is the text's; so padding behind the end cannot be seen. `demo/train_clap.py` trains it.

Shape suffixes: B batch, S samples, F mel bands, N frames, L text positions, D features of the joint space.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from padstal.core.protocols import AudioTextEmbedder
from padstal.core.tensor_files import loads
from padstal.foundation.config import ClapShape
from padstal.foundation.laion_classes import build, small_htsat
from padstal.foundation.logmel import LogMel
from padstal.foundation.store import load_into, read_config

ROLE = "clap"
PADDING, END = 0, 257
"""Ids of text: 0 is padding, 1–256 a byte, 257 the end; CLAP takes the state at the highest id."""


@dataclass(frozen=True)
class SmallClap:
    """A frozen small CLAP; implements `protocols.AudioTextEmbedder`."""

    model: nn.Module
    mel: LogMel
    shape: ClapShape
    window_samples: int
    device: torch.device

    @property
    def sample_rate(self) -> int:
        return self.mel.sample_rate

    @property
    def window_seconds(self) -> float:
        return self.window_samples / self.mel.sample_rate

    @property
    def config(self) -> dict[str, Any]:
        """What `load` asks of a folder beside the weights."""
        return {
            "role": ROLE,
            "kind": "small",
            "shape": self.shape.model_dump(include=set(ClapShape.model_fields)),
            "sample_rate": self.sample_rate,
            "window_samples": self.window_samples,
        }

    @torch.no_grad()
    def embed_audio(self, audio_BS: np.ndarray, batch: int = 16) -> np.ndarray:
        """Unit embeddings [B, D] of mono float32 audio; audio shorter than a window is repeated to fill it.

        Raises:
            ValueError: Audio longer than a window; the caller cuts windows.
        """
        filled_BS = fill_window(audio_BS, self.window_samples)
        parts = [
            audio_features(self.model, self.mel.of(filled_BS[at : at + batch], device=self.device)).cpu()
            for at in range(0, len(filled_BS), batch)
        ]
        return torch.cat(parts).numpy() if parts else np.zeros((0, self.shape.embedding), np.float32)

    @torch.no_grad()
    def embed_text(self, texts: list[str], batch: int = 64) -> np.ndarray:
        """Unit embeddings [B, D]; a text longer than the tower's length is cut."""
        ids_BL = text_ids(texts, self.shape.text_length)
        parts = [text_features(self.model, ids.to(self.device)).cpu() for ids in ids_BL.split(batch) if len(ids)]
        return torch.cat(parts).numpy() if parts else np.zeros((0, self.shape.embedding), np.float32)

    def hears_whole(self, texts: list[str]) -> list[bool]:
        """Whether each text, with its end, is no longer than the tower."""
        return [len(text.lower().encode()) < self.shape.text_length for text in texts]


@loads("the folder of a CLAP")
def load(folder: Path, device: torch.device | str) -> AudioTextEmbedder:
    """The CLAP of a model folder: a small one or LAION's.

    Raises:
        FileNotFoundError: The folder lacks its weights or config.
        UntrustedFileError: Weights do not fit the config, or LAION's tokenizer is not RoBERTa's.
    """
    config = read_config(folder, ROLE)
    if config["kind"] == "laion":
        from padstal.foundation import laion

        return laion.load(folder, device)
    shape = ClapShape.model_validate(config["shape"])
    model = new(shape, int(config["sample_rate"]))
    load_into(model, folder, device)
    window = int(config["window_samples"])
    return SmallClap(model, log_mel(shape, int(config["sample_rate"]), window), shape, window, torch.device(device))


def new(shape: ClapShape, sample_rate: int) -> nn.Module:
    """An untrained small CLAP; random weights from torch's global generator."""
    audio = small_htsat(
        bands=shape.bands,
        sample_rate=sample_rate,
        image=shape.image,
        patch=shape.patch,
        width=shape.width,
        depths=shape.depths,
        heads=shape.heads,
    )
    text = {
        "context_length": shape.text_length,
        "vocab_size": END + 1,
        "width": shape.text_width,
        "heads": shape.text_heads,
        "layers": shape.text_layers,
        "model_type": "transformer",
    }
    audio_width = shape.width * 2 ** (len(shape.depths) - 1)
    return build(embedding=shape.embedding, audio=audio, audio_width=audio_width, text=text)


def audio_features(model: Any, mel_BFN: Tensor) -> Tensor:
    """Unit embeddings [B, D] of log-mels, as HTSAT's `forward` does after its own front end."""
    tower = model.audio_branch
    x_B1NF = tower.bn0(mel_BFN[..., None]).permute(0, 3, 2, 1)
    image_B1HW = tower.reshape_wav2img(x_B1NF)
    embedded = model.audio_projection(tower.forward_features(image_B1HW)["embedding"])
    return nn.functional.normalize(embedded.float(), dim=-1)


def text_features(model: Any, ids_BL: Tensor) -> Tensor:
    """Unit embeddings [B, D] of ids; positions behind the longest text of the batch are not computed."""
    end_B = ids_BL.argmax(dim=-1)
    length = int(end_B.max()) + 1
    x_BLD = model.token_embedding(ids_BL[:, :length]) + model.positional_embedding[:length]
    x_LBD = model.text_branch(x_BLD.transpose(0, 1), attn_mask=model.attn_mask[:length, :length])
    x_BLD = model.ln_final(x_LBD.transpose(0, 1))
    embedded = model.text_projection(x_BLD[torch.arange(len(ids_BL), device=ids_BL.device), end_B])
    return nn.functional.normalize(embedded.float(), dim=-1)


def text_ids(texts: list[str], length: int) -> Tensor:
    """Ids [B, length] (int64): bytes plus one, the end, padding; a longer text is cut before its end token."""
    ids_BL = torch.full((len(texts), length), PADDING, dtype=torch.int64)
    for row, text in enumerate(texts):
        body = list(text.lower().encode()[: length - 1])
        ids_BL[row, : len(body) + 1] = torch.tensor([byte + 1 for byte in body] + [END])
    return ids_BL


def fill_window(audio_BS: np.ndarray, samples: int) -> np.ndarray:
    """float32 audio of exactly `samples` samples: shorter clips are repeated.

    Raises:
        ValueError: Not two dimensions, empty, or longer than `samples`.
    """
    if audio_BS.ndim != 2 or not 0 < audio_BS.shape[1] <= samples:
        raise ValueError(f"audio has shape {audio_BS.shape}: expected [clips, 1 to {samples} samples], one window each")
    repeats = -(-samples // audio_BS.shape[1])
    return np.tile(audio_BS, (1, repeats))[:, :samples].astype(np.float32, copy=False)


def log_mel(shape: ClapShape, sample_rate: int, window_samples: int) -> LogMel:
    """The front end whose frames of a window fill HTSAT's image."""
    hop = window_samples // shape.frames
    if hop * shape.frames != window_samples:
        raise ValueError(f"a window of {window_samples} samples is no multiple of {shape.frames} frames")
    return LogMel(sample_rate, bands=shape.bands, window=4 * hop, hop=hop)
