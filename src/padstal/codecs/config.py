"""`train_vae`: the audio-only autoencoder (Stable Audio Open) and the text-aware one (PADS-TAL 2.2), complete each.

What a codec is (`codec:`) is what its checkpoint's config.json holds; the rest says how it is trained.
"""

from typing import TYPE_CHECKING, Any, Literal, Protocol

from pydantic import model_validator

from padstal.codecs.backbones import BackboneField
from padstal.codecs.discriminators import DiscriminatorField, FeatureMatching
from padstal.core.kinds import Kinds
from padstal.core.section import FftSize, Section, value
from padstal.training.config import TrainConfig
from padstal.training.learning_rate import Rate

if TYPE_CHECKING:
    from padstal.codecs.audio_vae import AudioVae
    from padstal.codecs.tal_vae import TalVae
    from padstal.core.protocols import Codec


class TextForm(Section):
    """Form of the text states that an autoencoder reads."""

    width: int = value("H, features of a state", "features", ge=1)
    max_length: int = value("L, positions of a text", "positions", ge=1)
    vocabulary: int = value("V, token ids", ge=1)


class CropForm(Section):
    """What an autoencoder is made for: the form of the crops it is trained on, and of their texts."""

    sample_rate: int = value("of the audio", "Hz", ge=1)
    channels: int = value("of the audio", "channels", ge=1)
    frames: int = value("T, length of a crop", "latent frames", ge=1)
    text: TextForm | None = value("of the text states; null for an autoencoder that reads none")


class CodecConfig(Protocol):
    """A kind of autoencoder."""

    @property
    def ratio(self) -> int:
        """Samples of a latent frame."""
        ...

    def build(self, form: CropForm) -> Any:
        """A fresh model for crops of `form`."""
        ...

    def freeze(self, model: Any, form: CropForm) -> "Codec":
        """A trained model behind `protocols.Codec`."""
        ...


class AutoencoderPlace(Section):
    """Where an autoencoder belongs, as the list `autoencoders` of `params.yaml` says."""

    needs: str = value(
        "model of models/<scale> that is made first: the one that it may begin from (init_from), vae/audio, or "
        "foundation/text_encoder",
        pattern=r"^\w[\w-]*/\w[\w-]*$",
    )


class AudioVaeConfig(Section):
    """Stable Audio Open's autoencoder."""

    kind: Literal["audio_vae"] = "audio_vae"
    latent_channels: int = value("channels of z", "channels", ge=1)
    backbone: BackboneField

    @property
    def ratio(self) -> int:
        return self.backbone.ratio

    def build(self, form: CropForm) -> "AudioVae":
        from padstal.codecs.audio_vae import AudioVae

        return AudioVae(self, form)

    def freeze(self, model: "AudioVae", form: CropForm) -> "Codec":
        from padstal.codecs.audio_vae import FrozenAudioVae

        return FrozenAudioVae(model, form)


class TalVaeConfig(Section):
    """PADS-TAL's multimodal autoencoder."""

    kind: Literal["tal_vae"] = "tal_vae"
    private_channels: int = value("W, channels of w_m", "channels", ge=1)
    shared_channels: int = value("Z, channels of z_m, z_p and w_t", "channels", ge=1)
    z_layout: Literal["resampled", "global"] = value(
        "z with frames of its own (the paper's code), or one vector a clip"
    )
    initial_std: float = value("σ of the posteriors where training begins; ln 2 = 0.693147 is the paper's", gt=0, le=1)
    private_std: float | None = value(
        "the same of w_m alone, where it is another; 0.693147 where training starts from an audio autoencoder",
        default=None,
        gt=0,
        le=1,
    )
    backbone: BackboneField
    shared_width: int = value("width of the z_m encoder; the rest of its form is the backbone's", ge=4)
    pool_width: int = value("features that text latents are pooled from; at least twice the frames of a clip", ge=2)
    text_width: int = value("features of the text decoder", "features", ge=8)
    text_heads: int = value("attention heads of the text decoder", "heads", ge=1)
    text_feedforward: int = value("hidden features of its feed-forward layers", "features", ge=8)
    text_norm: bool = value("whether a last LayerNorm stands before its logits, as in the released code", default=False)
    text_dropout: float = value(
        "probability of dropout in its layers; 0.1 in the released code", default=0.0, ge=0, lt=1
    )

    @model_validator(mode="after")
    def _heads_fit(self) -> "TalVaeConfig":
        if self.text_width % self.text_heads:
            raise ValueError(f"text_width = {self.text_width} must be a multiple of text_heads = {self.text_heads}")
        return self

    @property
    def ratio(self) -> int:
        return self.backbone.ratio

    @property
    def channel_groups(self) -> dict[str, tuple[int, int]]:
        """Where w_m and z_p lie in the text-aware latent."""
        W, Z = self.private_channels, self.shared_channels
        return {"w_m": (0, W), "z_p": (W, W + Z)}

    def build(self, form: CropForm) -> "TalVae":
        from padstal.codecs.tal_vae import TalVae

        return TalVae(self, form)

    def freeze(self, model: "TalVae", form: CropForm) -> "Codec":
        from padstal.codecs.tal_vae import FrozenTalVae

        return FrozenTalVae(model, form)


