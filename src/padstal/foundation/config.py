"""What foundation models are: sizes of the small ones, which their folders keep, and the files of published ones."""

import math
from typing import Annotated, Literal

from pydantic import Field, model_validator

from padstal.core.section import Count, Section, value
from padstal.foundation.fetch import PinnedFiles


class ClapShape(Section):
    """Size of a small CLAP of laion_clap's classes."""

    embedding: int = value("features of the joint space", ge=8)
    bands: int = value("mel bands", "bands", ge=16, le=256)
    image: int = value("side of HTSAT's image; a clip is image² / bands frames", "pixels", ge=32)
    patch: int = value("side of a patch of the image", "pixels", ge=2)
    width: int = value("features of a patch in the first group of layers; they double from group to group", ge=8)
    depths: tuple[Count, ...] = value("layers of each group", "layers", min_length=1)
    heads: tuple[Count, ...] = value("attention heads of each group", "heads", min_length=1)
    text_width: int = value("features of a byte in the text tower", ge=8)
    text_layers: int = value("layers of the text tower", "layers", ge=1)
    text_heads: int = value("attention heads of the text tower", "heads", ge=1)
    text_length: int = value("bytes of the longest text, the end token counted", "bytes", ge=16, le=1024)

    @model_validator(mode="after")
    def _image_is_of_whole_bands_and_patches(self) -> "ClapShape":
        if self.image % self.bands or self.image % self.patch:
            raise ValueError(
                f"image = {self.image}: expected a multiple of bands = {self.bands} and patch = {self.patch}"
            )
        if len(self.depths) != len(self.heads):
            raise ValueError(f"depths = {self.depths} and heads = {self.heads}: expected equal lengths")
        for group, heads in enumerate(self.heads):
            if self.width * 2**group % heads:
                raise ValueError(f"heads.{group} = {heads}: expected a divisor of {self.width * 2**group} features")
        if self.text_width % self.text_heads:
            raise ValueError(f"text_width = {self.text_width} must be a multiple of text_heads = {self.text_heads}")
        return self

    @property
    def frames(self) -> int:
        """Frames of a window."""
        return self.image * self.image // self.bands


class PmosShape(Section):
    """Size of the p-MOS regressor on statistics of waveform and mel bands."""

    bands: int = value("mel bands", "bands", ge=16, le=256)
    width: int = value("features of the hidden layers", ge=8)
    dropout: float = value("share of features left out in training; half of it of statistics", ge=0, lt=1)


class TaggerShape(Section):
    """Size of the convolutional tagger of genre, instruments, mood and tempo."""

    bands: int = value("mel bands", "bands", ge=16, le=256)
    width: int = value("channels over time", "channels", ge=8)
    depth: int = value("residual blocks", "blocks", ge=1, le=12)
    features: int = value("features before the heads; also those of the Fréchet distance", ge=8)


class TextEncoderShape(Section):
    """Size of a small byte-level T5."""

    width: int = value("features of a position", ge=16)
    layers: int = value("encoder layers", "layers", ge=1)
    heads: int = value("attention heads; each has width / heads features", "heads", ge=1)
    decoder_layers: int = value("layers of the decoder that is thrown away", "layers", ge=1)
    max_length: int = value("positions that every text is padded or cut to", "tokens", ge=16, le=1024)

    @model_validator(mode="after")
    def _heads_share_the_width(self) -> "TextEncoderShape":
        if self.width % self.heads:
            raise ValueError(f"width = {self.width}: expected a multiple of heads = {self.heads}")
        return self


class MelCodecShape(Section):
    """Size of a small codec of log-mel spectrograms: a convolutional VAE, and a vocoder after it."""

    bands: int = value("mel bands", "bands", ge=8, le=256, multiple_of=4)
    window: int = value("Fourier window of the mel spectrogram", "samples", ge=64)
    hop: int = value("samples of a mel frame; a latent frame has four", "samples", ge=16)
    latent_channels: int = value("channels of the latent", "channels", ge=1)
    width: int = value("features of a block of the VAE", "features", ge=8)
    depth: int = value("blocks of its encoder, and of its decoder", "blocks", ge=1)
    vocoder_window: int = value("window of the vocoder's STFT", "samples", ge=64)
    vocoder_width: int = value("features of a block of the vocoder", "features", ge=8)
    vocoder_depth: int = value("blocks of the vocoder", "blocks", ge=1)

    @model_validator(mode="after")
    def _windows_fit_the_hop(self) -> "MelCodecShape":
        if self.window <= self.hop or (self.window - self.hop) % 2:
            raise ValueError(f"window = {self.window}: expected hop = {self.hop} and an even number of samples more")
        if self.vocoder_window % self.hop or (self.vocoder_window - self.hop) % 2:
            raise ValueError(f"vocoder_window = {self.vocoder_window}: expected an even multiple of hop = {self.hop}")
        return self


Stride = Annotated[int, Field(ge=2, multiple_of=2)]
"""An odd one would decode a frame to a sample less than it was encoded from."""


