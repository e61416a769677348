"""Sizes and arithmetic of the published models that params name, so that a plan needs neither files nor libraries.

A test builds each from the sizes that its publishers state, through the classes that load it here, and counts again.
"""

from dataclasses import dataclass
from typing import Any

from padstal.foundation.config import PublishedTextEncoder


@dataclass(frozen=True)
class Published:
    """A model.

    Attributes:
        parameters: Of one file of weights.
        unit: What `reads` and `writes` count by.
        reads: Operations to hear or read one unit.
        writes: Operations to decode or write one.
        shape: What else a plan must know of it.
    """

    parameters: int
    unit: str
    reads: float
    writes: float = 0.0
    shape: tuple[int, ...] = ()


PUBLISHED = {
    # features, token ids
    "google-t5/t5-base, encoder": Published(109_628_544, "token of 128", 174.6e6, shape=(768, 32_128)),
    "google/flan-t5-large, encoder": Published(341_231_104, "token of 128", 629.1e6, shape=(1024, 32_128)),
    "lukewys/laion_clap": Published(199_564_633, "window of 10 s; text", 33.03e9, 13.30e9),
    "checkpoints/qama": Published(94_372_481, "second", 14.81e9),
    "seungheondoh/lp-music-caps": Published(148_567_296, "clip; caption of 128 tokens, 5 beams", 7.4e9, 117.0e9),
    "google/flan-t5-large": Published(783_150_080, "prompt of 512 tokens; answer of 160", 345.0e9, 184.0e9),
    # Hz, samples of a latent frame, channels, those of the first group, bands, frames that a latent is a multiple of
    "cvssp/audioldm2": Published(110_641_770, "second", 33.73e9, 165.8e9, (16_000, 640, 8, 8, 16, 1)),
    "checkpoints/dac": Published(76_651_890, "second", 61.31e9, 138.5e9, (44_100, 512, 72, 8, 0, 16)),
}


def name_of(section: Any) -> str:
    """What `PUBLISHED` calls the model of a section with `weights`: its repository, and the part that is loaded."""
    repository: str = section.weights.repository
    return f"{repository}, encoder" if isinstance(section, PublishedTextEncoder) else repository


def known(name: str) -> Published:
    """The model of a name.

    Raises:
        ValueError: Its sizes are not known.
    """
    if name not in PUBLISHED:
        raise ValueError(f"{name}: its sizes are not known; known are {', '.join(PUBLISHED)}")
    return PUBLISHED[name]
