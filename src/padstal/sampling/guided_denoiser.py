"""What a solver calls as D(x, σ): a denoiser under guidance and a diversity method.

At each call the branches that the guidance asks for go through the network as one batch; the method may change the text
rows of each, with fresh noise, and move D of each prompt's samples. With x = x_0 + σ ε, t of σ, and x_t = α_t x,

    D(x, σ) = x_0 of x_t and the mixed output                                                                     (1)
"""

from collections.abc import Mapping

import torch

from padstal.core.protocols import Conditioning
from padstal.diffusion.denoiser import Denoiser
from padstal.sampling.batching import Batch
from padstal.sampling.noise import SampleNoise, Stream
from padstal.sampling.setting import Setting


class GuidedDenoiser:
    """D(x, σ) of a batch of samples."""

    def __init__(
        self,
        denoiser: Denoiser,
        told: Mapping[str, Conditioning],
        batch: Batch,
        setting: Setting,
        *,
        weak: Denoiser | None = None,
        place: int = 0,
        bf16: bool = False,
    ):
        """Open the samples' streams; each branch is embedded once.

        Args:
            denoiser: In eval mode, with averaged weights.
            told: "cond" and each other branch of the guidance → conditioning of the batch's samples.
            batch: The samples.
            setting: Method and guidance.
            weak: What guidance's weak branch asks, of the same form.
            place: Of the denoiser in its system.
            bf16: Matrix products in bfloat16.
        """
        self._denoiser, self._weak, self._told, self._batch = denoiser, weak, told, batch
        self._method, self._guidance, self._bf16 = setting.method, setting.guidance, bf16
        self._embedded: dict[str, Conditioning] = {}
        self._noise = SampleNoise(batch.seeds, batch.indices, Stream.PERTURBATION, place)
        self._own_noise = SampleNoise(batch.seeds, batch.indices, Stream.NULL_PERTURBATION, place)
        self._code_BLC: torch.Tensor | None = None

    def __call__(self, x_BD: torch.Tensor, sigma: float) -> torch.Tensor:
        """(1), then the method's `guide` prompt by prompt."""
        schedule = self._denoiser.schedule
        t = schedule.time_of(sigma)
        alpha, sigma_t = schedule.alpha_sigma(torch.tensor(t, dtype=torch.float64))
        x_t_BD = x_BD * float(alpha)
        output_BD = self.output(x_t_BD, t, sigma)
        denoised_BD = self._denoiser.prediction.data_of(x_t_BD, output_BD, alpha.float(), sigma_t.float())
        moved_BD = denoised_BD
        for group in self._batch.groups:
            rows = slice(group.rows[0], group.rows[-1] + 1)
            denoised_ID = denoised_BD[rows]
            guided_ID = self._method.guide(x_BD[rows], denoised_ID, sigma, group)
            if guided_ID is not denoised_ID:
                moved_BD = denoised_BD.clone() if moved_BD is denoised_BD else moved_BD
                moved_BD[rows] = guided_ID
        return moved_BD

    def output(self, x_t_BD: torch.Tensor, t: float, sigma: float) -> torch.Tensor:
        """The network's output of all branches, mixed."""
        told = self.told(self._guidance.branches(sigma), t)
        outputs: dict[str, torch.Tensor] = {}
        for network in dict.fromkeys(map(self._network, told)):
            names = [name for name in told if self._network(name) is network]
            first, *rest = (told[name] for name in names)
            together = first.joined(*rest) if rest else first
            x_BD = torch.cat([x_t_BD] * len(names)) if rest else x_t_BD
            t_B = torch.full((len(x_BD),), t, dtype=torch.float32, device=x_BD.device)
            with self._autocast():
                outputs_BD = network(x_BD, t_B, together).float()
            outputs |= dict(zip(names, outputs_BD.chunk(len(names)), strict=True))
        return self._guidance.mix(outputs, sigma)

    def told(self, names: tuple[str, ...], t: float) -> dict[str, Conditioning]:
        """What each branch is told at t, embedded, with fresh noise where the method asks for it."""
        told = {name: self._embed(name) for name in names}
        if not self._method.perturbs(t):
            return told
        noise_BLC = self._code() if self._method.reads_codes else self._draw(self._noise)
        for name, embedded in told.items():
            text_BLC, mask_BL = embedded.text_BLC, embedded.mask_BL
            if name == "cond" or self._network(name) is self._weak:
                text_BLC = self._method.condition(text_BLC, mask_BL, noise_BLC, t)
            else:
                text_BLC = self._method.condition_uncond(
                    text_BLC, mask_BL, noise_BLC, lambda: self._draw(self._own_noise), t
                )
            told[name] = Conditioning(text_BLC, mask_BL, embedded.others)
        return told

    def _embed(self, name: str) -> Conditioning:
        if name not in self._embedded:
            with self._autocast():
                self._embedded[name] = self._network(name).embed(self._told[name])
        return self._embedded[name]

    def _network(self, name: str) -> Denoiser:
        """Which network a branch is of."""
        if name == "cond" or not self._guidance.told[name].weak:
            return self._denoiser
        assert self._weak is not None  # `LatentSystem.check`
        return self._weak

    def _code(self) -> torch.Tensor:
        """Each sample's padding code as rows [B, L, C], drawn once."""
        codes = self._denoiser.form.padding_codes
        assert codes is not None  # `LatentSystem.check`
        if self._code_BLC is None:
            text_BLC = self._embed("cond").text_BLC
            code_BRC = self._noise.draw((codes.rows, text_BLC.shape[2]), text_BLC.device)
            self._code_BLC = codes.tiled(code_BRC, text_BLC.shape[1])
        return self._code_BLC

    def _draw(self, noise: SampleNoise) -> torch.Tensor:
        text_BLC = self._embed("cond").text_BLC
        return noise.draw(text_BLC.shape[1:], text_BLC.device)

    def _autocast(self) -> torch.autocast:
        device = self._told["cond"].text_BLC.device.type
        return torch.autocast(device, dtype=torch.bfloat16, enabled=self._bf16)
