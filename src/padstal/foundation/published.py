"""Published foundation models: fetched, checked, converted to safetensors, and loaded once to see that they can be."""

from pathlib import Path
from typing import Any

import torch

from padstal.foundation.config import (
    Published,
    PublishedCaptioner,
    PublishedClap,
    PublishedDac,
    PublishedMelCodec,
    PublishedPmos,
    PublishedTextEncoder,
)


def convert(section: Published, folder: Path, device: torch.device) -> dict[str, Any]:
    """Fill a model folder with the published model of `section`; what a report says of it.

    Raises:
        FetchError, UntrustedFileError: A file cannot be had, or is not what it should be.
    """
    match section:
        case PublishedClap(weights=weights, tokenizer=tokenizer):
            from padstal.foundation import laion

            laion.convert(weights, tokenizer, folder)
            clap = laion.load(folder, device)
            return {"window_seconds": clap.window_seconds, "sample_rate": clap.sample_rate}
        case PublishedPmos(weights=weights):
            from padstal.foundation import wav2vec2

            wav2vec2.convert(weights, folder)
            return {"members": len(weights.sha256), "sample_rate": wav2vec2.load(folder, device).sample_rate}
        case PublishedCaptioner(weights=weights, tokenizer=tokenizer, licence=licence):
            from padstal.foundation import lp_music_caps

            lp_music_caps.convert(weights, tokenizer, licence, folder)
            captioner = lp_music_caps.load(folder, device)
            return {"sample_rate": captioner.sample_rate, "licence": captioner.licence}
        case PublishedTextEncoder(weights=weights, tokenizer=tokenizer, max_length=max_length):
            from padstal.foundation import text_encoder

            text_encoder.convert(weights, tokenizer, max_length, folder)
            encoder = text_encoder.load(folder, device)
            return {"vocabulary": encoder.vocabulary, "width": encoder.width}
        case PublishedMelCodec(weights=weights, clip_seconds=clip_seconds):
            from padstal.foundation import audioldm, mel_codec

            audioldm.convert(weights, clip_seconds, folder)
            form = mel_codec.load(folder, device).form
            return {"sample_rate": form.sample_rate, "latent_channels": form.latent_channels}
        case PublishedDac(weights=weights, clip_seconds=clip_seconds):
            from padstal.foundation import dac

            dac.convert(weights, section, clip_seconds, folder)
            model = dac.load(folder, device).model
            return {"sample_rate": model.sample_rate, "codebooks": model.n_codebooks}
