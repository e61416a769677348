"""`prepare`: the foundation models, trained on a draw of the composer (demo, study) or published (full)."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from padstal.core.section import Section, value


class Draw(Section):
    """The composer's clips that models learn from; another seed than the corpus', so no piece is in both."""

    seed: int = value("seed of the draw; expected to differ from every synth source's", ge=0)
    clip_seconds: float = value("length of a clip", "s", gt=0.5, le=60)
    sample_rate: int = value("sample rate of clips, and of the trained models", "Hz", ge=8_000, le=192_000)
    degraded_share: float = value("share of clips with a degradation of random kind and severity", ge=0, le=1)
    held_out: int = value("clips kept out of training, to test on", "clips", ge=20)


class Fit(Section):
    """How a small model is trained."""

    steps: int = value("optimiser steps", "steps", ge=1)
    batch: int = value("examples a step", ge=2)
    learning_rate: float = value("highest learning rate; cosine decay after a linear warm-up", gt=0, le=1)
    seed: int = value("seed of weights, order and augmentation", ge=0)


class Files(Section):
    """Published files, pinned."""

    repository: str = value("owner/name on the hub, or a local folder that holds the files", min_length=3)
    revision: str = value("commit, 40 hexadecimal digits; 'unverified' until someone has chosen it", min_length=1)
    sha256: dict[str, Annotated[str, Field(pattern=r"^([0-9a-f]{64}|unverified)$")]] = value(
        "file name → sha256 of its content; 'unverified' is refused until it is replaced", min_length=1
    )


class TrainedClap(Section):
    """A small CLAP of laion_clap's classes."""

    kind: Literal["trained"]
    clips: int = value("clips to learn from", "clips", ge=20)
    fit: Fit
    embedding: int = value("features of the joint space", ge=8)
    bands: int = value("mel bands", "bands", ge=16, le=256)
    image: int = value("side of HTSAT's image; a clip is image² / bands frames", "pixels", ge=32)
    patch: int = value("side of a patch of the image", "pixels", ge=2)
    width: int = value("features of a patch in the first group of layers", ge=8)
    depths: tuple[int, ...] = value("layers of each group", "layers", min_length=1)
    heads: tuple[int, ...] = value("attention heads of each group", "heads", min_length=1)
    text_width: int = value("features of a byte in the text tower", ge=8)
    text_layers: int = value("layers of the text tower", "layers", ge=1)
    text_heads: int = value("attention heads of the text tower", "heads", ge=1)
    text_length: int = value("bytes of the longest text, the end token counted", "bytes", ge=16, le=1024)

    @model_validator(mode="after")
    def _one_number_of_heads_a_group(self) -> "TrainedClap":
        if len(self.depths) != len(self.heads):
            raise ValueError(f"depths = {self.depths} and heads = {self.heads}: expected equal lengths")
        return self


class PublishedClap(Section):
    """LAION's CLAP."""

    kind: Literal["pretrained"]
    weights: Files
    tokenizer: Files


class TrainedPmos(Section):
    """A p-MOS regressor on statistics of waveform and mel bands."""

    kind: Literal["trained"]
    clips: int = value("clips to learn from", "clips", ge=20)
    fit: Fit
    bands: int = value("mel bands", "bands", ge=16, le=256)
    width: int = value("features of the hidden layers", ge=8)
    dropout: float = value("share of features left out in training", ge=0, lt=1)


class PublishedPmos(Section):
    """A fine-tuned wav2vec 2.0 with fairseq's names, such as QAMA."""

    kind: Literal["pretrained"]
    weights: Files


class TrainedTagger(Section):
    """A convolutional tagger of genre, instruments, mood and tempo."""

    kind: Literal["trained"]
    clips: int = value("clips to learn from", "clips", ge=20)
    fit: Fit
    bands: int = value("mel bands", "bands", ge=16, le=256)
    width: int = value("channels over time", "channels", ge=8)
    depth: int = value("residual blocks", "blocks", ge=1, le=12)
    features: int = value("features before the heads; also those of the Fréchet distance", ge=8)


class TrainedTextEncoder(Section):
    """A small byte-level T5 encoder."""

    kind: Literal["trained"]
    captions: int = value("captions to learn from", "captions", ge=20)
    held_out_captions: int = value("captions kept out of training, to test on", "captions", ge=20)
    fit: Fit
    width: int = value("features of a position", ge=16)
    layers: int = value("encoder layers", "layers", ge=1)
    heads: int = value("attention heads", "heads", ge=1)
    decoder_layers: int = value("layers of the decoder that is thrown away", "layers", ge=1)
    max_length: int = value("positions that every text is padded or cut to", "tokens", ge=16, le=1024)


class PublishedTextEncoder(Section):
    """A T5 or FLAN-T5."""

    kind: Literal["pretrained"]
    weights: Files
    tokenizer: Files
    max_length: int = value("positions that every text is padded or cut to", "tokens", ge=16, le=1024)


class ComposedCaptioner(Section):
    """Captions are composed of the tagger's tags; there is nothing to train."""

    kind: Literal["composed"]


class PublishedCaptioner(Section):
    """LP-MusicCaps' `transfer` model."""

    kind: Literal["pretrained"]
    weights: Files
    tokenizer: Files
    licence: str = value(
        "licence of the captions that it writes; noted beside every caption that has one", min_length=1
    )


class PrepareParams(Section):
    """One section a role; the tagger is trained at every scale."""

    draw: Draw
    clap: Annotated[TrainedClap | PublishedClap, Field(discriminator="kind")]
    pmos: Annotated[TrainedPmos | PublishedPmos, Field(discriminator="kind")]
    captioner: Annotated[ComposedCaptioner | PublishedCaptioner, Field(discriminator="kind")]
    tagger: TrainedTagger
    text_encoder: Annotated[TrainedTextEncoder | PublishedTextEncoder, Field(discriminator="kind")]
