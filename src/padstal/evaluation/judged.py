"""What a metric sees: samples of prompts as the models hear them, the prompts, and held-out clips.

Shape suffixes: P prompts, I samples of a prompt, M held-out clips, K training clips, D CLAP
features, G genres, F features.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from padstal.evaluation.clap_score import flattened
from padstal.evaluation.hear import Heard


@dataclass(frozen=True)
class Prompts:
    """The P prompts of one role, and what is known of them.

    Attributes:
        text_PD: CLAP embeddings of the prompts.
        genre_P: Index of the genre that each prompt asks for.
        reference_PG: Posterior that KL is taken of, of each prompt's own held-out clip; `None` where some have
            none.
    """

    text_PD: np.ndarray
    genre_P: np.ndarray
    reference_PG: np.ndarray | None


@dataclass(frozen=True, eq=False)
class Reference:
    """Held-out clips as a set, with the genre that the tagger hears in each.

    Attributes:
        training_KF: Unit vectors of training clips, as `Judged.unit_PIF`; `None` where none was heard.
    """

    heard: Heard
    genre_M: np.ndarray
    training_KF: np.ndarray | None = None


@dataclass(frozen=True)
class Judged:
    """The samples of one setting.

    Attributes:
        heard: Clips of P prompts, I each; its arrays start with [P, I].
        prompts: Their prompts.
        reference: Held-out clips.
        neighbours: k of recall.
    """

    heard: Heard
    prompts: Prompts
    reference: Reference
    neighbours: int

    @property
    def samples(self) -> int:
        """I."""
        return int(self.heard.pmos_N.shape[1])

    @cached_property
    def clips(self) -> Heard:
        """The P·I clips in one row, prompts first."""
        return self.heard.map(lambda array_PI: array_PI.reshape(-1, *array_PI.shape[2:]))

    @cached_property
    def unit_PIF(self) -> np.ndarray:
        """One unit vector a clip, of CLAP's windows side by side."""
        return flattened(self.clips.clap_NWD).reshape(*self.heard.pmos_N.shape, -1)

    def each_clip(self, of_prompt_P: np.ndarray) -> np.ndarray:
        """What belongs to prompts, repeated for the samples of each: [P, …] → [P·I, …]."""
        return np.repeat(of_prompt_P, self.samples, axis=0)
