"""`prepare`: the foundation models, trained on a draw of the composer (demo, study) or published (full)."""

from typing import Annotated, Literal

from pydantic import Field

from padstal.core.section import FftSize, Section, value
from padstal.foundation.config import (
    ClapShape,
    DacLatents,
    MelCodecShape,
    PmosShape,
    PublishedCaptioner,
    PublishedClap,
    PublishedDac,
    PublishedMelCodec,
    PublishedPmos,
    PublishedStableAudio,
    PublishedTextEncoder,
    SmallDacShape,
    TaggerShape,
    TextEncoderShape,
)


class Draw(Section):
    """The composer's clips that models learn from; another seed than the corpus', so no piece is in both."""

    seed: int = value("seed of the draw; expected to differ from every synth source's", ge=0)
    clip_seconds: float = value("length of a clip", "s", gt=0.5, le=60)
    sample_rate: int = value("sample rate of clips, and of the trained models", "Hz", ge=8_000, le=192_000)
    degraded_share: float = value("share of clips with a degradation of random kind and severity", ge=0, le=1)
    held_out: int = value("clips kept out of training, to test on", "clips", ge=20)


class Fit(Section):
    """How long and how fast a small model is trained."""

    steps: int = value("optimiser steps", "steps", ge=1)
    batch: int = value("examples a step", ge=2)
    learning_rate: float = value("highest learning rate; cosine decay after a linear warm-up", gt=0, le=1)
    seed: int = value("seed of weights, order, augmentation and dropout", ge=0)


class Trained(Section):
    """What is said of every model that is trained here."""

    kind: Literal["trained"]
    fit: Fit


class TrainedOnClips(Trained):
    """A model that learns from the draw's clips."""

    clips: int = value("clips to learn from", "clips", ge=20)


class TrainedClap(ClapShape, TrainedOnClips):
    """A small CLAP."""


class TrainedPmos(PmosShape, TrainedOnClips):
    """A p-MOS regressor."""


class TrainedTagger(TaggerShape, TrainedOnClips):
    """A tagger."""


class TrainedTextEncoder(TextEncoderShape, Trained):
    """A text encoder."""

    captions: int = value("captions to learn from", "captions", ge=20)
    held_out_captions: int = value("captions kept out of training, to test on", "captions", ge=20)


class TrainedMelCodec(MelCodecShape, TrainedOnClips):
    """A codec of mel spectrograms."""

    crop_frames: int = value("length of a crop", "mel frames", ge=8, multiple_of=4)
    kl: float = value("weight of the divergence, a mean over latent values", ge=0)
    fft_sizes: tuple[FftSize, ...] = value("windows of the vocoder's spectral loss", "samples", min_length=1)


class TrainedDac(SmallDacShape, DacLatents, TrainedOnClips):
    """A small codec with the Descript Audio Codec's quantiser."""

    crop_frames: int = value("length of a crop", "latent frames", ge=4)
    continuous: float = value("share of steps before the codebooks are set and used", ge=0, lt=1)
    quantizer_dropout: float = value(
        "share of crops of which only a random number of codebooks is used, so that the first alone can be decoded",
        ge=0,
        le=1,
    )
    fft_sizes: tuple[FftSize, ...] = value("windows of both spectral losses", "samples", min_length=1)
    mel: float = value("weight of the distance of log-mel magnitudes", ge=0)
    mrstft: float = value("weight of the multi-resolution STFT loss", ge=0)
    commitment: float = value("weight of the distance that draws the encoder to the codebooks", ge=0)
    codebook: float = value("weight of the distance that draws the codebooks to the encoder", ge=0)


class ComposedCaptioner(Section):
    """Captions are composed of the tagger's tags; there is nothing to train."""

    kind: Literal["composed"]


TextEncoderParams = Annotated[TrainedTextEncoder | PublishedTextEncoder, Field(discriminator="kind")]


class PrepareParams(Section):
    """One section a role; the tagger is trained at every scale."""

    draw: Draw
    clap: Annotated[TrainedClap | PublishedClap, Field(discriminator="kind")]
    pmos: Annotated[TrainedPmos | PublishedPmos, Field(discriminator="kind")]
    captioner: Annotated[ComposedCaptioner | PublishedCaptioner, Field(discriminator="kind")]
    tagger: TrainedTagger
    text_encoder: TextEncoderParams
    flan_t5: TextEncoderParams
    mel_codec: Annotated[TrainedMelCodec | PublishedMelCodec, Field(discriminator="kind")]
    dac: Annotated[TrainedDac | PublishedDac, Field(discriminator="kind")]
    stable_audio_open: PublishedStableAudio | None = value(
        "to begin a training from (`padstal weights convert`); no stage reads it", default=None
    )
