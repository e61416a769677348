"""The field's embedders: published networks that distances between sets, KL and the inception score are taken of.

    kind     network           hears                gives
    passt    PaSST             mono, 32 kHz         posterior over AudioSet's 527 classes
    panns    PANNs' Cnn14      mono, 32 kHz         the same
    openl3   OpenL3, mel256    channels, 48 kHz     512 features a channel, two windows a second
    vggish   VGGish            mono, 16 kHz         128 features every 0.96 s

A checkpoint is read as published: fetched, checked by sha256, tensors only; its sizes are read off the tensors.
"""

from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from padstal.core.tensor_files import load_state
from padstal.core.untrusted import expecting
from padstal.foundation.config import PublishedEmbedder
from padstal.foundation.fetch import fetch
from padstal.foundation.store import read_tensors


@dataclass(frozen=True)
class NetworkEmbedder:
    """A frozen network and its front end; implements `protocols.AudioEmbedder`.

    Attributes:
        network: Audio [B, C, S] → features [B, W, D].
        sample_rate: Hz.
        reads_channels: Whether C may be more than 1.
        device: Where it computes.
    """

    network: Any
    sample_rate: int
    reads_channels: bool
    device: torch.device

    @torch.no_grad()
    def embed(self, audio_BCS: np.ndarray, batch: int = 8) -> np.ndarray:
        """Features [B, W, D] (float32) of float32 audio; a clip's do not depend on its neighbours.

        Raises:
            ValueError: Not three dimensions, more channels than it hears, or shorter than its first window.
        """
        least, most = self.network.least_samples, "any number of" if self.reads_channels else 1
        mixed = audio_BCS.ndim == 3 and (self.reads_channels or audio_BCS.shape[1] == 1)
        if not mixed or audio_BCS.shape[2] < least:
            raise ValueError(
                f"audio has shape {audio_BCS.shape}: expected [clips, channels, samples], {most} channels, at least "
                f"{least} samples ({least / self.sample_rate:.2f} s)"
            )
        parts = []
        for at in range(0, len(audio_BCS), batch):
            some_BCS = torch.from_numpy(np.ascontiguousarray(audio_BCS[at : at + batch], dtype=np.float32))
            parts.append(self.network(some_BCS.to(self.device)).float().cpu().numpy())
        return np.concatenate(parts)


def load(published: PublishedEmbedder, folder: Path, device: torch.device | str) -> NetworkEmbedder:
    """Fetch the checkpoint into `folder`, check it, and load it.

    Raises:
        FetchError, UntrustedFileError: See `fetch` and `store.read_tensors`; or its tensors are not the network's.
    """
    module = import_module(f"padstal.foundation.{published.kind}")
    ((name, sha256),) = published.weights.sha256.items()
    path = fetch(published.weights, folder)[name]
    tensors = {
        key: tensor.float() if tensor.is_floating_point() else tensor
        for key, tensor in read_tensors(path, sha256).items()
        if not key.startswith(module.LEFT_BEHIND)
    }
    with expecting(f"a checkpoint of {module.NETWORK.__name__}", path):
        network: nn.Module = module.NETWORK(**module.arguments(tensors))
    load_state(network, tensors, path, f"a checkpoint of {module.NETWORK.__name__}")
    network = network.to(device).eval().requires_grad_(False)
    return NetworkEmbedder(network, module.SAMPLE_RATE, module.READS_CHANNELS, torch.device(device))
