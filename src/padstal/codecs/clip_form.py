"""Decoded audio in the form of the clips, whatever rate its codec works at, so that all that is heard is alike."""

import numpy as np
import torch
from torch.nn import functional

from padstal.codecs.latents.store import LatentConfig


def in_clip_form(audio_BCS: torch.Tensor, latents: LatentConfig, samples: int | None = None) -> torch.Tensor:
    """Audio [B, C, S] of the codec's rate at the clips' rate, and of exactly their length, or of S = `samples`."""
    if latents.clip_rate != latents.sample_rate:
        from padstal.ingest.resample import resample

        clips = [resample(clip_CS.T, latents.sample_rate, latents.clip_rate).T for clip_CS in audio_BCS.cpu().numpy()]
        audio_BCS = torch.from_numpy(np.stack(clips)).to(audio_BCS.device)
    return functional.pad(audio_BCS, (0, (samples or latents.clip_samples) - audio_BCS.shape[-1]))
