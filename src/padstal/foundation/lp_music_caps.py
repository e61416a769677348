"""LP-MusicCaps (Doh et al. 2023), the captioner that QA-MDT 4.3 takes: its `transfer` model, a BART that reads audio.

10 s at 16 kHz become log-mels, six convolutions make 32 vectors of them, and BART's encoder and decoder write a
caption: beam 5, at most 128 tokens. As published, the spectrum's *real part* alone is squared:

    (1)  E[m, t] = 10·log10(max(Σ_f M[m, f]·(Re STFT(x)[f, t])², 10⁻¹⁰))

The published pickle is checked by sha256, read by torch's restricted unpickler and kept as safetensors. Its captions
are CC-BY-NC, whatever the music's licence.

Shape suffixes: B batch, S samples, F mel bands, N frames, L positions, D features.
"""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from padstal.core.tensor_files import load_state, loads
from padstal.core.untrusted import expecting
from padstal.foundation.bpe_tokenizer import load_tokenizer
from padstal.foundation.fetch import PinnedFiles, fetch
from padstal.foundation.store import load_into, read_config, read_tensors, save

ROLE = "captioner"
KIND = "lp_music_caps"
SAMPLE_RATE = 16_000
WINDOW_SAMPLES = 160_000
FOURIER_WINDOW, HOP = 1024, 160
FLOOR_POWER = 1e-10
BEAMS, MAX_TOKENS, MIN_TOKENS = 5, 128, 2
HEAD_WIDTH = 64
TOKENIZER = "tokenizer"
"""Sub-folder of BART's `vocab.json` and `merges.txt`."""
START, PADDING, END = 0, 1, 2
"""BART's token ids; its decoder begins with the end."""


@dataclass(frozen=True)
class Shape:
    """Sizes of the model, as its tensors have them.

    Attributes:
        bands: F, mel bands.
        strides: Convolutions of stride 2 after the first one.
        positions: L, vectors that BART's encoder reads.
        width: D, features of BART and channels of the convolutions.
        encoder_layers, decoder_layers: Its layers.
        feed_forward: Its hidden features.
        text_positions: Longest text it can address.
        vocabulary: Its token ids.
    """

    bands: int
    strides: int
    positions: int
    width: int
    encoder_layers: int
    decoder_layers: int
    feed_forward: int
    text_positions: int
    vocabulary: int


@dataclass(frozen=True)
class LpMusicCaps:
    """The frozen captioner; implements `protocols.Captioner`."""

    model: Any
    tokenizer: Any
    device: torch.device
    licence: str
    sample_rate: int = SAMPLE_RATE

    @torch.no_grad()
    def caption(self, audio_BS: np.ndarray, batch: int = 16) -> list[str]:
        """One caption a clip, from its middle 10 s; shorter audio is followed by silence, as published."""
        filled_BS = middle(audio_BS, WINDOW_SAMPLES)
        captions: list[str] = []
        for at in range(0, len(filled_BS), batch):
            heard_BLD = self.model.audio_encoder(torch.from_numpy(filled_BS[at : at + batch]).to(self.device))
            ids = self.model.bart.generate(
                inputs_embeds=heard_BLD,
                attention_mask=torch.ones(heard_BLD.shape[:2], dtype=torch.int64, device=self.device),
                generation_config=_generation(),
            )
            captions += self.tokenizer.batch_decode(ids, skip_special_tokens=True)
        return [" ".join(caption.split()) for caption in captions]


class AudioEncoder(nn.Module):
    """Audio [B, S] → vectors [B, L, D] that stand where BART's encoder has word embeddings."""

    positional_embedding: Tensor

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.mel_encoder = MelEncoder(shape.bands)
        self.conv1 = nn.Conv1d(shape.bands, shape.width, kernel_size=3, padding=1)
        self.conv_stack = nn.ModuleList(
            nn.Conv1d(shape.width, shape.width, kernel_size=3, stride=2, padding=1) for _ in range(shape.strides)
        )
        self.register_buffer("positional_embedding", torch.zeros(shape.positions, shape.width))

    def forward(self, audio_BS: Tensor) -> Tensor:
        x_BDN = nn.functional.gelu(self.conv1(self.mel_encoder(audio_BS)))
        for convolution in self.conv_stack:
            x_BDN = nn.functional.gelu(convolution(x_BDN))
        x_BLD: Tensor = x_BDN.transpose(1, 2) + self.positional_embedding
        return x_BLD


