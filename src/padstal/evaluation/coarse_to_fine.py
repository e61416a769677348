"""How much of music each part of a coarse-to-fine system carries (DiscoDiff, table 1 and figure 3).

Each kind of refined clip (`systems/refined_clips.py`) is held against the clips that it was made of: mel distance and
the genre that the tagger hears clip by clip, CLAP-f with their captions, Fréchet distance to all held-out clips.

Shape suffixes: N clips, M windows of all of them, F features, R draws.
"""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from padstal.codecs.mel import log_mel
from padstal.core.data.manifest import ClipAudio, read_table
from padstal.core.data.row_file import RowFile
from padstal.evaluation.bootstrap import draw_counts, interval, mean_draws
from padstal.evaluation.clap_score import clap_score
from padstal.evaluation.clips import Clips
from padstal.evaluation.config import EvaluateParams
from padstal.evaluation.frechet import frechet, frechet_draws, gaussian, pooled
from padstal.evaluation.hear import Ears, hear
from padstal.evaluation.judged import Reference
from padstal.evaluation.windows import mono_at


def coarse_to_fine(
    folder: Path, ingest: Path, clips: Clips, reference: Reference, ears: Ears, sample_rate: int, params: EvaluateParams
) -> dict[str, Any]:
    """Kind → metric → value and interval over clips, with n and the share of the commonest genre.

    Args:
        folder: A system's samples, with `refined.npy` and `refined.parquet`.
        ingest: Where the clips' own audio lies.
        clips: Real clips, the refined ones among them.
        reference: The held-out clips that Fréchet distances are taken to.
        ears: The models.
        sample_rate: Of the refined audio, Hz.
        params: Draws and level of the intervals.
    """
    pcm = RowFile(folder / "refined.npy")
    table = read_table(folder / "refined.parquet").sort_values("row")
    kinds = list(dict.fromkeys(table["kind"]))
    ids = table.loc[table["kind"] == kinds[0], "clip_id"].tolist()
    rows = clips.rows(ids)
    real, own = clips.heard.take(rows), clips.table.iloc[rows]
    text_ND = ears.clap.embed_text(own["caption"].fillna("").tolist())
    mel_l1 = _mel_distances(pcm, len(kinds), ClipAudio(ingest), own, sample_rate, params.batch_clips)
    counts_RN = draw_counts(len(ids), params.draws, np.random.default_rng(params.seed))
    target = gaussian(pooled(reference.heard, "fd"))

    def measured(value_N: np.ndarray) -> dict[str, Any]:
        estimate = float(value_N.mean())
        return {
            "value": estimate,
            "interval": interval(mean_draws(value_N, counts_RN), estimate, params.confidence),
        }

    found: dict[str, Any] = {}
    for number, kind in enumerate(kinds):
        first = number * len(ids)

        def read(start: int, stop: int, first: int = first) -> np.ndarray:
            return pcm[first + start : first + stop]

        heard = hear(read, len(ids), sample_rate, ears, params.batch_clips)
        features_MF = pooled(heard, "fd")
        counts_RM = np.repeat(counts_RN[: params.set_draws], len(features_MF) // len(ids), axis=1)
        distance, draws_R = frechet(target, gaussian(features_MF)), frechet_draws(target, features_MF, counts_RM)
        found[kind] = {
            "fd": {"value": distance, "interval": interval(draws_R, distance, params.confidence, (0.0, np.inf))},
            "clap_f": measured(clap_score(heard.clap_NWD, text_ND)),
            "mel_l1": measured(mel_l1[number]),
            "genre": measured((heard.genre_NG.argmax(1) == real.genre_NG.argmax(1)).astype(np.float64)),
        }
    share_G = np.bincount(real.genre_NG.argmax(1), minlength=real.genre_NG.shape[1]) / len(ids)
    return {"n": len(ids), "commonest_genre": float(share_G.max()), "kinds": found}


def _mel_distances(
    pcm: RowFile, kinds: int, audio: ClipAudio, own: pd.DataFrame, sample_rate: int, batch: int
) -> np.ndarray:
    """Mel L1 in bels of each kind's clips to the clips themselves, [kinds, N], `batch` clips at a time."""
    found = np.empty((kinds, len(own)))
    for start in range(0, len(own), batch):
        rows = own.iloc[start : start + batch]
        clips = [audio.pcm(int(shard), int(row)) for shard, row in zip(rows["shard"], rows["row"], strict=True)]
        own_rate = round(len(clips[0]) / float(rows["clip_seconds"].iloc[0]))
        true_BMT = _log_mels(np.stack(clips), own_rate, sample_rate)
        for kind in range(kinds):
            place = kind * len(own) + start
            refined_BMT = _log_mels(pcm[place : place + len(rows)], sample_rate, sample_rate)
            found[kind, start : start + len(rows)] = (refined_BMT - true_BMT).abs().mean((1, 2)).double().numpy()
    return found


def _log_mels(pcm_BSC: np.ndarray, rate: int, sample_rate: int) -> torch.Tensor:
    """Log-mels [B, M, T] in bels, at `sample_rate`."""
    audio_BS = mono_at(pcm_BSC, rate, sample_rate)
    return log_mel(torch.from_numpy(np.ascontiguousarray(audio_BS, dtype=np.float32)), sample_rate)
