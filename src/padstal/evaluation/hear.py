"""What the foundation models hear in clips, each clip embedded once: the features that all metrics share.

Shape suffixes: N clips, S samples, C audio channels, W windows, D CLAP features, G genres, F tagger features.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from padstal.core.data.row_file import RowFile
from padstal.core.protocols import AudioTextEmbedder, QualityScorer, Tags
from padstal.evaluation.clap_score import embed_windows
from padstal.evaluation.config import EvaluateParams
from padstal.evaluation.windows import mono_at

if TYPE_CHECKING:
    import torch

Progress = Callable[[Iterable[Any]], Iterable[Any]]
JUDGES = ("clap", "tagger", "pmos")
"""Roles of the foundation models that listen."""


class FeatureTagger(Protocol):
    """A tagger that shows the features behind its posteriors; the Fréchet distance is taken between them."""

    @property
    def sample_rate(self) -> int: ...

    @property
    def genres(self) -> tuple[str, ...]: ...

    def features(self, audio_BS: np.ndarray) -> np.ndarray:
        """Features [B, F] of mono float32 audio."""
        ...

    def tag_features(self, features_BF: np.ndarray) -> Tags:
        """Tags from features."""
        ...


@dataclass(frozen=True)
class Ears:
    """The foundation models, and which windows CLAP listens to.

    Attributes:
        positions: Places of the windows as shares of (length − window).
        grid_seconds: Starts are rounded to multiples of it; 0 for no rounding.
    """

    clap: AudioTextEmbedder
    tagger: FeatureTagger
    pmos: QualityScorer
    positions: tuple[float, ...]
    grid_seconds: float


def load_ears(folder_of: Callable[[str], Path], params: EvaluateParams, device: "torch.device | str") -> Ears:
    """The models that judge, from the folders of their roles.

    Raises:
        FileNotFoundError: One is missing.
    """
    from padstal.foundation import clap, pmos, tagger

    return Ears(
        clap.load(folder_of("clap"), device),
        tagger.load(folder_of("tagger"), device),
        pmos.load(folder_of("pmos"), device),
        params.windows,
        params.window_grid_seconds,
    )


@dataclass(frozen=True)
class Heard:
    """N clips as the models hear them.

    Attributes:
        clap_NWD: Unit CLAP embeddings of the windows, float32.
        genre_NG: Posterior over the tagger's genres.
        features_NF: Tagger features.
        pmos_N: p-MOS.
    """

    clap_NWD: np.ndarray
    genre_NG: np.ndarray
    features_NF: np.ndarray
    pmos_N: np.ndarray

    def __len__(self) -> int:
        return len(self.pmos_N)

    def take(self, rows: np.ndarray) -> "Heard":
        """The clips `rows`, in that order; an array of rows of any shape keeps its shape in front."""
        return Heard(self.clap_NWD[rows], self.genre_NG[rows], self.features_NF[rows], self.pmos_N[rows])


@dataclass(frozen=True)
class HeardOnDisk:
    """N clips as the models hear them, of which memory holds what is taken; `files` are by the names of `Heard`."""

    files: dict[str, RowFile]

    @classmethod
    def write(cls, folder: Path, parts: Iterable[Heard], clips: int) -> "HeardOnDisk":
        """Keep `parts` of `clips` clips in files of `folder` as they come."""
        files: dict[str, RowFile] = {}
        start = 0
        for part in parts:
            for name, values in vars(part).items():
                if name not in files:
                    files[name] = RowFile.create(folder / f"{name}.npy", (clips, *values.shape[1:]), values.dtype)
                files[name][start : start + len(values)] = values
            start += len(part)
        return cls(files)

    def __len__(self) -> int:
        return len(self.files["pmos_N"])

    def take(self, rows: np.ndarray) -> Heard:
        """As that of `Heard`."""
        return Heard(**{name: file[rows] for name, file in self.files.items()})

    def parts(self, size: int) -> Iterator[Heard]:
        """All clips in order, `size` at a time."""
        return (self.take(np.arange(at, min(at + size, len(self)))) for at in range(0, len(self), size))


def hear(
    read: Callable[[int, int], np.ndarray],
    clips: int,
    sample_rate: int,
    ears: Ears,
    batch: int,
    progress: Progress = iter,
) -> Heard:
    """All features of `clips` clips; arguments as those of `hear_parts`."""
    parts = list(hear_parts(read, clips, sample_rate, ears, batch, progress))
    return Heard(**{one.name: np.concatenate([getattr(part, one.name) for part in parts]) for one in fields(Heard)})


def hear_parts(
    read: Callable[[int, int], np.ndarray],
    clips: int,
    sample_rate: int,
    ears: Ears,
    batch: int,
    progress: Progress = iter,
) -> Iterator[Heard]:
    """All features of `clips` clips, `batch` at a time.

    Args:
        read: `read(start, stop)` gives int16 audio [stop − start, S, C].
        clips: Number of clips.
        sample_rate: Of the clips, in Hz; each model gets its own rate.
        ears: The models.
        batch: Clips at once.
        progress: Wraps the loop over batches.

    Raises:
        ValueError: No clips, or a model gives a value that is not finite; names the clip.
    """
    if clips < 1:
        raise ValueError("no clips to listen to: expected at least one")
    for start in progress(range(0, clips, batch)):
        pcm_BSC = read(start, min(start + batch, clips))
        part = _hear_batch(pcm_BSC, sample_rate, ears)
        for name, values in vars(part).items():
            finite = np.isfinite(values).reshape(len(values), -1).all(axis=1)
            if not finite.all():
                raise ValueError(f"{name} of clip {start + int(finite.argmin())} is not finite")
        yield part


def _hear_batch(pcm_BSC: np.ndarray, sample_rate: int, ears: Ears) -> Heard:
    mono: dict[int, np.ndarray] = {}
    for model in (ears.clap, ears.tagger, ears.pmos):
        if model.sample_rate not in mono:
            mono[model.sample_rate] = mono_at(pcm_BSC, sample_rate, model.sample_rate)
    clap, tagger, pmos = mono[ears.clap.sample_rate], mono[ears.tagger.sample_rate], mono[ears.pmos.sample_rate]
    features_BF = ears.tagger.features(tagger)
    grid = max(round(ears.grid_seconds * ears.clap.sample_rate), 1)
    return Heard(
        clap_NWD=embed_windows(clap, ears.clap, ears.positions, grid).astype(np.float32),
        genre_NG=ears.tagger.tag_features(features_BF).genre_BG.astype(np.float32),
        features_NF=features_BF.astype(np.float32),
        pmos_N=ears.pmos.score(pmos).astype(np.float32),
    )
