"""Decoding of long latents in chunks: memory is that of one chunk, and no sample hears a cut.

A convolutional decoder makes a sample of the R latent frames on either side of its own, its reach. So a chunk is
decoded with R frames more on either side, where there are any, and what these make is dropped.

Shape suffixes: B batch, C audio channels, S samples, E channels that the decoder reads, T latent frames.
"""

from collections.abc import Callable, Iterator

import torch
from torch import nn

from padstal.nn.spectral import SpectralDecoder

CHUNK = 512
"""Latent frames decoded at once: 24 s of Stable Audio Open's autoencoder, 6 s of the Descript Audio Codec."""


def decode_in_chunks(
    decoder: Callable[[torch.Tensor], torch.Tensor], latent_BET: torch.Tensor, *, ratio: int, reach: int, chunk: int
) -> torch.Tensor:
    """Audio [B, C, T · `ratio`], what `decoder` makes of the whole latent in one pass; at most `chunk` frames: in one.

    Args:
        decoder: Latent [B, E, T] → audio [B, C, T · ratio].
        latent_BET: Of any number of frames.
        ratio: Samples of a frame.
        reach: R, of `reach_of`.
        chunk: Frames decoded at once, without those beside.
    """
    frames = latent_BET.shape[-1]

    def parts() -> Iterator[torch.Tensor]:
        for start in range(0, frames, chunk):
            stop, first = min(start + chunk, frames), max(start - reach, 0)
            yield decoder(latent_BET[..., first : stop + reach])[..., (start - first) * ratio : (stop - first) * ratio]

    return torch.cat(list(parts()), dim=-1)


def reach_of(decoder: nn.Module) -> int:
    """Latent frames on either side of its own that a decoded sample depends on, at most: 10 of the published DAC."""
    steps = decoder.window_W.numel() // decoder.hop if isinstance(decoder, SpectralDecoder) else 0
    for layer in reversed(list(decoder.modules())):
        if isinstance(layer, nn.ConvTranspose1d):  # its kernel is two strides long: a neighbour on one side
            steps = -(-steps // layer.stride[0]) + 1
        elif isinstance(layer, nn.Conv1d):
            steps += layer.dilation[0] * (layer.kernel_size[0] - 1) // 2
    return steps
