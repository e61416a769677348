"""Caption refinement of a data set (QA-MDT 4.3): every clip heard and captioned, compared, decided.

Shape suffixes: N clips, D features.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from padstal.core.data.manifest import ClipAudio
from padstal.core.data.units import seconds_to_samples
from padstal.core.progress import Progress, silent
from padstal.core.protocols import AudioTextEmbedder, Captioner
from padstal.curation.captions.config import CaptionParams
from padstal.curation.captions.merge import Merger, Refusal
from padstal.curation.captions.refine import GENERATED, Decision, Refined, refine
from padstal.curation.captions.similarity import TextEmbeddings, centre_window, cosine, shuffled_cosine
from padstal.curation.listening import batches
from padstal.curation.quantiles import quantiles

QUANTILES = (0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99)
"""That metrics give of cosines."""
PAPER = {"filtered": 0.089, "fused": 0.151}
"""Shares of QA-MDT 6.1, on ASM and FMA with LAION's CLAP (Eqs. 9 and 11)."""


@dataclass(frozen=True)
class Refinement:
    """Refined captions of N clips.

    Attributes:
        table: A row a clip: `clip_id`, captions, decision, refusal, licence and cosines.
        refined: The decisions.
        cosines: CLAP cosines of pairs that belong together, and of shuffled ones.
        embedded: How many distinct captions CLAP read.
    """

    table: pd.DataFrame
    refined: Refined
    cosines: Mapping[str, np.ndarray]
    embedded: int

    def metrics(self, params: CaptionParams) -> dict[str, Any]:
        """Shares beside the paper's, refusals, licences, and CLAP's cosine of matched against shuffled pairs."""
        refined, clips = self.refined, len(self.table)
        shares = {"filtered": refined.filtered_share, "fused": refined.fused_share}
        licences = self.table.loc[self.table["caption_licence"] != "", "caption_licence"]
        return {
            "clips": clips,
            "captions_embedded": self.embedded,
            "share": {str(name): refined.decision.count(name) / clips for name in Decision},
            "refused": {str(name): refined.refusal.count(name) for name in Refusal if name in refined.refusal},
            "beside_paper": {name: beside(share, PAPER[name], params.alarm_ratio) for name, share in shares.items()},
            "caption_licences": {str(name): int(count) for name, count in licences.value_counts().sort_index().items()},
            "merge": params.merge.kind,
            "cosine_quantiles": {name: quantiles(values, QUANTILES) for name, values in self.cosines.items()},
        }


def hear(
    audio: ClipAudio,
    manifest: pd.DataFrame,
    embedder: AudioTextEmbedder,
    captioner: Captioner,
    *,
    batch_clips: int,
    progress: Progress = silent,
) -> tuple[np.ndarray, list[str]]:
    """CLAP embedding [N, D] of each clip's middle, and the caption that the captioner gives to the clip."""
    window = seconds_to_samples(embedder.window_seconds, embedder.sample_rate)
    rates = (embedder.sample_rate, captioner.sample_rate)
    embeddings, generated = [], []
    for for_clap_BS, for_captioner_BS in batches(audio, manifest, *rates, batch_clips=batch_clips, progress=progress):
        embeddings.append(embedder.embed_audio(centre_window(for_clap_BS, window)))
        generated += captioner.caption(for_captioner_BS)
    return np.concatenate(embeddings).astype(np.float32), [caption.strip() for caption in generated]


def refine_captions(
    manifest: pd.DataFrame,
    audio_ND: np.ndarray,
    generated: list[str],
    embedder: AudioTextEmbedder,
    params: CaptionParams,
    merge: Merger,
    *,
    licence: str,
) -> Refinement:
    """Decide on the caption of every clip; one without an original caption has its tags for one.

    Args:
        manifest: The clips.
        audio_ND, generated: As of `hear`.
        embedder: CLAP.
        params: Thresholds.
        merge: Merges two captions.
        licence: Of what the captioner writes.
    """
    original = manifest["caption"].where(manifest["caption"].str.strip() != "", manifest["tags"]).str.strip().tolist()
    texts, features = TextEmbeddings(embedder, batch=params.batch_clips), audio_ND.shape[1]
    texts.add([*original, *generated])
    original_ND, generated_ND = texts.of(original, features), texts.of(generated, features)
    cosines = {
        "original_matched": cosine(original_ND, audio_ND),
        "original_shuffled": shuffled_cosine(audio_ND, original_ND),
        "generated_matched": cosine(generated_ND, audio_ND),
        "generated_shuffled": shuffled_cosine(audio_ND, generated_ND),
        "original_generated": cosine(original_ND, generated_ND),
    }
    of_original_N, of_generated_N = cosines["original_matched"], cosines["generated_matched"]
    refined = refine(
        original,
        generated,
        of_original_N,
        of_generated_N,
        cosines["original_generated"],
        thresholds=params,
        merge=merge,
        fit=lambda clips, captions: cosine(texts.of(captions, features), audio_ND[clips]),
        heard_whole=embedder.hears_whole,
    )
    table = pd.DataFrame(
        {
            "clip_id": manifest["clip_id"],
            "original": original,
            "generated": generated,
            "decision": [str(decision) for decision in refined.decision],
            "refusal": ["" if refusal is None else str(refusal) for refusal in refined.refusal],
            "caption": refined.caption,
            "caption_licence": [licence if decision in GENERATED else "" for decision in refined.decision],
            "similarity_original_audio": of_original_N,
            "similarity_generated_audio": of_generated_N,
            "similarity_original_generated": cosines["original_generated"],
            "similarity_caption_audio": refined.similarity_N,
        }
    )
    return Refinement(table, refined, cosines, len(texts))


def beside(share: float, paper: float, alarm_ratio: float) -> dict[str, float | bool]:
    """A share beside the paper's: `times` is their ratio, `alarm` whether that is `alarm_ratio` times above or below.

    Then captions, captioner and CLAP are of another kind than there, which may be so, but should be known.
    """
    times = share / paper
    return {"value": share, "paper": paper, "times": times, "alarm": not 1 / alarm_ratio < times < alarm_ratio}


def warnings(metrics: Mapping[str, Any]) -> Iterator[str]:
    """What a person should know of `Refinement.metrics`: drifted shares, and questions without an answer."""
    for name, share in metrics["beside_paper"].items():
        if share["alarm"]:
            yield (
                f"{share['value']:.1%} {name}, {share['times']:.2g} times the paper's {share['paper']:.1%}: "
                "other captions, captioner, CLAP or thresholds than there; see cosine_quantiles in the metrics"
            )
    if unanswered := metrics["refused"].get(str(Refusal.NO_ANSWER), 0):
        yield (
            f"{unanswered} clips keep their generated caption because the language model did not answer; "
            "`dvc repro -f -s caption` asks again"
        )
