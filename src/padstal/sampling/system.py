"""What sampling asks of a system: text and a batch of samples in, audio out (`systems/` holds them)."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

import torch

from padstal.core.protocols import Attributes, TextEncoder, TextStates
from padstal.sampling.batching import Batch
from padstal.sampling.setting import Setting


class System(Protocol):
    """A codec, its denoisers and a text encoder that belong together: from text to audio."""

    @property
    def name(self) -> str:
        """As in params."""
        ...

    @property
    def sample_rate(self) -> int:
        """Hz."""
        ...

    @property
    def channels(self) -> int:
        """C, of the audio."""
        ...

    @property
    def samples(self) -> int:
        """S, of a clip."""
        ...

    @property
    def attributes(self) -> Mapping[str, float]:
        """What a sample is told besides its text where nothing else is asked for, e.g. seconds_total."""
        ...

    @property
    def text_encoder(self) -> TextEncoder:
        """Encodes prompts."""
        ...

    @property
    def device(self) -> torch.device:
        """Where the models are."""
        ...

    def nearest(self, setting: Setting) -> Setting:
        """The nearest setting that its denoisers have learnt to follow.

        Raises:
            ValueError: It asks for what cannot be.
        """
        ...

    def check(self, settings: Iterable[Setting]) -> None:
        """Check that its denoisers can do what settings ask for.

        Raises:
            ValueError: One cannot.
        """
        ...

    def lasting(self, seconds: float) -> "System":
        """The same for clips of so many seconds.

        Raises:
            ValueError: It cannot make them; says what is nearest.
        """
        ...

    def preview(self) -> "System":
        """The same without all denoisers but the first.

        Raises:
            ValueError: It has but one.
        """
        ...

    def texts(self, prompts: Sequence[str], attributes: Mapping[str, Sequence[float]]) -> list[str]:
        """What the text encoder reads for prompts with such attributes."""
        ...

    def sample(
        self, text: TextStates, attributes: Attributes, batch: Batch, setting: Setting, *, bf16: bool
    ) -> torch.Tensor:
        """Audio [B, C, S] of one batch, not clipped."""
        ...

    def scales(self, prompts: Sequence[str]) -> dict[str, float]:
        """What strengths are to be read against, by name; e.g. rms of embedded rows of real tokens."""
        ...
