"""Classifier-free guidance over a denoiser whose conditioning may be perturbed: what a solver calls as D(x, σ).

    v̂ = v(x, ∅) + w (v(x, ĉ) − v(x, ∅))                                                    (1)  Ho & Salimans 2022

The null condition is 0 on all cross rows; the global conditioning is the same in both branches. Both go through the
model as one batch of 2B. Every call is one function evaluation and draws fresh n for CADS and PADS.

Shape legend: B samples, D latent channels, T frames, L text rows, R = L + 2 conditioning rows, C features of a row.
"""

import torch

from padstal.diffusion.conditioning import SECONDS_ROWS, Conditioning
from padstal.diffusion.denoiser import Denoiser
from padstal.diffusion.prediction import data_of
from padstal.diffusion.schedule import alpha_sigma, time_of
from padstal.sampling.noise import SampleNoise, Stream
from padstal.sampling.perturbation import Perturbation


class GuidedDenoiser:
    """D(x, σ) of a batch of samples."""

    def __init__(
        self,
        denoiser: Denoiser,
        conditioning: Conditioning,
        mask_BL: torch.Tensor,
        *,
        guidance: float,
        perturbation: Perturbation,
        seeds: list[int],
        indices: list[int],
        bf16: bool = False,
    ):
        """Embed the conditioning once and open the samples' streams.

        Args:
            denoiser: In eval mode, with averaged weights.
            conditioning: Of the B samples.
            mask_BL: The tokenizer's mask of the text rows; padding stays visible to attention, the mask only says
            where M is.
            guidance: w; 1 is the conditional model alone, in half the work.
            perturbation: Setting of CADS or PADS.
            seeds: One a sample.
            indices: One a sample.
            bf16: Matrix products in bfloat16.

        Raises:
            ValueError: Batch or rows of mask and conditioning differ, or the denoiser is in training mode.
        """
        if denoiser.training:
            raise ValueError("the denoiser is in training mode: expected eval()")
        batch, rows, _ = conditioning.cross_BRC.shape
        if mask_BL.shape != (batch, rows - SECONDS_ROWS):
            raise ValueError(
                f"mask {tuple(mask_BL.shape)}: expected {(batch, rows - SECONDS_ROWS)}, one row a text row"
            )
        self._denoiser, self._perturbation, self._guidance, self._bf16 = denoiser, perturbation, guidance, bf16
        self._device_type = conditioning.cross_BRC.device.type
        with self._autocast():
            embedded_BRC = denoiser.dit.embed_conditioning(conditioning.cross_BRC)
        self._text_BLC, self._seconds_B2C = embedded_BRC[:, :-SECONDS_ROWS], embedded_BRC[:, -SECONDS_ROWS:]
        self._global_BG = conditioning.global_BG
        self._rows_BL = perturbation.rows(mask_BL)
        self._noise = SampleNoise(seeds, indices, Stream.PERTURBATION)
        self._null_noise = SampleNoise(seeds, indices, Stream.NULL_PERTURBATION)

    def __call__(self, x_BDT: torch.Tensor, sigma: float) -> torch.Tensor:
        """E[x_0 | x, ĉ] under guidance, where x = x_0 + σ ε."""
        t = time_of(sigma)
        alpha, sigma_t = alpha_sigma(torch.tensor(t, dtype=torch.float64))
        x_t_BDT = x_BDT * float(alpha)
        v_BDT = self.velocity(x_t_BDT, t)
        return data_of(x_t_BDT, v_BDT, alpha.float(), sigma_t.float())

    def velocity(self, x_t_BDT: torch.Tensor, t: float) -> torch.Tensor:
        """v̂ of (1)."""
        told_BRC, null_BRC = self.rows(t)
        if self._guidance == 1:
            return self._v(x_t_BDT, t, told_BRC, self._global_BG)
        v_2BDT = self._v(
            torch.cat([x_t_BDT, x_t_BDT]),
            t,
            torch.cat([told_BRC, null_BRC]),
            torch.cat([self._global_BG, self._global_BG]),
        )
        v_told_BDT, v_null_BDT = v_2BDT.chunk(2)
        # (1)
        return v_null_BDT + self._guidance * (v_told_BDT - v_null_BDT)

    def rows(self, t: float) -> tuple[torch.Tensor, torch.Tensor]:
        """Conditioning rows of both branches at t, [B, R, C] each, with fresh noise where the setting asks for it."""
        setting, text_BLC = self._perturbation, self._text_BLC
        null_text_BLC = torch.zeros_like(text_BLC)
        if setting.active(t):
            noise_BLC = self._noise.draw(text_BLC.shape[1:], text_BLC.device)
            text_BLC = setting.apply(text_BLC, self._rows_BL, noise_BLC, t)
            match setting.perturb_uncond:
                case "shared":
                    null_text_BLC = setting.apply(null_text_BLC, self._rows_BL, noise_BLC, t)
                case "independent":
                    own_BLC = self._null_noise.draw(text_BLC.shape[1:], text_BLC.device)
                    null_text_BLC = setting.apply(null_text_BLC, self._rows_BL, own_BLC, t)
        told_BRC = torch.cat([text_BLC, self._seconds_B2C], dim=1)
        null_BRC = torch.cat([null_text_BLC, torch.zeros_like(self._seconds_B2C)], dim=1)
        return told_BRC, null_BRC

    def _v(self, x_BDT: torch.Tensor, t: float, rows_BRC: torch.Tensor, global_BG: torch.Tensor) -> torch.Tensor:
        t_B = torch.full((len(x_BDT),), t, dtype=torch.float32, device=x_BDT.device)
        with self._autocast():
            return self._denoiser.dit(x_BDT, t_B, rows_BRC, global_BG).float()

    def _autocast(self) -> torch.autocast:
        return torch.autocast(self._device_type, dtype=torch.bfloat16, enabled=self._bf16)
