"""What a codec makes of a clip, and what that takes, before any codec exists.

Autoencoders and small codecs are built of fake tensors and counted; of published ones the sizes are known.
"""

from dataclasses import dataclass, replace
from typing import Any

import torch

from padstal.codecs.checkpoint import as_shipped
from padstal.codecs.config import AudioVaeParams, CropForm, TalVaeParams, TextForm
from padstal.codecs.dac import FrozenDac
from padstal.codecs.mel_codec import FrozenMelCodec
from padstal.core.data.units import seconds_to_samples
from padstal.core.protocols import TEXT_GROUP, Codec, TextStates
from padstal.demo.config import TrainedDac, TrainedMelCodec
from padstal.diffusion.config import TextEncoderName
from padstal.foundation import dac, mel_codec
from padstal.foundation.config import PublishedDac, PublishedMelCodec, PublishedTextEncoder
from padstal.foundation.text_encoder import BYTE_VOCABULARY
from padstal.ingest.clip_form import ClipForm
from padstal.operations.planning.counting import flops, parameters
from padstal.operations.planning.published import known, name_of
from padstal.stages.params import Scale
from padstal.training.memory import Fake


@dataclass(frozen=True)
class CodecSize:
    """A codec, for clips of one form.

    Attributes:
        parameters: Numbers that its file holds.
        shape: Of a clip's latent.
        first: Channels of the latent's first group.
        heard: Numbers that `encode` keeps of a clip besides the latent.
        encode: Operations for a clip.
        decode: The same.
        text_aware: Whether `encode` keeps reconstructions a second time, with another clip's text.
    """

    parameters: int
    shape: tuple[int, ...]
    first: int
    heard: int
    encode: float
    decode: float
    text_aware: bool = False

    def cropped(self, frames: int | None) -> "CodecSize":
        """For crops of so many latent frames; None for whole clips.

        Raises:
            ValueError: The clips are shorter.
        """
        channels, whole, *others = self.shape
        if frames is None:
            return self
        if frames > whole:
            raise ValueError(f"crop_frames = {frames}: the clips have {whole} latent frames")
        share = frames / whole
        return replace(self, shape=(channels, frames, *others), encode=share * self.encode, decode=share * self.decode)


def text_form(scale: Scale, role: TextEncoderName = "text_encoder") -> TextForm:
    """Form of the text states of a scale.

    Raises:
        ValueError: Of a published text encoder whose sizes are not known.
    """
    section = getattr(scale.prepare, role)
    if isinstance(section, PublishedTextEncoder):
        width, vocabulary = known(name_of(section)).shape
    else:
        width, vocabulary = section.width, BYTE_VOCABULARY
    return TextForm(width=width, max_length=section.max_length, vocabulary=vocabulary)


def crop_form(scale: Scale, params: AudioVaeParams | TalVaeParams) -> CropForm:
    """The crops that an autoencoder is trained on."""
    return CropForm(
        sample_rate=scale.ingest.sample_rate,
        channels=scale.ingest.channels,
        frames=params.training.crop_frames,
        text=text_form(scale) if isinstance(params, TalVaeParams) else None,
    )


def codec_size(name: str, scale: Scale) -> CodecSize:
    """The codec of a name in the list `codecs`.

    Raises:
        ValueError: A published one of unknown sizes, or clips that are no whole number of its frames.
    """
    clips, rate = scale.ingest, scale.prepare.draw.sample_rate
    section: Any = {"mel": scale.prepare.mel_codec, "dac": scale.prepare.dac}.get(name)
    match section:
        case PublishedMelCodec() | PublishedDac():
            return _published(section.weights.repository, clips)
        case TrainedMelCodec():
            model = mel_codec.small_networks(section, rate)
            form = mel_codec.small_config(section, rate, clips.clip_seconds)["form"]
            codec: Codec = FrozenMelCodec(mel_codec.MelCodecModel(model, mel_codec.MelForm(**form)))
        case TrainedDac():
            model = dac.build(section, rate)
            codec = FrozenDac(dac.DacModel(model, section, seconds_to_samples(clips.clip_seconds, rate)))
        case _:
            params = getattr(scale.train_vae, name)
            crops = crop_form(scale, params)
            with Fake():
                model = as_shipped(params.codec.build(crops))
                return _counted(params.codec.freeze(model, crops), model, clips, crops.text)
    return _counted(codec, model, clips, None)  # small enough to be run


def _counted(codec: Codec, model: Any, clips: ClipForm, text: TextForm | None) -> CodecSize:
    samples = seconds_to_samples(clips.clip_seconds, codec.sample_rate)
    audio = torch.zeros(1, codec.channels, samples)
    shape, states = codec.latent_shape(samples), None
    if text:
        real_BL = torch.ones(1, text.max_length, dtype=torch.bool)
        states = TextStates(torch.zeros(1, text.max_length, text.width), real_BL)
    with torch.no_grad():
        return CodecSize(
            parameters=parameters(model),
            shape=shape,
            first=min(stop for _, stop in codec.channel_groups.values()),
            heard=sum(heard.numel() for heard in codec.probes(audio).values()),
            encode=flops(lambda: (codec.encode(audio, states), codec.probes(audio))),
            decode=flops(lambda: codec.decode(torch.zeros(1, *shape))),
            text_aware=TEXT_GROUP in codec.channel_groups,
        )


def _published(repository: str, clips: ClipForm) -> CodecSize:
    model = known(repository)
    rate, ratio, channels, first, bands, multiple = model.shape
    frames = -(-seconds_to_samples(clips.clip_seconds, rate) // (ratio * multiple)) * multiple
    seconds = frames * ratio / rate
    shape = (channels, frames, bands) if bands else (channels, frames)
    return CodecSize(model.parameters, shape, first, 0, model.reads * seconds, model.writes * seconds)
