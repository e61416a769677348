"""Clips as a model wants to hear them: mono, in batches, at its sample rate.

Shape suffixes: B batch, S samples.
"""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from padstal.core.data.manifest import ClipAudio
from padstal.core.progress import Progress, silent
from padstal.ingest.resample import resample


def at_rate(audio_BS: np.ndarray, from_rate: int, to_rate: int) -> np.ndarray:
    """Audio at `to_rate` Hz, float32 [B, S · to_rate / from_rate]."""
    return audio_BS if from_rate == to_rate else np.ascontiguousarray(resample(audio_BS.T, from_rate, to_rate).T)


def batches(
    audio: ClipAudio, manifest: pd.DataFrame, *rates: int, batch_clips: int, progress: Progress = silent
) -> Iterator[list[np.ndarray]]:
    """Mono audio [B, S] of the manifest's clips at each of `rates` (Hz), in its order, `batch_clips` at once."""
    *_, own = audio.form(manifest)
    starts = range(0, len(manifest), batch_clips)
    for start in progress(starts, unit="batch"):
        audio_BS = audio.mono_BS(manifest.iloc[start : start + batch_clips])
        yield [at_rate(audio_BS, own, rate) for rate in rates]
