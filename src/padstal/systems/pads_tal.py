"""PADS-TAL: one diffusion transformer on the latents of one autoencoder, conditioned on T5 rows (PADS-TAL 2).

Two rows of the paper's table are this system: on audio-only latents (Stable Audio Open's), and on text-aware ones,
TAL = [w_m; z_p]. What is generated is all of the latent from noise, z_p too; the prompt enters through the denoiser's
cross-attention alone, whose padding rows are visible: the room in which PADS works.

    text → T5 rows → Conditioner ┐
    noise x_T → solver(D(x, σ) = guided, perturbed denoiser) → latent → codec.decode → audio                      (1)
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from padstal.core.protocols import Attributes, Codec, TextEncoder, TextStates
from padstal.core.section import Section, value

if TYPE_CHECKING:
    import torch

    from padstal.core.paths import Paths
    from padstal.diffusion.checkpoint import TrainedDenoiser
    from padstal.sampling.batching import Batch
    from padstal.sampling.setting import Setting


class PadsTal(Section):
    """Which codec and which denoiser."""

    kind: Literal["pads_tal"] = "pads_tal"
    codec: str = value("codec whose latents the denoiser learns", min_length=1)
    denoiser: str = value("section of `train_diffusion`", min_length=1)
    grid: str = value("settings that it is sampled with, of `sample.grids`", min_length=1)

    @property
    def denoisers(self) -> tuple[str, ...]:
        """In the order that sampling runs them."""
        return (self.denoiser,)

    def folders(self, paths: "Paths") -> dict[str, Path]:
        """Where its models lie, by role."""
        return {
            "denoiser": paths.diffusion(self.denoiser),
            "codec": paths.vae(self.codec),
            "text_encoder": paths.foundation("text_encoder"),
        }

    def load(self, name: str, paths: "Paths", device: "torch.device | str") -> "PadsTalSystem":
        """The models, checked to belong together.

        Raises:
            FileNotFoundError: A model has not been trained.
            MismatchError: The denoiser was trained with another codec or text encoder.
        """
        import torch

        from padstal.codecs.checkpoint import load as load_codec
        from padstal.diffusion.checkpoint import check_belongs
        from padstal.diffusion.checkpoint import load as load_denoiser
        from padstal.foundation.text_encoder import load as load_text_encoder

        folders, device = self.folders(paths), torch.device(device)
        trained = load_denoiser(folders["denoiser"], device)
        check_belongs(trained.config, codec_folder=folders["codec"], text_encoder_folder=folders["text_encoder"])
        codec, encoder = load_codec(folders["codec"], device), load_text_encoder(folders["text_encoder"], device)
        return PadsTalSystem(name, trained, codec, encoder, device)


@dataclass(frozen=True)
class PadsTalSystem:
    """The models, ready to sample from."""

    name: str
    trained: "TrainedDenoiser"
    codec: Codec
    text_encoder: TextEncoder
    device: "torch.device"

    @property
    def sample_rate(self) -> int:
        return self.trained.config.latents.sample_rate

    @property
    def channels(self) -> int:
        return self.trained.config.latents.channels

    @property
    def samples(self) -> int:
        latents = self.trained.config.latents
        return latents.shape[1] * latents.ratio

    @property
    def attributes(self) -> dict[str, float]:
        return {"seconds_start": 0.0, "seconds_total": self.trained.config.seconds_total}

    def sample(
        self, text: TextStates, attributes: Attributes, batch: "Batch", setting: "Setting", *, bf16: bool
    ) -> "torch.Tensor":
        """(1)."""
        from padstal.sampling.generate import sample_latents, told_of

        denoiser = self.trained.denoiser
        told = told_of(denoiser, text, attributes, setting.guidance, self.text_encoder)
        latent_BDT = sample_latents(denoiser, told, batch, setting, bf16=bf16)
        return self.codec.decode(self.trained.statistics.denormalise(latent_BDT))

    def scales(self, prompts: Sequence[str]) -> dict[str, float]:
        """Share of padding rows, and `salient_rms`, the scale of rows where CADS and PADS act."""
        import torch

        from padstal.diffusion.clips import CaptionStates
        from padstal.sampling.conditioning_scale import conditioning_scale

        text = CaptionStates.encode(prompts, self.text_encoder).of(prompts)
        text = TextStates(text.states_BLD.to(self.device), text.mask_BL.to(self.device))
        told = {name: torch.full((len(prompts),), own, device=self.device) for name, own in self.attributes.items()}
        denoiser = self.trained.denoiser
        return asdict(conditioning_scale(denoiser, denoiser.condition(text, told)))
