"""A tiny LP-MusicCaps of random weights, written in the published form."""

import json
from pathlib import Path
from typing import Any

import torch

from padstal.foundation import lp_music_caps

CHECKPOINT = "transfer.pth"
VOCABULARY = 300
SHAPE = lp_music_caps.Shape(
    bands=128, strides=5, positions=32, width=64, encoder_layers=1, decoder_layers=1,
    feed_forward=32, text_positions=140, vocabulary=VOCABULARY,
)  # fmt: skip


def write_tokenizer(folder: Path, ids: int = VOCABULARY) -> None:
    """BART's two files: byte letters, special tokens, and made-up words up to `ids` entries."""
    from transformers.convert_slow_tokenizer import bytes_to_unicode

    folder.mkdir(parents=True, exist_ok=True)
    words = ["<s>", "<pad>", "</s>", "<unk>", *bytes_to_unicode().values()]
    words += [f"Ġmade{number}" for number in range(ids - len(words) - 1)] + ["<mask>"]
    (folder / "vocab.json").write_text(json.dumps({word: number for number, word in enumerate(words)}), "utf-8")
    (folder / "merges.txt").write_text("#version: 0.2\n", "utf-8")


def random_model(seed: int = 0) -> Any:
    """As published: torchaudio's window and filters, sinusoids at positions, weights apart enough to tell clips."""
    import torchaudio

    torch.manual_seed(seed)
    model = lp_music_caps.new(SHAPE).eval()
    for parameter in model.parameters():
        parameter.data.mul_(4)
    with torch.no_grad():
        model.audio_encoder.mel_encoder.spec_fn.window.copy_(torch.hann_window(1024))
        filters = torchaudio.functional.melscale_fbanks(513, 0.0, 8000.0, 128, 16_000)
        model.audio_encoder.mel_encoder.mel_scale.fb.copy_(filters)
        model.audio_encoder.positional_embedding.normal_(std=0.1)
    return model


def write_published(source: Path) -> Any:
    """Fill a folder as LP-MusicCaps' authors do; the model."""
    write_tokenizer(source)
    model = random_model()
    state = {f"module.{name}": value for name, value in model.state_dict().items()}
    torch.save({"epoch": 20, "state_dict": state, "optimizer": {"state": {}, "param_groups": []}}, source / CHECKPOINT)
    return model
