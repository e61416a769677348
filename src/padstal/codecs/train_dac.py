"""Training of the small Descript Audio Codec on clips of the composer, sound ones and degraded ones.

For a crop x, x̂ its reconstruction from a random number of codebooks, X̂_i and X_i as in `codecs/dac.py`:

    L = w_mel Σ_w mean |log₁₀ M_w(x̂) − log₁₀ M_w(x)| + w_stft L_mrstft(x̂, x)
        + w_commitment Σ_i mean (X̂_i − sg(X_i))² + w_codebook Σ_i mean (sg(X̂_i) − X_i)²                             (1)

M_w are mel magnitudes of window w with 5 bands for 32 samples of it, as DAC's. There is no adversary. An entry that no
crop asked for in `REVIVE_EVERY` steps is put where a crop is (Dhariwal et al. 2020): small codebooks collapse without.

Shape suffixes: B batch, C = 1 audio channel, S samples, N codebooks, T latent frames.
"""

import math
from typing import Any

import numpy as np
import torch

from padstal.codecs.dac import FrozenDac
from padstal.codecs.mrstft import MultiResolutionStft
from padstal.codecs.reconstruction import held_out_quality, quality
from padstal.demo.config import TrainedDac
from padstal.demo.fit import Progress, fit, seeded
from padstal.foundation.dac import build
from padstal.nn.vocoder_mel import vocoder_mel

REVIVE_EVERY = 20
DEBUG = []
"""Steps."""
CHUNK = 8
"""Clips encoded at once."""


