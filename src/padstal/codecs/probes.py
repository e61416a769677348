"""What the latents carry: cheap readings on a fixed batch during training, against collapse and against shortcuts.

A small alignment loss alone proves nothing, as constant means give zero; hence the variance of μ_z over the batch. A
decoder that ignores z, since w_m holds the whole audio, loses nothing when z is shuffled over the batch.

Shape suffixes: B batch, C audio channels, S samples, D latent channels, T latent frames.
"""

import torch

from padstal.codecs.audio_vae import AudioVae
from padstal.codecs.bottleneck import Gaussian
from padstal.codecs.clips import ClipBatch
from padstal.codecs.cross_entropy import token_accuracy
from padstal.codecs.mrstft import MultiResolutionStft
from padstal.codecs.tal_vae import TalVae

ACTIVE_VARIANCE = 0.01
"""A channel is active where its mean varies more than this over the batch (Burda et al., 2016)."""
FFT_SIZES = (1024, 256)


@torch.no_grad()
def audio_probes(model: AudioVae, batch: ClipBatch) -> dict[str, float]:
    """Reconstruction from means, active units, KL a channel and mean posterior std."""
    z = model.posterior(batch.audio_BCS)
    own = model.decode(z.mean)
    return {"probe_mrstft": _distance(own, batch.audio_BCS), **_of("z", z)}


@torch.no_grad()
def tal_probes(model: TalVae, batch: ClipBatch) -> dict[str, float]:
    """Readings of all four experts and both decoders, from means."""
    assert batch.texts is not None
    q = model.posteriors(batch.audio_BCS, batch.texts.states)
    z_m, w_m, z_p, w_t = q.z_m.mean, q.w_m.mean, q.z_p.mean, q.w_t.mean
    base = _distance(model.decode(model.join(w_m, z_p)), batch.audio_BCS)
    # a shift by one is a shuffle without fixed points, and needs no generator
    other_z = _distance(model.decode(model.join(w_m, z_p.roll(1, 0))), batch.audio_BCS)
    other_w = _distance(model.decode(model.join(w_m.roll(1, 0), z_p)), batch.audio_BCS)
    ids_BL, mask_BL = batch.texts.ids_BL, batch.texts.states.mask_BL
    nothing = torch.zeros_like(w_t)
    return {
        "probe_mrstft": base,
        "probe_shuffled_z": other_z - base,
        "probe_shuffled_w": other_w - base,
        "probe_token_accuracy": float(token_accuracy(model.logits(z_p, w_t), ids_BL, mask_BL)),
        "probe_token_accuracy_z_m": float(token_accuracy(model.logits(z_m, nothing), ids_BL, mask_BL)),
        "probe_retrieval": retrieval(z_m, z_p),
        **_of("z_m", q.z_m),
        **_of("z_p", q.z_p),
        **_of("w_m", q.w_m),
        **_of("w_t", q.w_t),
    }


def retrieval(z_m_BDT: torch.Tensor, z_p_BDT: torch.Tensor) -> float:
    """R@1: share of clips whose μ_zm lies nearest to its own caption's μ_zp (Euclidean); equal captions are own."""
    distance_BB = torch.cdist(z_m_BDT.flatten(1), z_p_BDT.flatten(1), compute_mode="donot_use_mm_for_euclid_dist")
    return float((distance_BB.diagonal() <= distance_BB.min(dim=1).values).float().mean())


def _of(name: str, q: Gaussian) -> dict[str, float]:
    # variance of each clip's value around the batch's mean, channel by channel
    variance_D = q.mean.var(dim=0, unbiased=False).mean(-1)
    return {
        f"probe_variance_{name}": float(variance_D.mean()),
        f"probe_active_{name}": float((variance_D > ACTIVE_VARIANCE).float().sum()),
        f"probe_kl_per_channel_{name}": float(q.kl_by_channel().mean()),
        f"probe_std_{name}": float(q.std.mean()),
    }


def _distance(audio_BCS: torch.Tensor, target_BCS: torch.Tensor) -> float:
    stft = MultiResolutionStft(FFT_SIZES, target_BCS.shape[1], a_weighting=False, sample_rate=1)
    stft = stft.to(target_BCS.device)
    return float(stft(audio_BCS, stft.target(target_BCS)))
