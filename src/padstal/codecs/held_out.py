"""Reconstruction of held-out clips next to a trivial guess, for the metrics of training."""

from dataclasses import dataclass

import torch

from padstal.codecs.audio_vae import AudioVae
from padstal.codecs.clips import ClipBatch, Clips
from padstal.codecs.mel import log_mel
from padstal.codecs.reconstruction import mean_spectrum_distance
from padstal.codecs.tal_vae import TalVae


@dataclass(frozen=True)
class HeldOut:
    """Mel L1 (bels) of `n` held-out clips: of the model, and of the mean training spectrum as the guess."""

    n: int
    mel_l1: float
    baseline: float


@torch.no_grad()
def measure_held_out(
    model: torch.nn.Module, train: Clips, held_out: Clips, count: int, samples: int, sample_rate: int
) -> HeldOut:
    """`HeldOut` of the first `count` clips of `held_out`, against the first of `train`; latents are posterior means."""
    batch, reference = held_out.first(count, samples), train.first(count, samples)
    device = next(model.parameters()).device
    parts = [_reconstruct(model, _part(batch, i, device)).cpu() for i in range(len(batch.audio_BCS))]
    output, target = torch.cat(parts).flatten(0, 1), batch.audio_BCS.flatten(0, 1)
    distance = (log_mel(output, sample_rate) - log_mel(target, sample_rate)).abs().mean()
    baseline = mean_spectrum_distance(reference.audio_BCS, batch.audio_BCS, sample_rate)
    return HeldOut(len(batch.audio_BCS), float(distance), baseline)


def _part(batch: ClipBatch, item: int, device: torch.device) -> ClipBatch:
    texts = batch.texts
    if texts is not None:
        states = type(texts.states)(texts.states.states_BLD[item, None], texts.states.mask_BL[item, None])
        texts = type(texts)(states, texts.ids_BL[item, None]).to(device)
    return ClipBatch(batch.step, batch.audio_BCS[item, None].to(device), texts)


def _reconstruct(model: torch.nn.Module, batch: ClipBatch) -> torch.Tensor:
    if isinstance(model, AudioVae):
        return model.decode(model.posterior(batch.audio_BCS).mean)
    assert isinstance(model, TalVae)
    assert batch.texts is not None
    w_m = model.private_audio(batch.audio_BCS).mean
    z_p = model.shared_text(batch.texts.states, w_m.shape[-1]).mean
    return model.decode(model.join(w_m, z_p))