def train(
    audio_BS: np.ndarray,
    section: TrainedDac,
    *,
    sample_rate: int,
    device: torch.device,
    progress: Progress | None = None,
) -> tuple[Any, list[float]]:
    """Train a DAC on clips.

    Returns:
        The `dac.DAC`, and the loss (1) of every step.

    Raises:
        ValueError: A clip is shorter than a crop.
    """
    length = section.crop_frames * math.prod(section.encoder_rates)
    samples = audio_BS.shape[1]
    if samples < length:
        raise ValueError(
            f"clips of {samples} samples: expected at least the {length} of crop_frames = {section.crop_frames}"
        )
    audio = torch.from_numpy(np.ascontiguousarray(audio_BS, dtype=np.float32))
    with seeded(section.fit.seed):
        model = build(section, sample_rate, section.quantizer_dropout).to(device)
        stft = MultiResolutionStft(section.fft_sizes, 1, a_weighting=False, sample_rate=sample_rate).to(device)
        uses = [torch.zeros(section.codebook_size, device=device) for _ in range(section.n_codebooks)]
        steps = 0

        def crops_of(rows: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
            starts = torch.randint(0, samples - length + 1, rows.shape, generator=generator)
            crops = zip(rows.tolist(), starts.tolist(), strict=True)
            return torch.stack([audio[row, at : at + length] for row, at in crops])[:, None].to(device)

        def mel_distance(ours_BS: torch.Tensor, true_BS: torch.Tensor) -> torch.Tensor:
            distances = []
            for window in section.fft_sizes:
                form = (sample_rate, window, window // 4, max(5 * window // 32, 1))
                ours, true = vocoder_mel(ours_BS, *form), vocoder_mel(true_BS, *form)
                distances.append((ours - true).abs().mean() / math.log(10))
            return torch.stack(distances).sum()

        def loss_of(rows: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
            nonlocal steps
            true_BCS = crops_of(rows, generator)
            if not steps:
                settle(model, true_BCS, generator)
            z, codes_BNT, latent_BDT, commitment, codebook = model.encode(true_BCS)
            ours_BCS = model.decode(z)
            steps += 1
            DEBUG.append((float(commitment), float(z.std()), float(latent_BDT.std()), float(ours_BCS.std())))
            for number, use in enumerate(uses):
                use += codes_BNT[:, number].flatten().bincount(minlength=len(use))
            if steps % REVIVE_EVERY == 0:
                revive(model, latent_BDT.detach(), uses, generator)
            return (
                section.mel * mel_distance(ours_BCS[:, 0], true_BCS[:, 0])
                + section.mrstft * stft(ours_BCS, stft.target(true_BCS))
                + section.commitment * commitment
                + section.codebook * codebook
            )  # (1)

        losses = fit(model, loss_of, len(audio), section.fit, progress=progress)
    return model, losses


@torch.no_grad()
def settle(model: Any, audio_BCS: torch.Tensor, generator: torch.Generator) -> None:
    """Begin where quantisation works: embeddings of zero mean and unit variance, Q_i = P_iᵀ with orthonormal rows, and
    all entries where latents X̂ of a batch are, codebook by codebook, since each sees what those before it left.

    As torch initialises them, embeddings are a hundredth of the projections' biases, and all fall on one entry.
    """
    last, embedding_BET = model.encoder.block[-1], model.encoder(audio_BCS)
    scale = 1 / embedding_BET.std()
    last.weight_g.mul_(scale)
    last.bias.sub_(embedding_BET.mean(dim=(0, 2))).mul_(scale)
    for number, quantizer in enumerate(model.quantizer.quantizers):
        for projection in (quantizer.in_proj, quantizer.out_proj):
            torch.nn.init.zeros_(projection.bias)
        rows = torch.nn.init.orthogonal_(quantizer.in_proj.weight_v[..., 0].clone())[..., None]
        for projection, weight in ((quantizer.in_proj, rows), (quantizer.out_proj, rows.transpose(0, 1))):
            projection.weight_v.copy_(weight)
            projection.weight_g.copy_(weight.norm(dim=(1, 2), keepdim=True))
        uses = [torch.full((model.codebook_size,), float(other != number)) for other in range(model.n_codebooks)]
        revive(model, model.encode(audio_BCS)[2], uses, generator)


@torch.no_grad()
def revive(model: Any, latent_BDT: torch.Tensor, uses: list[torch.Tensor], generator: torch.Generator) -> None:
    """Put each entry that nothing asked for where a latent X̂ is; counting begins anew.

    Args:
        model: `dac.DAC`, changed in place.
        latent_BDT: X̂ of a batch.
        uses: How often each entry of each codebook was asked for, [entries] a codebook; set to zero.
        generator: Draws the latents.
    """
    parts = latent_BDT.split(model.codebook_dim, dim=1)
    for quantizer, part, use in zip(model.quantizer.quantizers, parts, uses, strict=True):
        dead = (use == 0).nonzero()[:, 0]
        places = part.transpose(1, 2).flatten(0, 1)
        drawn = torch.randint(0, len(places), dead.shape, generator=generator).to(places.device)
        quantizer.codebook.weight[dead] = places[drawn]
        use.zero_()


def held_out(codec: FrozenDac, train_BS: np.ndarray, test_BS: np.ndarray, device: torch.device) -> dict[str, float]:
    """Reconstruction of held-out clips from all codebooks, and from the first alone; use of each codebook.

    `perplexity_codebook_i` is e to the entropy of its entries' shares, `used_codebook_i` the share of them that is
    asked for at all.
    """
    test_BCS = torch.from_numpy(test_BS)[:, None]
    first = codec.channel_groups["codebook_1"][1]
    whole, primary, codes = [], [], []
    for part in test_BCS.split(CHUNK):
        latent, _ = codec.encode(part.to(device), None)
        whole.append(codec.decode(latent).cpu())
        primary.append(codec.decode(latent[:, :first]).cpu())
        codes.append(codec.codes(latent).cpu())
    of_primary = quality(torch.cat(primary), test_BCS, codec.sample_rate).summary()
    shown = ("mel_l1", "log_spectral_distance", "mrstft")
    return {
        **held_out_quality(torch.cat(whole), train_BS, test_BCS, codec.sample_rate),
        **{f"held_out_primary_{name}": of_primary[name] for name in shown},
        **use_of(torch.cat(codes), codec.model.codebook_size),
    }


def use_of(codes_BNT: torch.Tensor, entries: int) -> dict[str, float]:
    """Perplexity of each codebook, and the share of its `entries` that are in use."""
    values = {}
    for number, codes in enumerate(codes_BNT.transpose(0, 1), 1):
        share = codes.flatten().bincount(minlength=entries) / codes.numel()
        values[f"perplexity_codebook_{number}"] = float(torch.special.entr(share).sum().exp())
        values[f"used_codebook_{number}"] = float((share > 0).float().mean())
    return values
