"""`train_vae`: the audio-only autoencoder (Stable Audio Open) and the text-aware one (PADS-TAL 2.2), complete each."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from padstal.core.section import Section, value


class OobleckParams(Section):
    """Stable Audio Open's convolutional backbone."""

    kind: Literal["oobleck"]
    width: int = value("channels at full rate", "channels", ge=4)
    multiples: tuple[int, ...] = value("channels of each level, in units of the width", min_length=1)
    strides: tuple[int, ...] = value("downsampling between levels; their product is the ratio", min_length=1)


class SpectralParams(Section):
    """The light backbone: STFT, ConvNeXt blocks, inverse STFT."""

    kind: Literal["spectral"]
    width: int = value("features of a block", "features", ge=8)
    n_fft: int = value("window of the STFT", "samples", ge=64)
    hop: int = value("samples of an STFT frame", "samples", ge=16)
    stride: int = value("STFT frames of a latent frame", "frames", ge=1)
    depth: int = value("blocks at the rate of STFT frames", "blocks", ge=1)
    deep_depth: int = value("blocks at the rate of latent frames", "blocks", ge=1)


BackboneParams = Annotated[OobleckParams | SpectralParams, Field(discriminator="kind")]


class StftDiscriminatorParams(Section):
    """EnCodec's complex multi-scale STFT discriminator."""

    kind: Literal["stft"]
    fft_sizes: tuple[int, ...] = value("window of each scale", "samples", min_length=1)
    filters: int = value("filters of each layer", "channels", ge=1)


class DacDiscriminatorParams(Section):
    """The Descript Audio Codec's discriminator."""

    kind: Literal["dac"]
    fft_sizes: tuple[int, ...] = value("windows of the multi-band spectrograms", "samples")
    periods: tuple[int, ...] = value("periods of the multi-period discriminators", "samples")


DiscriminatorParams = Annotated[StftDiscriminatorParams | DacDiscriminatorParams, Field(discriminator="kind")]


class MrstftParams(Section):
    """The reconstruction loss."""

    fft_sizes: tuple[int, ...] = value("windows of the resolutions", "samples", min_length=1)
    a_weighting: bool = value("weigh frequencies as the ear does (A-weighting)")


class VaeTrainingParams(Section):
    """How an autoencoder is trained."""

    steps: int = value("steps, each of the generator or of the discriminator", "steps", ge=1)
    batch: int = value("crops of a step", "crops", ge=1)
    crop_frames: int = value("length of a crop", "latent frames", ge=1)
    learning_rate: float = value("peak learning rate of the autoencoder", gt=0, lt=1)
    discriminator_learning_rate: float = value("peak learning rate of the discriminator", gt=0, lt=1)
    schedule: Literal["inverse", "cosine"] = value("how rates fall: InverseLR (Stable Audio Open) or a cosine")
    warmup_steps: int = value("steps (inverse: time constant) of the warm-up", "steps", ge=0)
    inverse_scale_steps: float = value("γ of InverseLR: steps after which the rate is 1/√2 of its peak", "steps", gt=0)
    weight_decay: float = value("AdamW's decoupled weight decay", ge=0, lt=1)
    discriminator_start: int = value("step from which generator and discriminator alternate", "steps", ge=0)
    judged_frames: int = value("length of the part of a crop that the discriminator sees", "latent frames", ge=1)
    adversarial: Literal["hinge", "lsgan"] = value("kind of adversarial loss")
    generator_clip: float = value("largest norm of the autoencoder's gradient", gt=0)
    discriminator_clip: float = value("largest norm of the discriminator's gradient", gt=0)
    ema_decay: float = value("decay of the averaged weights that are kept", ge=0, lt=1)
    precision: Literal["32-true", "bf16-mixed"] = value("arithmetic of matrix products; STFTs stay in float32")
    seed: int = value("seed of weights, order, crops and noise", ge=0)
    log_every: int = value("steps between rows of the training curves", "steps", ge=1)
    probe_every: int = value("steps between probes of the latents; a multiple of log_every", "steps", ge=1)
    probe_clips: int = value("clips that the probes read", "clips", ge=2)
    checkpoint_every: int = value("steps between checkpoints that a killed run resumes from", "steps", ge=1)

    @model_validator(mode="after")
    def _probes_fall_on_rows(self) -> "VaeTrainingParams":
        if self.probe_every % self.log_every:
            raise ValueError(f"probe_every = {self.probe_every} must be a multiple of log_every = {self.log_every}")
        return self


class AudioWeightsParams(Section):
    """Weights of Stable Audio Open's objective."""

    adversarial: float = value("α of the adversarial loss", ge=0)
    feature_matching: float = value("α of feature matching", ge=0)
    mrstft: float = value("α of the multi-resolution STFT loss", ge=0)
    waveform: float = value("α of the waveform's L1 distance", ge=0)
    kl: float = value("α of the divergence, which is summed over channels and without ½", ge=0)


class TalWeightsParams(Section):
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

    latent_channels: int = value("channels of z", "channels", ge=1)
    backbone: BackboneParams
    discriminator: DiscriminatorParams
    mrstft: MrstftParams
    weights: AudioWeightsParams
    training: VaeTrainingParams


class TalVaeParams(Section):
    """The text-aware autoencoder."""

    private_channels: int = value("channels of w_m", "channels", ge=1)
    shared_channels: int = value("channels of z_m, z_p and w_t", "channels", ge=1)
    z_layout: Literal["resampled", "global"] = value(
        "z with frames of its own (the paper's code), or one vector a clip"
    )
    initial_std: float = value("σ of the posteriors where training begins; ln 2 = 0.693147 is the paper's", gt=0, le=1)
    private_dropout: float = value("probability that cross paths get w from the prior; 0 is the paper", ge=0, le=0.5)
    backbone: BackboneParams
    shared_width: int = value("width of the z_m encoder; the rest of its form is the backbone's", ge=4)
    pool_width: int = value("features that text latents are pooled from; at least twice the frames of a clip", ge=2)
    text_width: int = value("features of the text decoder", "features", ge=8)
    text_heads: int = value("attention heads of the text decoder", "heads", ge=1)
    text_feedforward: int = value("hidden features of its feed-forward layers", "features", ge=8)
    precompute_text: bool = value("encode each distinct caption once, beforehand, and keep the states in memory")
    discriminator: DiscriminatorParams
    mrstft: MrstftParams
    weights: TalWeightsParams
    training: VaeTrainingParams

    @model_validator(mode="after")
    def _heads_fit(self) -> "TalVaeParams":
        if self.text_width % self.text_heads:
            raise ValueError(f"text_width = {self.text_width} must be a multiple of text_heads = {self.text_heads}")
        return self


class TrainVaeParams(Section):
    """One section an autoencoder."""

    audio: AudioVaeParams
    tal: TalVaeParams
