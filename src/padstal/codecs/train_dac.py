"""Training of the small codec with DAC's quantiser on clips of the composer, sound ones and degraded ones.

For a crop x, x̂ its reconstruction from a random number of codebooks, X̂_i and X_i as in `codecs/dac.py`:

    L = w_mel Σ_w mean |log₁₀ M_w(x̂) − log₁₀ M_w(x)| + w_stft L_mrstft(x̂, x)
        + w_commitment Σ_i mean (X̂_i − sg(X_i))² + w_codebook Σ_i mean (sg(X̂_i) − X_i)²                             (1)

M_w are mel magnitudes of window w with 5 bands for 32 samples of it, as DAC's. There is no adversary. So short a
training needs two aids: in its first steps nothing is quantised, then the codebooks are set by what the encoder says of
clips (`settle`), which learns no more; and an entry that no crop asked for in a while is put where a crop is (Dhariwal
et al. 2020).

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
"""Steps in which an entry has to be asked for."""
SETTLED_ON = 256
"""Crops whose embeddings set the codebooks."""
ROUNDS = 5
"""Of assigning latents to entries, and entries to the means of theirs."""
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
    """Train a small codec on clips.

    Returns:
        The `SmallDac`, and the loss (1) of every step.

    Raises:
        ValueError: A clip is shorter than a crop.
    """
    length = section.crop_frames * section.hop
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
        steps, settled_at = 0, round(section.continuous * section.fit.steps)

        def crops_of(rows: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
            starts = torch.randint(0, samples - length + 1, rows.shape, generator=generator)
            crops = zip(rows.tolist(), starts.tolist(), strict=True)
            return torch.stack([audio[row, at : at + length] for row, at in crops])[:, None].to(device)

        def distance(ours_BCS: torch.Tensor, true_BCS: torch.Tensor) -> torch.Tensor:
            mels = []
            for window in section.fft_sizes:
                form = (sample_rate, window, window // 4, max(5 * window // 32, 1))
                ours, true = vocoder_mel(ours_BCS[:, 0], *form), vocoder_mel(true_BCS[:, 0], *form)
                mels.append((ours - true).abs().mean() / math.log(10))
            return section.mel * torch.stack(mels).sum() + section.mrstft * stft(ours_BCS, stft.target(true_BCS))

        def loss_of(rows: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
            nonlocal steps
            true_BCS = crops_of(rows, generator)
            steps += 1
            if steps <= settled_at:
                return distance(model.decode(model.encoder(true_BCS)), true_BCS)
            if steps == settled_at + 1:
                drawn = torch.randint(0, len(audio), (SETTLED_ON,), generator=generator)
                settle(model, crops_of(drawn, generator), generator)
            with torch.no_grad():
                embedding_BET = model.encoder(true_BCS)
            z, codes_BNT, latent_BDT, commitment, codebook = model.quantizer(embedding_BET)
            for number, use in enumerate(uses):
                use += codes_BNT[:, number].flatten().bincount(minlength=len(use))
            if steps % REVIVE_EVERY == 0:
                revive(model, latent_BDT.detach(), uses, generator)
            heard = distance(model.decode(z), true_BCS)
            return heard + section.commitment * commitment + section.codebook * codebook  # (1)

        losses = fit(model, loss_of, len(audio), section.fit, progress=progress)
    return model, losses


@torch.no_grad()
def settle(model: Any, audio_BCS: torch.Tensor, generator: torch.Generator) -> None:
    """Set projections and entries by what the encoder says of a batch, so that quantisation begins where it works.

    For each codebook in turn, P_i are the principal directions of what those before it left, Q_i = P_iᵀ, and its
    entries the means of the X̂ that they are nearest to (by the library's own lookup), found in a few rounds.
    """
    embedding_BET = torch.cat([model.encoder(part) for part in audio_BCS.split(CHUNK)])
    left_KE = embedding_BET.transpose(1, 2).flatten(0, 1)
    mean_E = left_KE.mean(dim=0)
    left_KE = left_KE - mean_E
    for number, quantizer in enumerate(model.quantizer.quantizers):
        directions_ED = torch.linalg.eigh(left_KE.T @ left_KE)[1][:, -model.codebook_dim :]
        for projection, weight in ((quantizer.in_proj, directions_ED.T), (quantizer.out_proj, directions_ED)):
            projection.weight_v.copy_(weight[..., None])
            projection.weight_g.copy_(weight.norm(dim=1)[:, None, None])
            projection.bias.zero_()
        if number == 0:
            quantizer.in_proj.bias.copy_(-mean_E @ directions_ED)
            quantizer.out_proj.bias.copy_(mean_E)
        latent_KD, entries = left_KE @ directions_ED, quantizer.codebook.weight
        entries.copy_(latent_KD[torch.randint(0, len(latent_KD), (len(entries),), generator=generator)])
        for _ in range(ROUNDS):
            found_K = quantizer.decode_latents(latent_KD.T[None])[1][0]
            count = found_K.bincount(minlength=len(entries))[:, None]
            means = torch.zeros_like(entries).index_add_(0, found_K, latent_KD) / count.clamp(min=1)
            entries.copy_(torch.where(count > 0, means, entries))
        left_KE = left_KE - quantizer.decode_latents(latent_KD.T[None])[0][0].T @ directions_ED.T


@torch.no_grad()
def revive(model: Any, latent_BDT: torch.Tensor, uses: list[torch.Tensor], generator: torch.Generator) -> None:
    """Put each entry that nothing asked for where a latent X̂ is; counting begins anew.

    Args:
        model: The codec, changed in place.
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
