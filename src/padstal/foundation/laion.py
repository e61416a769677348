"""LAION's published CLAP (Wu et al. 2023): HTSAT and RoBERTa at 48 kHz, 10 s windows, `enable_fusion=False`.

PADS-TAL measures CLAP-f with `music_audioset_epoch_15_esc_90.14.pt`. laion_clap's own loader unpickles anything; here
the file is checked by sha256, read by torch's restricted unpickler, and kept as safetensors. No crop is random.

Shape suffixes: B batch, S samples, D features of the joint space.
"""

import warnings
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from padstal.core.tensor_files import load_state, loads
from padstal.core.untrusted import expecting
from padstal.foundation.bpe_tokenizer import load_tokenizer
from padstal.foundation.fetch import PinnedFiles, fetch
from padstal.foundation.laion_classes import build, clap_module
from padstal.foundation.store import load_into, read_config, read_tensors, save

ROLE = "clap"
SAMPLE_RATE = 48_000
WINDOW_SAMPLES = 480_000
TEXT_LENGTH = 77
ROBERTA_VOCABULARY = 50_265
EMBEDDING = 512
TOKENIZER = "tokenizer"
"""Sub-folder of RoBERTa's `vocab.json` and `merges.txt`."""
HTSAT_SIZES = {96: ("tiny", 768), 128: ("base", 1024), 256: ("large", 2048)}
"""Features of a patch → laion_clap's name of the size, and the width of its embedding."""
POSITION_IDS = "text_branch.embeddings.position_ids"
"""A buffer of older transformers; today's RoBERTa has none."""


@dataclass(frozen=True)
class LaionClap:
    """LAION's CLAP, frozen; implements `protocols.AudioTextEmbedder`."""

    model: Any
    tokenizer: Any
    device: torch.device
    sample_rate: int = SAMPLE_RATE
    window_seconds: float = WINDOW_SAMPLES / SAMPLE_RATE

    @torch.no_grad()
    def embed_audio(self, audio_BS: np.ndarray, batch: int = 16) -> np.ndarray:
        """Unit embeddings [B, 512] of mono audio at 48 kHz, one window a row; shorter audio is repeated, then padded.

        Raises:
            ValueError: Audio longer than 10 s; the caller cuts windows.
        """
        filled_BS = repeat_pad(int16_round_trip(audio_BS), WINDOW_SAMPLES)
        parts = []
        for at in range(0, len(filled_BS), batch):
            waveform_BS = torch.from_numpy(filled_BS[at : at + batch]).to(self.device)
            heard = self.model.audio_branch({"waveform": waveform_BS}, device=self.device)["embedding"]
            parts.append(nn.functional.normalize(self.model.audio_projection(heard), dim=-1).float().cpu())
        return torch.cat(parts).numpy() if parts else np.zeros((0, EMBEDDING), np.float32)

    @torch.no_grad()
    def embed_text(self, texts: list[str], batch: int = 64) -> np.ndarray:
        """Unit embeddings [B, 512]; a text is cut to 77 tokens, as in training."""
        parts = []
        for at in range(0, len(texts), batch):
            tokens = self.tokenizer(
                list(texts[at : at + batch]),
                padding="max_length",
                truncation=True,
                max_length=TEXT_LENGTH,
                return_tensors="pt",
            )
            parts.append(self.model.get_text_embedding(dict(tokens)).float().cpu())
        return torch.cat(parts).numpy() if parts else np.zeros((0, EMBEDDING), np.float32)

    def hears_whole(self, texts: list[str]) -> list[bool]:
        """Whether each text has at most 77 tokens, start and end counted."""
        return [len(self.tokenizer(text)["input_ids"]) <= TEXT_LENGTH for text in texts]


def int16_round_trip(audio_BS: np.ndarray) -> np.ndarray:
    """Audio as 16 bits hold it, as LAION's front end has it: clip to [−1, 1], times 32767, toward zero, and back."""
    return (np.clip(audio_BS, -1.0, 1.0) * 32767.0).astype(np.int16).astype(np.float32) / np.float32(32767.0)


