"""What an autoencoder loses, and what the words in a text-aware latent do: reconstructions as the models hear them.

Shape suffixes: K clips, D features of CLAP, W windows, G genres.
"""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

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

    def heard(name: str) -> tuple[Heard, np.ndarray]:
        pcm = RowFile(folder / f"{name}.npy")
        of = read_table(folder / f"{name}.parquet").sort_values("row").set_index("row")
        return hear(lambda start, stop: pcm[start:stop], len(pcm), sample_rate, ears, batch), of.to_numpy()

    rebuilt, of_KC = heard("reconstructions")
    rows_K = clips.rows(of_KC[:, 0].tolist())
    real, text_KD = clips.heard.take(rows_K), _texts(clips, rows_K, ears)
    found: dict[str, Any] = {
        "clap_f": _fit(rebuilt, text_KD),
        "clap_f_of_originals": _fit(real, text_KD),
        "pmos": float(rebuilt.pmos_N.mean(dtype=np.float64)),
        "pmos_of_originals": float(real.pmos_N.mean(dtype=np.float64)),
        "n": len(rebuilt),
    }
    if (folder / "swapped.parquet").is_file():
        swapped, of_KC = heard("swapped")
        found["other_text"] = _moved(rebuilt, swapped, clips, rows_K, clips.rows(of_KC[:, 1].tolist()), ears)
    return found


def _moved(
    rebuilt: Heard, swapped: Heard, clips: Clips, rows_K: np.ndarray, text_rows_K: np.ndarray, ears: Ears
) -> dict[str, Any]:
    """How far another clip's words draw a reconstruction towards that clip, over pairs of two genres.

    `genre` is what the tagger's posterior of the other's genre gains, `clap_f` what the score of its caption gains;
    zero where the decoder does not hear the words.
    """
    genre_K, other_K = (clips.heard.genre_NG[rows].argmax(1) for rows in (rows_K, text_rows_K))
    pairs = np.flatnonzero(genre_K != other_K)
    text_KD, tracks_K = _texts(clips, text_rows_K, ears), clips.table["track_id"].to_numpy(dtype=object)[rows_K]
    gains = {
        "genre": (swapped.genre_NG - rebuilt.genre_NG)[np.arange(len(other_K)), other_K],
        "clap_f": clap_score(swapped.clap_NWD, text_KD) - clap_score(rebuilt.clap_NWD, text_KD),
    }
    estimates = {name: clustered_mean(gain_K[pairs], tracks_K[pairs]) for name, gain_K in gains.items()}
    return {name: asdict(estimate) if estimate else None for name, estimate in estimates.items()}


def _texts(clips: Clips, rows_K: np.ndarray, ears: Ears) -> np.ndarray:
    """CLAP's embeddings [K, D] of captions, NaN where there is none."""
    texts = clips.table["caption"].iloc[rows_K].fillna("").tolist()
    text_KD = np.array(ears.clap.embed_text(texts))
    text_KD[[text == "" for text in texts]] = np.nan
    return text_KD


def _fit(heard: Heard, text_KD: np.ndarray) -> float | None:
    spoken = np.isfinite(text_KD[:, 0])
    return float(clap_score(heard.clap_NWD[spoken], text_KD[spoken]).mean()) if spoken.any() else None