class MelEncoder(nn.Module):
    """Log-mels [B, F, N] of audio [B, S] (1); window and filters come with the checkpoint."""

    def __init__(self, bands: int) -> None:
        super().__init__()
        self.spec_fn, self.mel_scale = nn.Module(), nn.Module()
        self.spec_fn.register_buffer("window", torch.zeros(FOURIER_WINDOW))
        self.mel_scale.register_buffer("fb", torch.zeros(FOURIER_WINDOW // 2 + 1, bands))

    def forward(self, audio_BS: Tensor) -> Tensor:
        window: Any = self.spec_fn.window
        filters_KF: Any = self.mel_scale.fb
        spectrum_BKN = torch.stft(
            audio_BS, FOURIER_WINDOW, HOP, window=window, center=True, pad_mode="reflect", return_complex=True
        )
        power_BNF = spectrum_BKN.real.square().transpose(1, 2) @ filters_KF
        decibels_BNF: Tensor = 10.0 * torch.log10(power_BNF.clamp_min(FLOOR_POWER))  # (1)
        return decibels_BNF.transpose(1, 2)


def new(shape: Shape) -> nn.Module:
    """The model of `shape` with random weights, named as in the published checkpoint."""
    from transformers import BartConfig, BartForConditionalGeneration

    heads = max(1, shape.width // HEAD_WIDTH)
    model = nn.Module()
    model.audio_encoder = AudioEncoder(shape)
    model.bart = BartForConditionalGeneration(
        BartConfig(
            vocab_size=shape.vocabulary,
            d_model=shape.width,
            encoder_layers=shape.encoder_layers,
            decoder_layers=shape.decoder_layers,
            encoder_attention_heads=heads,
            decoder_attention_heads=heads,
            encoder_ffn_dim=shape.feed_forward,
            decoder_ffn_dim=shape.feed_forward,
            max_position_embeddings=shape.text_positions,
            scale_embedding=False,
            bos_token_id=START,
            pad_token_id=PADDING,
            eos_token_id=END,
            decoder_start_token_id=END,
            forced_eos_token_id=None,  # `_generation` says it
        )
    )
    return model


def convert(weights: PinnedFiles, tokenizer: PinnedFiles, licence: str, folder: Path) -> None:
    """Fetch the published checkpoint and BART's vocabulary into `folder`: safetensors, tokenizer files, config.

    Args:
        weights: One checkpoint, `transfer.pth`.
        tokenizer: `vocab.json` and `merges.txt` of bart-base.
        licence: Of the weights and of the captions that they write.
        folder: Model folder to fill.

    Raises:
        FetchError, UntrustedFileError: See `fetch`, `store.read_tensors` and `load_tokenizer`.
    """
    import shutil

    raw = folder / "raw"
    ((name, sha256),) = weights.sha256.items()
    path = fetch(weights, raw)[name]
    tensors = read_tensors(path, sha256)
    shape = shape_of(tensors, path)
    fetch(tokenizer, folder / TOKENIZER)
    load_tokenizer("BartTokenizer", folder / TOKENIZER, shape.vocabulary, ROLE)
    model = new(shape)
    load_state(model, tensors, path, "a checkpoint of LP-MusicCaps")
    config = {
        "role": ROLE,
        "kind": KIND,
        "origin": f"{weights.origin}/{name}",
        "licence": licence,
        "sample_rate": SAMPLE_RATE,
        "shape": asdict(shape),
    }
    save(folder, model, config)
    shutil.rmtree(raw)


def shape_of(tensors: dict[str, Tensor], path: Path) -> Shape:
    """Sizes of the model, read off a checkpoint's tensors.

    Raises:
        UntrustedFileError: Tensors that only LP-MusicCaps has are missing.
    """
    with expecting("a checkpoint of LP-MusicCaps", path):
        layers = {
            side: len({name.split(".")[4] for name in tensors if name.startswith(f"bart.model.{side}.layers.")})
            for side in ("encoder", "decoder")
        }
        _, bands, _ = tensors["audio_encoder.conv1.weight"].shape
        positions, width = tensors["audio_encoder.positional_embedding"].shape
        return Shape(
            bands=bands,
            strides=len([name for name in tensors if name.startswith("audio_encoder.conv_stack.")]) // 2,
            positions=positions,
            width=width,
            encoder_layers=layers["encoder"],
            decoder_layers=layers["decoder"],
            feed_forward=tensors["bart.model.encoder.layers.0.fc1.weight"].shape[0],
            text_positions=tensors["bart.model.decoder.embed_positions.weight"].shape[0] - 2,
            vocabulary=tensors["bart.model.shared.weight"].shape[0],
        )


@loads("the folder of LP-MusicCaps")
def load(folder: Path, device: torch.device | str) -> LpMusicCaps:
    """The captioner of a model folder that `convert` filled.

    Raises:
        FileNotFoundError, UntrustedFileError: See `store` and `load_tokenizer`.
    """
    config = read_config(folder, ROLE)
    shape = Shape(**config["shape"])
    tokenizer = load_tokenizer("BartTokenizer", folder / TOKENIZER, shape.vocabulary, ROLE)
    model = load_into(new(shape), folder, device)
    return LpMusicCaps(model, tokenizer, torch.device(device), str(config["licence"]))


def middle(audio_BS: np.ndarray, samples: int) -> np.ndarray:
    """The middle `samples` samples [B, samples] (float32) of each clip; shorter clips are followed by zeros."""
    length = audio_BS.shape[1]
    start = max(0, (length - samples) // 2)
    cut_BS = audio_BS[:, start : start + samples].astype(np.float32)
    return np.pad(cut_BS, ((0, 0), (0, samples - cut_BS.shape[1])))


def _generation() -> Any:
    """Beam search as the published code runs it; what it leaves to bart-base's config is written out."""
    from transformers import GenerationConfig

    return GenerationConfig(
        num_beams=BEAMS,
        max_length=MAX_TOKENS,
        min_length=MIN_TOKENS,
        do_sample=False,
        early_stopping=True,
        no_repeat_ngram_size=3,
        bos_token_id=START,
        pad_token_id=PADDING,
        eos_token_id=END,
        decoder_start_token_id=END,
        forced_bos_token_id=START,
        forced_eos_token_id=END,
    )