def repeat_pad(audio_BS: np.ndarray, samples: int) -> np.ndarray:
    """Audio of exactly `samples` samples: repeated as often as it fits whole, then zeros.

    Raises:
        ValueError: Not two dimensions, empty, or longer than `samples`.
    """
    if audio_BS.ndim != 2 or not 0 < audio_BS.shape[1] <= samples:
        raise ValueError(f"audio has shape {audio_BS.shape}: expected [clips, 1 to {samples} samples], one window each")
    tiled_BS = np.tile(audio_BS, (1, samples // audio_BS.shape[1]))
    return np.pad(tiled_BS, ((0, 0), (0, samples - tiled_BS.shape[1])))


def convert(weights: PinnedFiles, tokenizer: PinnedFiles, folder: Path) -> None:
    """Fetch LAION's checkpoint and RoBERTa's vocabulary into `folder`: safetensors, tokenizer files, config.

    Args:
        weights: One checkpoint of laion_clap.
        tokenizer: `vocab.json` and `merges.txt` of roberta-base.
        folder: Model folder to fill.

    Raises:
        FetchError, UntrustedFileError: See `fetch`, `store.read_tensors` and `load_tokenizer`.
    """
    import shutil

    fetch(tokenizer, folder / TOKENIZER)
    load_tokenizer("RobertaTokenizer", folder / TOKENIZER, ROBERTA_VOCABULARY, ROLE)
    raw = folder / "raw"
    ((name, sha256),) = weights.sha256.items()
    path = fetch(weights, raw)[name]
    tensors = read_tensors(path, sha256)
    tensors.pop(POSITION_IDS, None)
    architecture = architecture_of(tensors, path)
    model = new(architecture)
    load_state(model, tensors, path, "a checkpoint of laion_clap")
    config = {
        "role": ROLE,
        "kind": "laion",
        "origin": f"{weights.origin}/{name}",
        "sample_rate": SAMPLE_RATE,
        "window_samples": WINDOW_SAMPLES,
        "architecture": architecture,
    }
    save(folder, model, config)
    shutil.rmtree(raw)


def architecture_of(tensors: dict[str, Tensor], path: Path) -> dict[str, Any]:
    """Sizes of both towers, read off a checkpoint's tensors.

    Raises:
        UntrustedFileError: Tensors that only laion_clap has are missing.
    """
    with expecting("a checkpoint of laion_clap with HTSAT and RoBERTa", path):
        patch = tensors["audio_branch.patch_embed.proj.weight"].shape[0]
        vocabulary, width = tensors["text_branch.embeddings.word_embeddings.weight"].shape
        positions = tensors["text_branch.embeddings.position_embeddings.weight"].shape[0]
        hidden = tensors["text_branch.encoder.layer.0.intermediate.dense.weight"].shape[0]
        size, _ = HTSAT_SIZES[patch]
        layers = {name.split(".")[3] for name in tensors if name.startswith("text_branch.encoder.layer.")}
    return {
        "htsat": size,
        "patch_width": patch,
        "vocabulary": vocabulary,
        "text_width": width,
        "text_layers": len(layers),
        "text_hidden": hidden,
        "text_positions": positions,
    }


def new(architecture: dict[str, Any]) -> nn.Module:
    """laion_clap's CLAP of an architecture, random weights; no download."""
    from transformers import RobertaConfig, RobertaModel

    module = clap_module()
    size, width = HTSAT_SIZES[architecture["patch_width"]]
    config = SimpleNamespace(
        model_name=size,
        mel_bins=64,
        sample_rate=SAMPLE_RATE,
        window_size=1024,
        hop_size=480,
        fmin=50,
        fmax=14000,
        class_num=527,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        htsat = module.create_htsat_model(config, False, "None")
    roberta = RobertaModel(
        RobertaConfig(
            vocab_size=architecture["vocabulary"],
            hidden_size=architecture["text_width"],
            num_hidden_layers=architecture["text_layers"],
            num_attention_heads=architecture["text_width"] // 64,
            intermediate_size=architecture["text_hidden"],
            max_position_embeddings=architecture["text_positions"],
            type_vocab_size=1,
            layer_norm_eps=1e-5,
            pad_token_id=1,
        )
    )
    text = {"context_length": TEXT_LENGTH, "vocab_size": 49408, "width": 512, "heads": 8, "layers": 12}
    return build(
        embedding=EMBEDDING,
        audio=htsat,
        audio_width=width,
        text={**text, "model_type": "roberta"},
        text_tower=roberta,
    )


@loads("the folder of LAION's CLAP")
def load(folder: Path, device: torch.device | str) -> LaionClap:
    """LAION's CLAP of a model folder that `convert` filled.

    Raises:
        FileNotFoundError, UntrustedFileError: See `store` and `load_tokenizer`.
    """
    config = read_config(folder, ROLE)
    tokenizer = load_tokenizer("RobertaTokenizer", folder / TOKENIZER, ROBERTA_VOCABULARY, ROLE)
    model = load_into(new(config["architecture"]), folder, device)
    return LaionClap(model, tokenizer, torch.device(device))
