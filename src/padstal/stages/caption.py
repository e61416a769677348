"""`caption`: keep, replace or merge captions by what CLAP hears (QA-MDT 4.3), and keep the decision."""

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd

from padstal.captions.merge import RuleMerger
from padstal.captions.refine import Decision, Refined, Thresholds, refine
from padstal.captions.similarity import TextEmbeddings, centre_window, cosine, shuffled_cosine
from padstal.interfaces import AudioTextEmbedder
from padstal.manifest import ClipAudio, read_table, write_table
from padstal.params.caption import CaptionParams
from padstal.quality.listening import at_rate, batches, clip_sample_rate
from padstal.stages.harness import Stage, run_stage
from padstal.storage.atomic import atomic_folder
from padstal.units import seconds_to_samples

PAPER_SHARES = {"filtered": 0.089, "fused": 0.151}
"""QA-MDT 6.1, on ASM and FMA."""
QUANTILES = (0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99)


def main(stage: Stage[CaptionParams]) -> None:
    """Caption every clip, compare, decide, and keep the audio embeddings for `curate`."""
    from padstal.foundation import captioner, clap, tagger

    params, device = stage.params, stage.device()
    manifest = read_table(stage.paths.ingest / "manifest.parquet")
    hearing = captioner.load(stage.paths.foundation("tagger"), device)
    words = tagger.load(stage.paths.foundation("tagger"), device)
    embedder = clap.load(stage.paths.foundation("clap"), device)

    audio_ND, generated = listen(stage, manifest, embedder, hearing)
    original = manifest["caption"].where(manifest["caption"].str.strip() != "", manifest["tags"]).str.strip().tolist()
    texts = TextEmbeddings(embedder, batch=params.batch_clips)
    texts.add([*original, *generated])
    features = audio_ND.shape[1]
    original_ND, generated_ND = texts.of(original, features), texts.of(generated, features)

    refined = refine(
        original,
        generated,
        cosine(original_ND, audio_ND),
        cosine(generated_ND, audio_ND),
        cosine(original_ND, generated_ND),
        thresholds=Thresholds(params.rho1, params.rho2, params.rho3, params.neither_fits),
        merge=RuleMerger(
            exclusive={"genre": words.genres, "mood": words.moods},
            free={"instrument": words.instruments},
            max_bytes=params.max_caption_bytes,
        ),
        fit=lambda clips, captions: cosine(texts.of(captions, features), audio_ND[clips]),
    )
    captions = pd.DataFrame(
        {
            "clip_id": manifest["clip_id"],
            "original": original,
            "generated": generated,
            "decision": [str(decision) for decision in refined.decision],
            "caption": refined.caption,
            "similarity_original_audio": cosine(original_ND, audio_ND),
            "similarity_generated_audio": cosine(generated_ND, audio_ND),
            "similarity_original_generated": cosine(original_ND, generated_ND),
            "similarity_caption_audio": refined.similarity_N,
        }
    )
    with atomic_folder(stage.paths.caption) as folder:
        write_table(captions, folder / "captions.parquet")
        np.save(folder / "audio_embeddings.npy", audio_ND)
    stage.write_metrics(metrics(captions, refined, audio_ND, original_ND, generated_ND, embedded=len(texts)))


def listen(
    stage: Stage[CaptionParams], manifest: pd.DataFrame, embedder: AudioTextEmbedder, hearing: Any
) -> tuple[np.ndarray, list[str]]:
    """CLAP embedding [N, D] of each clip's middle, and the caption that the captioner gives to the whole clip."""
    audio, batch_clips = ClipAudio(stage.paths.ingest), stage.params.batch_clips
    rate = clip_sample_rate(audio, manifest)
    window = seconds_to_samples(embedder.window_seconds, embedder.sample_rate)
    total = -(-len(manifest) // batch_clips)

    def show(starts: Iterable[int]) -> Iterable[int]:
        return stage.progress(starts, total=total, unit="batch")

    embeddings, generated = [], []
    for audio_BS in batches(audio, manifest, batch_clips=batch_clips, progress=show):
        embeddings.append(embedder.embed_audio(centre_window(at_rate(audio_BS, rate, embedder.sample_rate), window)))
        generated += hearing.caption(at_rate(audio_BS, rate, hearing.sample_rate))
    return np.concatenate(embeddings).astype(np.float32), [caption.strip() for caption in generated]


def metrics(
    captions: pd.DataFrame,
    refined: Refined,
    audio_ND: np.ndarray,
    original_ND: np.ndarray,
    generated_ND: np.ndarray,
    *,
    embedded: int,
) -> dict[str, Any]:
    """Shares beside the paper's, similarity before and after, and CLAP's cosine of matched against shuffled pairs."""
    of = captions.groupby("decision")
    return {
        "clips": len(captions),
        "captions_embedded": embedded,
        "share": {str(name): refined.decision.count(name) / len(captions) for name in Decision},
        "filtered_share": refined.filtered_share,
        "fused_share": refined.fused_share,
        "paper": PAPER_SHARES,
        "similarity_before": _mean(captions["similarity_original_audio"]),
        "similarity_after": _mean(captions["similarity_caption_audio"]),
        "similarity_before_of": {str(name): _mean(rows["similarity_original_audio"]) for name, rows in of},
        "similarity_after_of": {str(name): _mean(rows["similarity_caption_audio"]) for name, rows in of},
        "cosine_quantiles": {
            "original_matched": _quantiles(cosine(original_ND, audio_ND)),
            "original_shuffled": _quantiles(shuffled_cosine(audio_ND, original_ND)),
            "generated_matched": _quantiles(cosine(generated_ND, audio_ND)),
            "generated_shuffled": _quantiles(shuffled_cosine(audio_ND, generated_ND)),
            "original_generated": _quantiles(cosine(original_ND, generated_ND)),
        },
    }


def _mean(values: pd.Series) -> float | None:
    return float(values.mean()) if values.notna().any() else None


def _quantiles(values: np.ndarray) -> dict[str, float] | None:
    finite = values[np.isfinite(values)]
    return {str(q): float(np.quantile(finite, q)) for q in QUANTILES} if len(finite) else None


if __name__ == "__main__":
    run_stage("caption", CaptionParams, main)
