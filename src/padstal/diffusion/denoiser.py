"""What is trained and kept: the diffusion transformer with its conditioner, as one module."""

import torch
from torch import nn

from padstal.core.protocols import TextStates
from padstal.diffusion.conditioning import Conditioner, Conditioning, Timing
from padstal.nn.dit import DiT, DiTShape


class Denoiser(nn.Module):
    """v̂ of noised latents, text and timing."""

    def __init__(self, shape: DiTShape):
        super().__init__()
        self.conditioner = Conditioner(shape.cond_width)
        self.dit = DiT(shape)

    @property
    def shape(self) -> DiTShape:
        return self.dit.shape

    def condition(self, text: TextStates, timing: Timing) -> Conditioning:
        """Conditioning rows and global conditioning, before `embed_conditioning`."""
        return self.conditioner(text, timing)

    def forward(self, x_BDT: torch.Tensor, t_B: torch.Tensor, conditioning: Conditioning) -> torch.Tensor:
        """v̂, [B, D, T]: the way that training goes. Sampling perturbs between `embed_conditioning` and `dit`."""
        embedded_BRC = self.dit.embed_conditioning(conditioning.cross_BRC)
        return self.dit(x_BDT, t_B, embedded_BRC, conditioning.global_BG)