CODECS = Kinds("codec", AudioVaeConfig, TalVaeConfig)


class MrstftParams(Section):
    """The reconstruction loss."""

    fft_sizes: tuple[FftSize, ...] = value("windows of the resolutions", "samples", min_length=1)
    a_weighting: bool = value("weigh frequencies as the ear does (A-weighting)")


class AdversaryParams(Section):
    """The discriminator and its training."""

    network: DiscriminatorField
    loss: Literal["hinge", "lsgan"] = value("kind of adversarial loss")
    feature_matching: FeatureMatching = value(
        "distance of features: over their mean size, or plain, as Stable Audio Open's released code",
        default="normalised",
    )
    start: int = value("step from which generator and discriminator alternate", "steps", ge=0)
    frames: int = value("length of the part of a crop that it sees", "latent frames", ge=1)
    learning_rate: float = value("peak learning rate", gt=0, lt=1)
    rate: Rate = value("how its learning rate rises and falls")
    clip: float = value("largest norm of its gradient", gt=0)


class VaeTrainConfig(TrainConfig):
    """How an autoencoder is trained."""

    crop_frames: int = value("length of a crop", "latent frames", ge=1)


class AudioWeights(Section):
    """Weights of Stable Audio Open's objective."""

    adversarial: float = value("α of the adversarial loss", ge=0)
    feature_matching: float = value("α of feature matching", ge=0)
    mrstft: float = value("α of the multi-resolution STFT loss", ge=0)
    waveform: float = value("α of the waveform's L1 distance", ge=0)
    kl: float = value("α of the divergence, which is summed over channels and without ½", ge=0)


class TalWeights(Section):
    """Weights of PADS-TAL's ten terms, and of the two auxiliary ones of its released configuration."""

    adversarial: float = value("α of the adversarial loss", ge=0)
    feature_matching: float = value("α of feature matching", ge=0)
    mrstft: float = value("α of the multi-resolution STFT loss, half own and half cross", ge=0)
    waveform: float = value("α of the waveform's L1 distance", ge=0)
    ce: float = value("α of the text's cross-entropy, half own and half cross", ge=0)
    alignment: float = value("α of latent alignment", ge=0)
    kl_z_m: float = value("α of the divergence of z_m, summed over channels and without ½", ge=0)
    kl_z_p: float = value("α of the divergence of z_p", ge=0)
    kl_w_m: float = value("α of the divergence of w_m", ge=0)
    kl_w_t: float = value("α of the divergence of w_t", ge=0)


class AudioVaeParams(Section):
    """The audio-only autoencoder."""

    codec: AudioVaeConfig
    mrstft: MrstftParams
    weights: AudioWeights
    discriminator: AdversaryParams
    training: VaeTrainConfig


class TalVaeParams(Section):
    """The text-aware autoencoder."""

    codec: TalVaeConfig
    private_dropout: float = value("probability that cross paths get w from the prior; 0 is the paper", ge=0, le=0.5)
    precompute_text: bool = value("encode each distinct caption once, beforehand, and keep the states in memory")
    mrstft: MrstftParams
    weights: TalWeights
    discriminator: AdversaryParams
    training: VaeTrainConfig


class TrainVaeParams(Section):
    """One section an autoencoder."""

    audio: AudioVaeParams
    tal: TalVaeParams
