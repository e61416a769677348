"""Reconstruction of held-out clips next to a trivial guess, for the metrics of training."""

from dataclasses import dataclass

import torch

from padstal.codecs.clips import ClipBatch, Clips
from padstal.codecs.mel import log_mel
from padstal.codecs.reconstruction import mean_spectrum_distance
from padstal.core.protocols import Codec, TextStates


@dataclass(frozen=True)
class HeldOut:
    """Mel L1 (bels) of `n` held-out clips: of the model, and of the mean training spectrum as the guess."""

    n: int
    mel_l1: float
    baseline: float

    def metrics(self, untrained: "HeldOut") -> dict[str, float]:
        """What training writes of it, with what the `untrained` model had."""
        return {
            "held_out_n": self.n,
            "held_out_mel_l1": self.mel_l1,
            "held_out_mel_l1_untrained": untrained.mel_l1,
            "held_out_mel_l1_mean_spectrum": self.baseline,
        }


def measure_held_out(
    codec: Codec, device: torch.device, train: Clips, held_out: Clips, count: int, samples: int
) -> HeldOut:
    """`HeldOut` of the first `count` clips of `held_out`, against the first of `train`; latents are posterior means.

    Args:
        codec: The model.
        device: Where it lies.
        train: The training split.
        held_out: Clips that it was not trained on.
        count: How many clips, at most.
        samples: How much of each.
    """
    batch, reference = held_out.first(count, samples), train.first(count, samples)
    parts = [_reconstruct(codec, device, batch, item) for item in range(len(batch.audio_BCS))]
    output = torch.cat(parts).flatten(0, 1)
    target, sample_rate = batch.audio_BCS.flatten(0, 1), codec.sample_rate
    distance = (log_mel(output, sample_rate) - log_mel(target, sample_rate)).abs().mean()
    baseline = mean_spectrum_distance(reference.audio_BCS, batch.audio_BCS, sample_rate)
    return HeldOut(len(batch.audio_BCS), float(distance), baseline)


def _reconstruct(codec: Codec, device: torch.device, batch: ClipBatch, item: int) -> torch.Tensor:
    states = batch.texts.states if batch.texts else None
    if states is not None:
        states = TextStates(states.states_BLD[item, None].to(device), states.mask_BL[item, None].to(device))
    mean, _ = codec.encode(batch.audio_BCS[item, None].to(device), states)
    return codec.decode(mean).cpu()