class DacShape(Section):
    """Size of a `DAC` of descript-audio-codec, by the names of its arguments."""

    encoder_dim: int = value("channels of the encoder at full rate; every stride doubles them", "channels", ge=1)
    encoder_rates: tuple[Stride, ...] = value(
        "strides of the encoder; a latent frame is their product", "samples", min_length=1
    )
    decoder_dim: int = value("channels of the decoder at the rate of latents; every stride halves them", ge=1)
    decoder_rates: tuple[Stride, ...] = value("strides of the decoder; of the same product", "samples", min_length=1)
    n_codebooks: int = value("N, codebooks; each quantises what those before it left", ge=1)
    codebook_size: int = value("entries of a codebook", "entries", ge=2)
    codebook_dim: int = value("channels of an entry", "channels", ge=1)

    @model_validator(mode="after")
    def _decoder_undoes_the_encoder(self) -> "DacShape":
        if math.prod(self.encoder_rates) != math.prod(self.decoder_rates):
            raise ValueError(
                f"encoder_rates = {self.encoder_rates}, decoder_rates = {self.decoder_rates}: expected equal products"
            )
        if self.decoder_dim % 2 ** len(self.decoder_rates):
            raise ValueError(
                f"decoder_dim = {self.decoder_dim}: expected a multiple of {2 ** len(self.decoder_rates)}, "
                f"as {len(self.decoder_rates)} strides halve it"
            )
        return self


class SmallDacShape(Section):
    """Size of a small codec around descript-audio-codec's quantiser (`nn/small_dac.py`)."""

    width: int = value("features of a block of encoder and decoder", "features", ge=8)
    n_fft: int = value("window of their STFT", "samples", ge=64)
    hop: int = value("samples of a latent frame", "samples", ge=16)
    depth: int = value("blocks before the latent's, and after them", "blocks", ge=1)
    deep_depth: int = value("blocks next to the latent", "blocks", ge=1)
    embedding: int = value("channels that are quantised", "channels", ge=8)
    n_codebooks: int = value("N, codebooks; each quantises what those before it left", ge=1)
    codebook_size: int = value("entries of a codebook", "entries", ge=2)
    codebook_dim: int = value("channels of an entry", "channels", ge=1)

    @model_validator(mode="after")
    def _windows_overlap_evenly(self) -> "SmallDacShape":
        if self.n_fft % self.hop or (self.n_fft - self.hop) % 2:
            raise ValueError(f"n_fft = {self.n_fft}: expected an even multiple of hop = {self.hop}")
        return self


class DacLatents(Section):
    """What is taken for the latents of a `DAC`."""

    target: Literal["pre", "post"] = value(
        "projections before quantisation (DiscoDiff's code), or the codebooks' entries (its eq. 1)"
    )
    multiple: int = value(
        "latents have a multiple of so many frames, the last of silence; a U-Net that halves four times needs 16",
        "latent frames",
        ge=1,
    )


class PublishedClap(Section):
    """LAION's CLAP."""

    kind: Literal["pretrained"]
    weights: PinnedFiles
    tokenizer: PinnedFiles


class PublishedPmos(Section):
    """A fine-tuned wav2vec 2.0 with fairseq's names, such as QAMA."""

    kind: Literal["pretrained"]
    weights: PinnedFiles


class PublishedCaptioner(Section):
    """LP-MusicCaps' `transfer` model."""

    kind: Literal["pretrained"]
    weights: PinnedFiles
    tokenizer: PinnedFiles
    licence: str = value(
        "licence of the captions that it writes; noted beside every caption that has one", min_length=1
    )


class PublishedTextEncoder(Section):
    """A T5 or FLAN-T5."""

    kind: Literal["pretrained"]
    weights: PinnedFiles
    tokenizer: PinnedFiles
    max_length: int = value("positions that every text is padded or cut to", "tokens", ge=16, le=1024)


class PublishedMelCodec(Section):
    """AudioLDM 2's VAE of mel spectrograms and its HiFi-GAN."""

    kind: Literal["pretrained"]
    weights: PinnedFiles
    clip_seconds: float = value("length of a clip; its latent is decoded to exactly that", "s", gt=0.5, le=60)


class PublishedDac(DacLatents):
    """The Descript Audio Codec."""

    kind: Literal["pretrained"]
    weights: PinnedFiles
    clip_seconds: float = value("length of a clip; its latent is decoded to exactly that", "s", gt=0.5, le=60)


class PublishedStableAudio(Section):
    """Stable Audio Open, to begin a training from."""

    weights: PinnedFiles


class PublishedEmbedder(Section):
    """One of the field's embedders, by which a metric hears."""

    kind: Literal["passt", "panns", "openl3", "vggish"] = value("which network")
    weights: PinnedFiles

    @model_validator(mode="after")
    def _is_one_file(self) -> "PublishedEmbedder":
        if len(self.weights.sha256) != 1:
            raise ValueError(f"sha256 names {', '.join(self.weights.sha256)}: expected one checkpoint")
        return self


Published = PublishedClap | PublishedPmos | PublishedCaptioner | PublishedTextEncoder | PublishedMelCodec | PublishedDac
