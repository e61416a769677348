"""CLAP-f: how well a clip fits its text, the mean over fixed windows of cos(audio window, text) (PADS-TAL 3).

Shape suffixes: B clips, S samples, W windows, D features.
"""

from typing import TYPE_CHECKING

import numpy as np

from padstal.core.protocols import AudioTextEmbedder
from padstal.evaluation.windows import fixed_windows, levelled

if TYPE_CHECKING:
    from padstal.evaluation.judged import Judged


def embed_windows(audio_BS: np.ndarray, clap: AudioTextEmbedder, positions: tuple[float, ...], grid: int) -> np.ndarray:
    """Unit embeddings [B, W, D] of the fixed windows of mono audio at CLAP's rate; equal windows are embedded once."""
    window = round(clap.window_seconds * clap.sample_rate)
    windows_BWS = fixed_windows(levelled(audio_BS), window, positions, grid)
    if (windows_BWS == windows_BWS[:, :1]).all():
        return np.repeat(clap.embed_audio(windows_BWS[:, 0])[:, None], len(positions), axis=1)
    clips = len(audio_BS)
    return clap.embed_audio(windows_BWS.reshape(clips * len(positions), window)).reshape(clips, len(positions), -1)


def clap_score(windows_BWD: np.ndarray, text_BD: np.ndarray) -> np.ndarray:
    """CLAP-f [B] of clips with embeddings `windows_BWD` and the embeddings of their texts, all of unit norm."""
    return np.einsum("bwd,bd->b", windows_BWD, text_BD, dtype=np.float64) / windows_BWD.shape[1]


def of_prompts(judged: "Judged") -> np.ndarray:
    """Mean CLAP-f [P] of each prompt's samples."""
    text_ND = judged.each_clip(judged.prompts.text_PD)
    return clap_score(judged.clips.clap_NWD, text_ND).reshape(judged.heard.pmos_N.shape).mean(axis=1)


def chance(judged: "Judged") -> float | None:
    """Mean CLAP-f of each prompt's samples with the other prompts; `None` where there is one prompt."""
    prompts, samples = judged.heard.pmos_N.shape
    window_ND = judged.clips.clap_NWD.mean(axis=1, dtype=np.float64)
    return mismatched_clap_score(window_ND.reshape(prompts, samples, -1), judged.prompts.text_PD)


def mismatched_clap_score(windows_BWD: np.ndarray, text_BD: np.ndarray) -> float | None:
    """Mean CLAP-f of every clip with every other clip's text; `None` for a single clip."""
    clips = len(windows_BWD)
    if clips < 2:
        return None
    cosine_BB = windows_BWD.mean(axis=1, dtype=np.float64) @ text_BD.T
    return float((cosine_BB.sum() - np.trace(cosine_BB)) / (clips * (clips - 1)))


def flattened(windows_BWD: np.ndarray) -> np.ndarray:
    """One unit vector [B, W·D] a clip, its windows side by side, so that cosines are means of the windows' cosines."""
    flat_BF = windows_BWD.reshape(len(windows_BWD), -1).astype(np.float64)
    return flat_BF / np.maximum(np.linalg.norm(flat_BF, axis=1, keepdims=True), 1e-12)
