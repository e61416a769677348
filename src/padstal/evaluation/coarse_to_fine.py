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
    pcm = np.load(folder / "refined.npy", mmap_mode="r")
    table = read_table(folder / "refined.parquet").sort_values("row")
    kinds = list(dict.fromkeys(table["kind"]))
    ids = table.loc[table["kind"] == kinds[0], "clip_id"].tolist()
    rows = clips.rows(ids)
    real, own = clips.heard.take(rows), clips.table.iloc[rows]
    text_ND = ears.clap.embed_text(own["caption"].fillna("").tolist())
    true_NMT = _log_mels(_own_audio(ingest, own, sample_rate), sample_rate)
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
        part = pcm[number * len(ids) : (number + 1) * len(ids)]

        def read(start: int, stop: int, part: np.ndarray = part) -> np.ndarray:
            return part[start:stop]

        heard = hear(read, len(ids), sample_rate, ears, params.batch_clips)
        mel_NMT = _log_mels(mono_at(part, sample_rate, sample_rate), sample_rate)
        features_MF = pooled(heard, "fd")
        counts_RM = np.repeat(counts_RN[: params.set_draws], len(features_MF) // len(ids), axis=1)
        distance, draws_R = frechet(target, gaussian(features_MF)), frechet_draws(target, features_MF, counts_RM)
        found[kind] = {
            "fd": {"value": distance, "interval": interval(draws_R, distance, params.confidence, (0.0, np.inf))},
            "clap_f": measured(clap_score(heard.clap_NWD, text_ND)),
            "mel_l1": measured((mel_NMT - true_NMT).abs().mean((1, 2)).double().numpy()),
            "genre": measured((heard.genre_NG.argmax(1) == real.genre_NG.argmax(1)).astype(np.float64)),
        }
    share_G = np.bincount(real.genre_NG.argmax(1), minlength=real.genre_NG.shape[1]) / len(ids)
    return {"n": len(ids), "commonest_genre": float(share_G.max()), "kinds": found}


def _own_audio(ingest: Path, own: pd.DataFrame, sample_rate: int) -> np.ndarray:
    audio = ClipAudio(ingest)
    pcm = np.stack([audio.pcm(int(shard), int(row)) for shard, row in zip(own["shard"], own["row"], strict=True)])
    return mono_at(pcm, round(pcm.shape[1] / float(own["clip_seconds"].iloc[0])), sample_rate)


def _log_mels(audio_NS: np.ndarray, sample_rate: int) -> torch.Tensor:
    """Log-mels [N, M, T] in bels."""
    return log_mel(torch.from_numpy(np.ascontiguousarray(audio_NS, dtype=np.float32)), sample_rate)
