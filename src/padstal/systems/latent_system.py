"""What systems of one denoiser share: prompts to audio through one codec's latents (PADS-TAL 2, QA-MDT 5.2).

text → text rows, attributes → Conditioner ┐
noise x_T → solver(D(x, σ) = guided, perturbed denoiser) → latent → codec.decode → audio                      (1)
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from padstal.core.protocols import Attributes, Codec, TextEncoder, TextStates
from padstal.core.section import Section, value

if TYPE_CHECKING:
    import torch

    from padstal.core.paths import Paths
    from padstal.diffusion.checkpoint import TrainedDenoiser
    from padstal.sampling.batching import Batch
    from padstal.sampling.setting import Setting


class LatentSystemParams(Section):
    """Which codec and which denoiser; each paper's system adds what it is told."""

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

    def usual(self, trained: "TrainedDenoiser") -> dict[str, float]:
        """What samples are told where nothing else is asked for."""
        return {}

    def load(self, name: str, paths: "Paths", device: "torch.device | str") -> "LatentSystem":
        """The models, checked to belong together.

        Raises:
            FileNotFoundError: A model has not been trained.
            MismatchError: The denoiser was trained with another codec or text encoder.
        """
        import torch

        from padstal.codecs.any_codec import load as load_codec
        from padstal.diffusion.checkpoint import check_belongs
        from padstal.diffusion.checkpoint import load as load_denoiser
        from padstal.foundation.text_encoder import load as load_text_encoder

        folders, device = self.folders(paths), torch.device(device)
        trained = load_denoiser(folders["denoiser"], device)
        check_belongs(trained.config, codec_folder=folders["codec"], text_encoder_folder=folders["text_encoder"])
        codec, encoder = load_codec(folders["codec"], device), load_text_encoder(folders["text_encoder"], device)
        return LatentSystem(name, trained, codec, encoder, device, self.usual(trained))


@dataclass(frozen=True)
class LatentSystem:
    """The models, ready to sample from.

    Attributes:
        attributes: What samples are told where nothing else is asked for.
    """

    name: str
    trained: "TrainedDenoiser"
    codec: Codec
    text_encoder: TextEncoder
    device: "torch.device"
    attributes: Mapping[str, float]

    @property
    def sample_rate(self) -> int:
        return self.trained.config.latents.sample_rate

    @property
    def channels(self) -> int:
        return self.trained.config.latents.channels

    @property
    def samples(self) -> int:
        return self.trained.config.latents.samples

    def texts(self, prompts: Sequence[str], attributes: Mapping[str, Sequence[float]]) -> list[str]:
        """What the text encoder reads: the prompts, after the quality's prefix where captions had one in training."""
        from padstal.diffusion.clips import prefixed

        prefixes = self.trained.config.prefixes
        if not prefixes:
            return list(prompts)
        levels = attributes["quality"]
        return [prefixed(prompt, prefixes.get(round(level), "")) for prompt, level in zip(prompts, levels, strict=True)]

    def sample(
        self, text: TextStates, attributes: Attributes, batch: "Batch", setting: "Setting", *, bf16: bool
    ) -> "torch.Tensor":
        """(1)."""
        from padstal.sampling.generate import sample_latents, told_of

        denoiser = self.trained.denoiser
        told = told_of(denoiser, text, attributes, setting.guidance, self.text_encoder)
        latent_BD = sample_latents(denoiser, told, batch, setting, bf16=bf16)
        return self.codec.decode(self.trained.statistics.denormalise(latent_BD))

    def scales(self, prompts: Sequence[str]) -> dict[str, float]:
        """Share of padding rows, and `salient_rms`, the scale of rows where CADS and PADS act."""
        import torch

        from padstal.diffusion.clips import CaptionStates
        from padstal.sampling.conditioning_scale import conditioning_scale

        usual = {name: [own] * len(prompts) for name, own in self.attributes.items()}
        texts = self.texts(prompts, usual)
        text = CaptionStates.encode(texts, self.text_encoder).of(texts)
        text = TextStates(text.states_BLD.to(self.device), text.mask_BL.to(self.device))
        told = {name: torch.tensor(own, device=self.device) for name, own in usual.items()}
        denoiser = self.trained.denoiser
        return asdict(conditioning_scale(denoiser, denoiser.condition(text, told)))
