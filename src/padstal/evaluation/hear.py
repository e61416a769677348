"""What the foundation models hear in clips, each clip embedded once: the features that all metrics share.

Shape suffixes: N clips, S samples, C audio channels, W windows, D CLAP features, G genres or classes, F features, M
measures of the signal.
"""

import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from padstal.core.data.row_file import RowFile
from padstal.core.protocols import AudioEmbedder, AudioTextEmbedder, QualityScorer, Tags
from padstal.evaluation import signal
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
        embedders: Metric → what it hears by in the tagger's place.
    """

    clap: AudioTextEmbedder
    tagger: FeatureTagger
    pmos: QualityScorer
    positions: tuple[float, ...]
    grid_seconds: float
    embedders: Mapping[str, AudioEmbedder] = field(default_factory=dict)


def load_ears(folder_of: Callable[[str], Path], params: EvaluateParams, device: "torch.device | str") -> Ears:
    """The models that judge, from the folders of their roles.

    Raises:
        FileNotFoundError: One is missing.
        FetchError, UntrustedFileError: See `foundation.embedders.load`.
    """
    from padstal.foundation import clap, embedders, pmos, tagger

    found = {}
    for metric, published in params.embedders.items():
        with tempfile.TemporaryDirectory() as folder:
            found[metric] = embedders.load(published, Path(folder), device)
    return Ears(
        clap.load(folder_of("clap"), device),
        tagger.load(folder_of("tagger"), device),
        pmos.load(folder_of("pmos"), device),
        params.windows,
        params.window_grid_seconds,
        found,
    )


@dataclass(frozen=True)
class Heard:
    """N clips as the models hear them.

    Attributes:
        clap_NWD: Unit CLAP embeddings of the windows, float32.
        genre_NG: Posterior over the tagger's genres.
        features_NF: Tagger features.
        pmos_N: p-MOS.
        signal_NM: What is measured without a model (`signal.MEASURES`).
        own: Metric → features [N, W, F] or posterior [N, 1, G] of its own embedder, where it has one.
    """

    clap_NWD: np.ndarray
    genre_NG: np.ndarray
    features_NF: np.ndarray
    pmos_N: np.ndarray
    signal_NM: np.ndarray
    own: Mapping[str, np.ndarray] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.pmos_N)

    def take(self, rows: np.ndarray) -> "Heard":
        """The clips `rows`, in that order; an array of rows of any shape keeps its shape in front."""
        return self.map(lambda array: array[rows])

    def map(self, change: Callable[[np.ndarray], np.ndarray]) -> "Heard":
        """The same with every array changed."""
        return Heard.of({name: change(array) for name, array in self.arrays.items()})

    @classmethod
    def of(cls, arrays: Mapping[str, np.ndarray]) -> "Heard":
        """What has these `arrays`."""
        own = {name: array for name, array in arrays.items() if name not in cls.__dataclass_fields__}
        return cls(**{name: array for name, array in arrays.items() if name not in own}, own=own)

    @property
    def arrays(self) -> dict[str, np.ndarray]:
        """All arrays by name, those of `own` by their metric's."""
        return {name: array for name, array in vars(self).items() if name != "own"} | dict(self.own)

    def posterior(self, metric: str) -> np.ndarray:
        """Posterior [N, G] that a metric is taken of: its embedder's, or the tagger's over genres."""
        return self.own[metric][..., 0, :] if metric in self.own else self.genre_NG

    def features(self, metric: str) -> np.ndarray:
        """Features [N, W, F] that a metric is taken of: its embedder's, or the tagger's."""
        return self.own[metric] if metric in self.own else self.features_NF[..., None, :]


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
            for name, values in part.arrays.items():
                if name not in files:
                    files[name] = RowFile.create(folder / f"{name}.npy", (clips, *values.shape[1:]), values.dtype)
                files[name][start : start + len(values)] = values
            start += len(part)
        return cls(files)

    def __len__(self) -> int:
        return len(self.files["pmos_N"])

    def take(self, rows: np.ndarray) -> Heard:
        """As that of `Heard`."""
        return Heard.of({name: file[rows] for name, file in self.files.items()})

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
    return Heard.of({name: np.concatenate([part.arrays[name] for part in parts]) for name in parts[0].arrays})


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
        for name, values in part.arrays.items():
            finite = np.isfinite(values).reshape(len(values), -1).all(axis=1)
            if not finite.all():
                raise ValueError(f"{name} of clip {start + int(finite.argmin())} is not finite")
        yield part


def _hear_batch(pcm_BSC: np.ndarray, sample_rate: int, ears: Ears) -> Heard:
    @cache
    def mono(rate: int) -> np.ndarray:
        return mono_at(pcm_BSC, sample_rate, rate)

    def audio_for(embedder: AudioEmbedder) -> np.ndarray:
        if not embedder.reads_channels:
            return mono(embedder.sample_rate)[:, None]
        sides = [mono_at(pcm_BSC[..., [at]], sample_rate, embedder.sample_rate) for at in (0, -1)]
        return np.stack(sides, axis=1)

    features_BF = ears.tagger.features(mono(ears.tagger.sample_rate))
    grid = max(round(ears.grid_seconds * ears.clap.sample_rate), 1)
    return Heard(
        clap_NWD=embed_windows(mono(ears.clap.sample_rate), ears.clap, ears.positions, grid).astype(np.float32),
        genre_NG=ears.tagger.tag_features(features_BF).genre_BG.astype(np.float32),
        features_NF=features_BF.astype(np.float32),
        pmos_N=ears.pmos.score(mono(ears.pmos.sample_rate)).astype(np.float32),
        signal_NM=signal.measure(mono(sample_rate), sample_rate),
        own={metric: embedder.embed(audio_for(embedder)) for metric, embedder in ears.embedders.items()},
    )
