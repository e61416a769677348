"""What an autoencoder loses, and what the words in a text-aware latent do: reconstructions as the models hear them.

Shape suffixes: K clips, D features of CLAP, W windows, G genres.
"""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from padstal.core.data.manifest import read_table
from padstal.core.data.row_file import RowFile
from padstal.evaluation.caption_effect import clustered_mean
from padstal.evaluation.clap_score import clap_score
from padstal.evaluation.clips import Clips
from padstal.evaluation.hear import Ears, Heard, hear


def reconstruction(folder: Path, clips: Clips, ears: Ears, sample_rate: int, batch: int) -> dict[str, Any]:
    """p-MOS and CLAP-f of reconstructions beside those of the clips themselves; CLAP-f over those with a caption.

    Args:
        folder: An autoencoder's latents, with `reconstructions.npy` (int16 [K, S, C]) and `reconstructions.parquet`,
            and where its latent is text-aware `swapped.npy` and `swapped.parquet`.
        clips: Real clips, the reconstructed ones among them.
        ears: The models.
        sample_rate: Of the audio, in Hz.
        batch: Clips at once.

    Raises:
        ValueError: A reconstructed clip is not among `clips`.
    """

    def heard(name: str) -> tuple[Heard, pd.DataFrame]:
        pcm, table = RowFile(folder / f"{name}.npy"), read_table(folder / f"{name}.parquet").sort_values("row")
        return hear(lambda start, stop: pcm[start:stop], len(pcm), sample_rate, ears, batch), table

    rebuilt, table = heard("reconstructions")
    rows_K = clips.rows(table["clip_id"].tolist())
    real, own = clips.heard.take(rows_K), clips.table.iloc[rows_K]
    texts = own["caption"].fillna("")
    text_KD = np.where((texts != "").to_numpy()[:, None], ears.clap.embed_text(texts.tolist()), np.nan)
    found: dict[str, Any] = {
        "clap_f": _mean(clap_score(rebuilt.clap_NWD, text_KD)),
        "clap_f_of_originals": _mean(clap_score(real.clap_NWD, text_KD)),
        "pmos": float(rebuilt.pmos_N.mean(dtype=np.float64)),
        "pmos_of_originals": float(real.pmos_N.mean(dtype=np.float64)),
        "n": len(rebuilt),
    }
    if (folder / "swapped.parquet").is_file():
        swapped, table = heard("swapped")
        other_K = pd.Index(table["clip_id"]).get_indexer(table["text_of"])
        found["other_text"] = _moved(rebuilt, swapped, real, text_KD, other_K, own["track_id"].to_numpy(dtype=object))
    return found


def _moved(
    rebuilt: Heard, swapped: Heard, real: Heard, text_KD: np.ndarray, other_K: np.ndarray, tracks_K: np.ndarray
) -> dict[str, Any]:
    """How far another clip's words draw a reconstruction towards that clip, over pairs of two genres.

    `genre` is what the tagger's posterior of the other's genre gains, `clap_f` what the score of its caption gains;
    zero where the decoder does not hear the words.

    Args:
        rebuilt: With the clips' own words.
        swapped: With another's.
        real: The clips.
        text_KD: Their captions, NaN where there is none.
        other_K: Whose words.
        tracks_K: Their tracks, of which intervals draw.
    """
    genre_K = real.genre_NG.argmax(1)
    pairs = np.flatnonzero(genre_K != genre_K[other_K])
    gains = {
        "genre": (swapped.genre_NG - rebuilt.genre_NG)[np.arange(len(other_K)), genre_K[other_K]],
        "clap_f": clap_score(swapped.clap_NWD - rebuilt.clap_NWD, text_KD[other_K]),
    }
    estimates = {name: clustered_mean(gain_K[pairs], tracks_K[pairs]) for name, gain_K in gains.items()}
    return {name: asdict(estimate) if estimate else None for name, estimate in estimates.items()}


def _mean(score_K: np.ndarray) -> float | None:
    """Of the clips that have a caption."""
    heard = score_K[np.isfinite(score_K)]
    return float(heard.mean()) if len(heard) else None
