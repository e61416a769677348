"""How good a listener is on clips that it did not see: retrieval, zero-shot classification, rank correlation.

Shape suffixes: A audio clips, T texts, D features, K classes.
"""

import numpy as np

from padstal.core.protocols import AudioTextEmbedder, QualityScorer, Tagger
from padstal.demo.draw import LabelledClips
from padstal.demo.vocabulary import GENRES


def recall_at(audio_AD: np.ndarray, text_AD: np.ndarray, k: int) -> float:
    """R@k from text to audio: share of texts whose own clip is among the `k` clips nearest by cosine.

    Row i of both belongs together; a tie counts against us. Chance is k / A.
    """
    similarity_TA = text_AD @ audio_AD.T
    own_T = np.diag(similarity_TA)
    better_T = (similarity_TA >= own_T[:, None]).sum(axis=1) - 1
    return float(np.mean(better_T < k))


def zero_shot_accuracy(audio_AD: np.ndarray, class_KD: np.ndarray, truth_A: np.ndarray) -> float:
    """Share of clips whose nearest class text is the true one. Chance is 1 / K."""
    return float(np.mean((audio_AD @ class_KD.T).argmax(axis=1) == truth_A))


def spearman(predicted_A: np.ndarray, truth_A: np.ndarray) -> float:
    """Spearman's rank correlation; 0 where either is constant."""
    from scipy.stats import spearmanr

    if np.ptp(predicted_A) == 0 or np.ptp(truth_A) == 0:
        return 0.0
    return float(spearmanr(predicted_A, truth_A).statistic)


def mean_average_precision(posterior_AK: np.ndarray, truth_AK: np.ndarray) -> float:
    """Mean average precision of `posterior_AK` against {0, 1} over classes that occur. Chance: a class's share."""
    values = []
    for posterior_A, truth_A in zip(posterior_AK.T, truth_AK.T, strict=True):
        if truth_A.any():
            hit_A = truth_A[np.argsort(-posterior_A, kind="stable")].astype(bool)
            precision_A = np.cumsum(hit_A) / np.arange(1, len(hit_A) + 1)
            values.append(precision_A[hit_A].mean())
    return float(np.mean(values)) if values else 0.0


def clap_report(clap: AudioTextEmbedder, clips: LabelledClips) -> dict[str, float]:
    """Retrieval and zero-shot genre accuracy of `clap` on labelled clips, with the chance levels."""
    audio_AD, text_AD = clap.embed_audio(clips.audio_BS), clap.embed_text(clips.captions)
    truth_A = np.array([GENRES.index(genre) for genre in clips.genre])
    prompts_KD = clap.embed_text([f"{genre} music" for genre in GENRES])
    return {
        "held_out_clips": len(audio_AD),
        "recall_at_10": recall_at(audio_AD, text_AD, 10),
        "recall_at_10_chance": min(1.0, 10 / len(audio_AD)),
        "zero_shot_genre_accuracy": zero_shot_accuracy(audio_AD, prompts_KD, truth_A),
        "zero_shot_genre_chance": 1 / len(GENRES),
        "cosine_own": float((audio_AD * text_AD).sum(axis=1).mean()),
        "cosine_any": float((audio_AD @ text_AD.T).mean()),
    }


def pmos_report(scorer: QualityScorer, clips: LabelledClips) -> dict[str, float]:
    """Rank correlation and error of `scorer` against true quality; chance is a correlation of 0."""
    score_A = scorer.score(clips.audio_BS)
    bad_A = np.array([kind != "" for kind in clips.degradation])
    report = {
        "held_out_clips": len(score_A),
        "spearman": spearman(score_A, clips.mos_B),
        "spearman_degraded": spearman(score_A[bad_A], clips.mos_B[bad_A]),
        "spearman_chance": 0.0,
        "mean_absolute_error": float(np.abs(score_A - clips.mos_B).mean()),
    }
    for kind in sorted(set(clips.degradation) - {""}):
        of_kind_A = np.array([found == kind for found in clips.degradation])
        report[f"error_{kind.replace(' ', '_')}"] = float(np.abs(score_A - clips.mos_B)[of_kind_A].mean())
    return report


def tagger_report(tagger: Tagger, clips: LabelledClips) -> dict[str, float]:
    """Accuracy of each of the tagger's heads, with the chance levels (of a guess from the classes' shares)."""
    tags = tagger.tag(clips.audio_BS)
    genre_A = np.array([tagger.genres.index(genre) for genre in clips.genre])
    mood_A = np.array([tagger.moods.index(mood) for mood in clips.mood])
    sounding_AI = np.array([[name in sounding for name in tagger.instruments] for sounding in clips.instruments])
    off_A = np.abs(np.log2(tags.tempo_B / clips.tempo_B))
    return {
        "held_out_clips": len(genre_A),
        "genre_accuracy": float(np.mean(tags.genre_BG.argmax(axis=1) == genre_A)),
        "genre_chance": 1 / len(tagger.genres),
        "instrument_average_precision": mean_average_precision(tags.instrument_BI, sounding_AI),
        "instrument_chance": float(sounding_AI.mean()),
        "mood_accuracy": float(np.mean(tags.mood_BM.argmax(axis=1) == mood_A)),
        "mood_chance": 1 / len(tagger.moods),
        "tempo_within_8_percent": float(np.mean(off_A < np.log2(1.08))),
    }
