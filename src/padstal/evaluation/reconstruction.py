"""What an autoencoder loses: p-MOS and CLAP-f of its reconstructions beside those of the clips themselves."""

from pathlib import Path
from typing import Any

import numpy as np

from padstal.core.data.manifest import read_table
from padstal.core.data.row_file import RowFile
from padstal.evaluation.clap_score import clap_score
from padstal.evaluation.clips import Clips
from padstal.evaluation.hear import Ears, Heard, hear


def reconstruction(folder: Path, clips: Clips, ears: Ears, sample_rate: int, batch: int) -> dict[str, Any]:
    """Quality and alignment of the reconstructions in `folder`; CLAP-f over those whose clip has a caption.

    Args:
        folder: An autoencoder's latents, with `reconstructions.npy` (int16 [K, S, C]) and `reconstructions.parquet`.
        clips: Real clips, the reconstructed ones among them.
        ears: The models.
        sample_rate: Of the audio, in Hz.
        batch: Clips at once.

    Raises:
        ValueError: A reconstructed clip is not among `clips`.
    """
    pcm = RowFile(folder / "reconstructions.npy")
    table = read_table(folder / "reconstructions.parquet").sort_values("row")
    rebuilt = hear(lambda start, stop: pcm[start:stop], len(pcm), sample_rate, ears, batch)
    rows = clips.rows(table["clip_id"].tolist())
    real, texts = clips.heard.take(rows), clips.table["caption"].iloc[rows].fillna("").tolist()
    spoken = np.flatnonzero([text != "" for text in texts])

    def fit(heard: Heard) -> float | None:
        if not len(spoken):
            return None
        text_ND = ears.clap.embed_text([texts[row] for row in spoken])
        return float(clap_score(heard.clap_NWD[spoken], text_ND).mean())

    return {
        "clap_f": fit(rebuilt),
        "clap_f_of_originals": fit(real),
        "pmos": float(rebuilt.pmos_N.mean(dtype=np.float64)),
        "pmos_of_originals": float(real.pmos_N.mean(dtype=np.float64)),
        "n": len(rebuilt),
    }
