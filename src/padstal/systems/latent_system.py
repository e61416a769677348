"""What systems share: prompts to audio through one codec's latents (PADS-TAL 2, QA-MDT 5.2, DiscoDiff 3.3).

text → text rows, attributes → Conditioner ┐
noise x_T → solver(D(x, σ) = guided, perturbed denoiser) → latent → codec.decode → audio                      (1)

Of several denoisers each generates some channels, and is told those of the denoisers before it.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from padstal.core.data.units import seconds_to_samples
from padstal.core.protocols import Attributes, Codec, Conditioning, TextEncoder, TextStates
from padstal.core.section import Section, value
from padstal.diffusion.config import TextEncoderName
from padstal.sampling.quality_level import QUALITY, nearest_setting

if TYPE_CHECKING:
    import torch

    from padstal.core.paths import Paths
    from padstal.diffusion.checkpoint import TrainedDenoiser
    from padstal.diffusion.denoiser import Denoiser
    from padstal.sampling.batching import Batch
    from padstal.sampling.setting import Setting

SCALED_AT_ONCE = 64
"""Prompts whose conditioning is measured at once."""


class LatentSystemParams(Section):
    """Which codec and which denoiser; each paper's system adds what it is told."""

    parts: ClassVar[tuple[str, ...]] = ()
    """Of several denoisers, what each generates, in the order of sampling."""

    codec: str = value("codec whose latents the denoiser learns", min_length=1)
    text: TextEncoderName
    denoiser: str = value("section of `train_diffusion`; of several, the folder that they lie in", min_length=1)
    grid: str = value("settings that it is sampled with, of `sample.grids`", min_length=1)
    weak_step: int | None = value(
        "step whose kept weights (`training.keep_every`) autoguidance leads away from; none without it",
        "steps",
        default=None,
        ge=1,
    )

    @property
    def denoisers(self) -> tuple[str, ...]:
        """In the order that sampling runs them."""
        return tuple(f"{self.denoiser}_{part}" for part in self.parts) or (self.denoiser,)

    def denoiser_folders(self, paths: "Paths") -> dict[str, Path]:
        """Where its denoisers lie, by role, in the order of sampling."""
        parts = {part: paths.diffusion(f"{self.denoiser}/{part}") for part in self.parts}
        return parts or {"denoiser": paths.diffusion(self.denoiser)}

    def folders(self, paths: "Paths") -> dict[str, Path]:
        """Where its models lie, by role."""
        return {
            **self.denoiser_folders(paths),
            "codec": paths.vae(self.codec),
            "text_encoder": paths.foundation(self.text),
        }

    def usual(self, trained: "TrainedDenoiser") -> dict[str, float]:
        """What samples are told where nothing else is asked for."""
        return {}

    def perturbs(self, part: str) -> bool:
        """Whether a setting's diversity method acts on the denoiser of a part."""
        return True

    def load(self, name: str, paths: "Paths", device: "torch.device | str") -> "LatentSystem":
        """The models, checked to belong together.

        Raises:
            FileNotFoundError: A model has not been trained.
            MismatchError: A denoiser was trained with another codec or text encoder.
        """
        import torch

        from padstal.codecs.any_codec import load as load_codec
        from padstal.diffusion.checkpoint import check_belongs, load_kept
        from padstal.diffusion.checkpoint import load as load_denoiser
        from padstal.foundation.text_encoder import load as load_text_encoder

        folders, device = self.folders(paths), torch.device(device)
        stages = []
        for part, folder in self.denoiser_folders(paths).items():
            trained = load_denoiser(folder, device)
            check_belongs(trained.config, codec_folder=folders["codec"], text_encoder_folder=folders["text_encoder"])
            weak = load_kept(folder, self.weak_step, device) if self.weak_step else None
            stages.append(SamplingStage(trained, self.perturbs(part), weak))
        codec, encoder = load_codec(folders["codec"], device), load_text_encoder(folders["text_encoder"], device)
        return LatentSystem(name, tuple(stages), codec, encoder, device, self.usual(stages[0].trained))


@dataclass(frozen=True)
class SamplingStage:
    """A denoiser in its system, whether diversity methods act on it, and a weaker version that guidance may ask."""

    trained: "TrainedDenoiser"
    perturbed: bool = True
    weak: "Denoiser | None" = None


