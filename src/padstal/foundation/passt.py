"""PaSST (Koutini et al. 2022): a vision transformer on log-mels, AudioSet's 527 classes, mono at 32 kHz; KL is of it.

As stable-audio-metrics does, a clip is brought to a peak of 1 and heard in windows of 10 s, 5 s apart:

    (1)  p(y|x) = softmax(mean over windows of the logits)

Layers have the names of `passt-s-f128-p16-s10-ap.476-swa.pt`; patches of 16 × 16 overlap, 10 apart.

Shape suffixes: B batch, S samples, F mel bands, N frames, W windows, M = B·W, L patches and tokens, D features,
K classes.
"""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from padstal.foundation.logmel import kaldi_filterbank, mel_power

SAMPLE_RATE = 32_000
READS_CHANNELS = False
BANDS, WINDOW, FFT, HOP = 128, 800, 1024, 320
LOW, HIGH = 0.0, 15_000.0
PREEMPHASIS = 0.97
FLOOR = 1e-5
PATCH_STEP = 10
HEAD_FEATURES = 64
"""Of an attention head, as in every published PaSST."""
HEARD, STEP = 10 * SAMPLE_RATE, 5 * SAMPLE_RATE
LEFT_BEHIND = ("head_dist.",)
"""The head of the distillation token, which the released code leaves out of the logits."""


class Attention(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)

    def forward(self, x_MLD: Tensor) -> Tensor:
        q, k, v = self.qkv(x_MLD).unflatten(-1, (3, -1, HEAD_FEATURES)).permute(2, 0, 3, 1, 4)
        mixed = functional.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2)
        output_MLD: Tensor = self.proj(mixed)
        return output_MLD


class FeedForward(nn.Module):
    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(width, hidden)
        self.fc2 = nn.Linear(hidden, width)

    def forward(self, x_MLD: Tensor) -> Tensor:
        output_MLD: Tensor = self.fc2(functional.gelu(self.fc1(x_MLD)))
        return output_MLD


class Block(nn.Module):
    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(width, eps=1e-6)
        self.attn = Attention(width)
        self.norm2 = nn.LayerNorm(width, eps=1e-6)
        self.mlp = FeedForward(width, hidden)

    def forward(self, x_MLD: Tensor) -> Tensor:
        x_MLD = x_MLD + self.attn(self.norm1(x_MLD))
        return x_MLD + self.mlp(self.norm2(x_MLD))


class PaSST(nn.Module):
    """Audio [B, 1, S] → posterior [B, 1, K].

    Args:
        width: D.
        hidden: Features within a block's perceptron.
        depth: Blocks.
        classes: K.
        patch: Side of a patch.
        grid: Patches along bands and along time.
    """

    window_S: Tensor
    filters_FK: Tensor

    def __init__(self, width: int, hidden: int, depth: int, classes: int, patch: int, grid: tuple[int, int]) -> None:
        super().__init__()
        self.patch_embed = nn.ModuleDict({"proj": nn.Conv2d(1, width, patch, PATCH_STEP)})
        self.cls_token = nn.Parameter(torch.zeros(1, 1, width))
        self.dist_token = nn.Parameter(torch.zeros(1, 1, width))
        self.new_pos_embed = nn.Parameter(torch.zeros(1, 2, width))
        self.freq_new_pos_embed = nn.Parameter(torch.zeros(1, width, grid[0], 1))
        self.time_new_pos_embed = nn.Parameter(torch.zeros(1, width, 1, grid[1]))
        self.blocks = nn.Sequential(*(Block(width, hidden) for _ in range(depth)))
        self.norm = nn.LayerNorm(width, eps=1e-6)
        self.head = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, classes))
        self.register_buffer("window_S", torch.hann_window(WINDOW, periodic=False), persistent=False)
        filters_FK = kaldi_filterbank(SAMPLE_RATE, FFT, BANDS, LOW, HIGH)
        self.register_buffer("filters_FK", filters_FK, persistent=False)

    @property
    def least_samples(self) -> int:
        """A shorter clip is followed by silence, so any will do."""
        return 1

    def forward(self, audio_B1S: Tensor) -> Tensor:
        audio_BS = audio_B1S[:, 0]
        audio_BS = audio_BS / audio_BS.abs().amax(dim=1, keepdim=True).clamp_min(1e-8)
        steps = range(0, max(STEP, audio_BS.shape[1] - STEP), STEP)
        filled_BS = functional.pad(audio_BS, (0, max(0, steps[-1] + HEARD - audio_BS.shape[1])))
        logits_BWK = torch.stack([self.logits(filled_BS[:, at : at + HEARD]) for at in steps], dim=1)
        return logits_BWK.mean(dim=1, keepdim=True).softmax(dim=-1)  # (1)

    def logits(self, audio_MS: Tensor) -> Tensor:
        """Logits [M, K] of windows of 10 s."""
        sharp_MS = audio_MS[:, 1:] - PREEMPHASIS * audio_MS[:, :-1]
        mel_MFN = (mel_power(sharp_MS, self.window_S, HOP, self.filters_FK) + FLOOR).log()
        x_MDFN = self.patch_embed["proj"]((mel_MFN[:, None] + 4.5) / 5.0)
        patches = min(x_MDFN.shape[3], self.time_new_pos_embed.shape[3])
        x_MDFN = x_MDFN[..., :patches] + self.time_new_pos_embed[..., :patches] + self.freq_new_pos_embed
        tokens_1LD = torch.cat([self.cls_token, self.dist_token], dim=1) + self.new_pos_embed
        x_MLD = torch.cat([tokens_1LD.expand(len(x_MDFN), -1, -1), x_MDFN.flatten(2).transpose(1, 2)], dim=1)
        x_MLD = self.norm(self.blocks(x_MLD))
        logits_MK: Tensor = self.head(x_MLD[:, :2].mean(dim=1))
        return logits_MK


def arguments(tensors: Mapping[str, Tensor]) -> dict[str, Any]:
    """Those of `PaSST`, read off a checkpoint's tensors."""
    return {
        "width": tensors["cls_token"].shape[2],
        "hidden": len(tensors["blocks.0.mlp.fc1.weight"]),
        "depth": len({name.split(".")[1] for name in tensors if name.startswith("blocks.")}),
        "classes": len(tensors["head.1.weight"]),
        "patch": tensors["patch_embed.proj.weight"].shape[2],
        "grid": (tensors["freq_new_pos_embed"].shape[2], tensors["time_new_pos_embed"].shape[3]),
    }


NETWORK = PaSST