@dataclass(frozen=True)
class LatentSystem:
    """The models, ready to sample from.

    Attributes:
        stages: Its denoisers, in the order of sampling.
        attributes: What samples are told where nothing else is asked for.
        seconds: Length of what it makes; None for that of the clips that it learnt from.
    """

    name: str
    stages: tuple[SamplingStage, ...]
    codec: Codec
    text_encoder: TextEncoder
    device: "torch.device"
    attributes: Mapping[str, float]
    seconds: float | None = None

    @property
    def trained(self) -> "TrainedDenoiser":
        """The first denoiser."""
        return self.stages[0].trained

    @property
    def sample_rate(self) -> int:
        """Hz, of the clips that it learnt from, whatever its codec works at."""
        return self.trained.config.latents.clip_rate

    @property
    def channels(self) -> int:
        return self.trained.config.latents.channels

    @property
    def samples(self) -> int:
        latents = self.trained.config.latents
        return latents.clip_samples if self.seconds is None else seconds_to_samples(self.seconds, latents.clip_rate)

    @property
    def frames(self) -> int:
        """Latent frames of a clip."""
        if self.seconds is None:
            return self.trained.config.latents.shape[1]
        whole = math.ceil(seconds_to_samples(self.seconds, self.codec.sample_rate) / self.codec.ratio)
        return self.codec.latent_shape(whole * self.codec.ratio)[1]

    def texts(self, prompts: Sequence[str], attributes: Mapping[str, Sequence[float]]) -> list[str]:
        """What the text encoder reads: the prompts, after the quality's prefix where captions had one in training."""
        from padstal.diffusion.clips import prefixed

        prefixes, levels = self.trained.config.levels, attributes.get(QUALITY, ())
        if not any(prefixes.values()):
            return list(prompts)
        return [prefixed(prompt, prefixes.get(round(level), "")) for prompt, level in zip(prompts, levels, strict=True)]

    def nearest(self, setting: "Setting") -> "Setting":
        """The nearest setting that its denoisers have learnt to follow; only a quality can be another.

        Raises:
            ValueError: A quality is no level.
        """
        return nearest_setting(setting, self.trained.config.levels) if QUALITY in self.attributes else setting

    def check(self, settings: Iterable["Setting"]) -> None:
        """Check that its denoisers can do what settings ask for.

        Raises:
            ValueError: One cannot.
        """
        for setting in settings:
            for stage in self.stages:
                if stage.perturbed and setting.method.reads_codes and not stage.trained.config.form.padding_codes:
                    name = stage.trained.config.name
                    raise ValueError(
                        f"{setting.method_name}: the denoiser {name} was trained without padding codes; expected "
                        f"train_diffusion.{name}.form.padding_codes"
                    )
                if stage.weak is None and any(branch.weak for branch in setting.guidance.told.values()):
                    raise ValueError(
                        f"{setting.values['guidance.kind']}: the system {self.name} has no weak model; expected "
                        f"systems.{self.name}.weak_step, one of the steps that training.keep_every kept"
                    )

    def lasting(self, seconds: float) -> "LatentSystem":
        """The same for clips of so many seconds, each told to be a piece of that length where it is told the time.

        Raises:
            ValueError: A denoiser cannot make them; says what is nearest.
        """
        told = {name: seconds for name in self.attributes if name == "seconds_total"}
        longer = replace(self, seconds=seconds, attributes={**self.attributes, **told})
        for stage in self.stages:
            config = stage.trained.config
            learnt, backbone = config.latents.shape[1], config.form.backbone
            nearest = backbone.frames_near(longer.frames) if hasattr(backbone, "frames_near") else learnt
            if nearest != longer.frames:
                near = nearest * config.latents.ratio / config.latents.sample_rate
                raise ValueError(
                    f"{seconds:g} s: {config.name} cannot make so many; the nearest that it can is {near:g} s"
                )
        return longer

    def preview(self) -> "LatentSystem":
        """The same without all denoisers but the first: coarser, and sooner there.

        Raises:
            ValueError: It has but one.
        """
        if len(self.stages) == 1:
            raise ValueError(f"system {self.name}: no preview, since it has one denoiser")
        return replace(self, stages=self.stages[:1])

    def sample(
        self, text: TextStates, attributes: Attributes, batch: "Batch", setting: "Setting", *, bf16: bool
    ) -> "torch.Tensor":
        """(1)."""
        return self.decode(self.latents(text, attributes, batch, setting, bf16=bf16))

    def decode(self, latent_BD: "torch.Tensor") -> "torch.Tensor":
        """Audio [B, C, S] of standardised latents, or of their first channels where the codec decodes those."""
        from padstal.codecs.clip_form import in_clip_form

        statistics = self.trained.statistics.first(latent_BD.shape[1])
        audio_BCS = self.codec.decode(statistics.denormalise(latent_BD))
        return in_clip_form(audio_BCS, self.trained.config.latents, self.samples)

    def latents(
        self,
        text: TextStates,
        attributes: Attributes,
        batch: "Batch",
        setting: "Setting",
        *,
        bf16: bool,
        known_BE: "torch.Tensor | None" = None,
    ) -> "torch.Tensor":
        """Standardised latents [B, D, …] of one batch; what the first denoisers would generate may be `known_BE`."""
        import torch

        from padstal.sampling.diversity.unperturbed import Unperturbed
        from padstal.sampling.generate import sample_latents, told_of

        quiet = setting.model_copy(update={"method": Unperturbed()})
        for place, stage in enumerate(self.stages):
            denoiser = stage.trained.denoiser
            if known_BE is not None and denoiser.first_channel < known_BE.shape[1]:
                continue
            lower_BE = None if known_BE is None else denoiser.lower_of(known_BE)
            told = told_of(denoiser, text, attributes, setting.guidance, self.text_encoder, lower_BE, stage.weak)
            how = setting if stage.perturbed else quiet
            own_BD = sample_latents(
                denoiser, told, batch, how, weak=stage.weak, place=place, bf16=bf16, frames=self.frames
            )
            known_BE = own_BD if known_BE is None else torch.cat([known_BE, own_BD], dim=1)
        assert known_BE is not None
        return known_BE

    def scales(self, prompts: Sequence[str]) -> dict[str, float]:
        """Share of padding rows, and `salient_rms`, the scale of rows where CADS and PADS act."""
        import torch

        from padstal.diffusion.clips import CaptionStates
        from padstal.sampling.conditioning_scale import conditioning_scale

        denoiser = self.trained.denoiser

        def conditioning(some: Sequence[str]) -> Conditioning:
            usual = {name: [own] * len(some) for name, own in self.attributes.items()}
            texts = self.texts(some, usual)
            text = CaptionStates.encode(texts, self.text_encoder).of(texts)
            text = TextStates(text.states_BLD.to(self.device), text.mask_BL.to(self.device))
            return denoiser.condition(text, {name: torch.tensor(own).to(self.device) for name, own in usual.items()})

        starts = range(0, len(prompts), SCALED_AT_ONCE)
        return asdict(conditioning_scale(denoiser, (conditioning(prompts[at : at + SCALED_AT_ONCE]) for at in starts)))
