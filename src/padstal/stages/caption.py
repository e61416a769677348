"""`caption`: keep, replace or merge captions by what CLAP hears (QA-MDT 4.3), and keep the decision."""

import shutil
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from typing import Any

import numpy as np
import pandas as pd

from padstal.core.data.atomic import atomic_folder
from padstal.core.data.manifest import ClipAudio, read_table, write_table
from padstal.core.data.units import seconds_to_samples
from padstal.core.protocols import AudioTextEmbedder, Captioner, Tagger
from padstal.curation.captions.answers import Answers
from padstal.curation.captions.config import CaptionParams, EndpointMerge, RuleMerge, Text2TextMerge
from padstal.curation.captions.endpoint import Endpoint, EndpointError, key_from_environment
from padstal.curation.captions.guard import Limits
from padstal.curation.captions.language import LanguageMerger
from padstal.curation.captions.merge import Merger, Refusal, RuleMerger
from padstal.curation.captions.prompt import Pair, sentence
from padstal.curation.captions.refine import GENERATED, Decision, Refined, Thresholds, refine
from padstal.curation.captions.shares import beside_paper
from padstal.curation.captions.similarity import TextEmbeddings, centre_window, cosine, shuffled_cosine
from padstal.curation.listening import at_rate, batches, clip_sample_rate
from padstal.evaluation.caption_effect import effects
from padstal.foundation.fetch import FetchError, Published
from padstal.foundation.store import UntrustedFileError
from padstal.stages.harness import Stage, StageError, run_stage

QUANTILES = (0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99)


def main(stage: Stage[CaptionParams]) -> None:
    """Caption every clip, compare, decide, and keep the audio embeddings for `curate`."""
    from padstal.foundation import captioner, clap, tagger

    params, paths, device = stage.params, stage.paths, stage.device()
    key = merging_key(params)  # before hours of listening
    manifest = read_table(paths.ingest / "manifest.parquet")
    answers = Answers(paths.merges, paths.state("caption") / "merges.jsonl")
    hearing = captioner.load(paths.foundation("captioner"), paths.foundation("tagger"), device)
    embedder = clap.load(paths.foundation("clap"), device)
    merge = merger(stage, tagger.load(paths.foundation("tagger"), device), answers, key)

    audio_ND, generated = listen(stage, manifest, embedder, hearing)
    original = manifest["caption"].where(manifest["caption"].str.strip() != "", manifest["tags"]).str.strip().tolist()
    texts = TextEmbeddings(embedder, batch=params.batch_clips)
    texts.add([*original, *generated])
    features = audio_ND.shape[1]
    original_ND, generated_ND = texts.of(original, features), texts.of(generated, features)
    try:
        refined = refine(
            original,
            generated,
            cosine(original_ND, audio_ND),
            cosine(generated_ND, audio_ND),
            cosine(original_ND, generated_ND),
            thresholds=Thresholds(params.rho1, params.rho2, params.rho3, params.neither_fits),
            merge=merge,
            fit=lambda clips, captions: cosine(texts.of(captions, features), audio_ND[clips]),
            heard_whole=embedder.hears_whole,
        )
    except (EndpointError, FetchError, UntrustedFileError) as error:
        raise StageError(f"merging captions: {error}") from error
    captions = pd.DataFrame(
        {
            "clip_id": manifest["clip_id"],
            "original": original,
            "generated": generated,
            "decision": [str(decision) for decision in refined.decision],
            "refusal": ["" if refusal is None else str(refusal) for refusal in refined.refusal],
            "caption": refined.caption,
            "caption_licence": [hearing.licence if d in GENERATED else "" for d in refined.decision],
            "similarity_original_audio": cosine(original_ND, audio_ND),
            "similarity_generated_audio": cosine(generated_ND, audio_ND),
            "similarity_original_generated": cosine(original_ND, generated_ND),
            "similarity_caption_audio": refined.similarity_N,
        }
    )
    with atomic_folder(paths.caption) as folder:
        write_table(captions, folder / "captions.parquet")
        np.save(folder / "audio_embeddings.npy", audio_ND)
    numbers = metrics(
        stage, captions, manifest["track_id"], refined, audio_ND, original_ND, generated_ND, embedded=len(texts)
    )
    stage.write_metrics(numbers)
    tell(stage, numbers, new_answers=answers.save())
    shutil.rmtree(paths.state("caption"), ignore_errors=True)


def merging_key(params: CaptionParams) -> str:
    """The key of the merging language model; "" where none is needed.

    Raises:
        StageError: It is needed and not there.
    """
    if not isinstance(params.merge, EndpointMerge):
        return ""
    try:
        return key_from_environment(params.merge.key_variable)
    except EndpointError as error:
        raise StageError(f"merging captions: {error}") from None


def merger(stage: Stage[CaptionParams], words: Tagger, answers: Answers, key: str) -> Merger:
    """What merges two captions, as params choose; a language model is loaded only when it is asked."""
    how = stage.params.merge
    if isinstance(how, RuleMerge):
        return RuleMerger(
            exclusive={"genre": words.genres, "mood": words.moods},
            free={"instrument": words.instruments},
            max_bytes=stage.params.max_caption_bytes,
        ).pairs
    limits = Limits(stage.params.max_caption_bytes, how.max_new_words, how.min_kept_words)
    if isinstance(how, Text2TextMerge):
        from padstal.foundation import text2text

        published = Published(how.weights.repository, how.weights.revision, how.weights.sha256)
        return LanguageMerger(
            lambda pairs: ask_text2text(stage, how, published, pairs), text2text.identity(published), limits, answers
        ).pairs
    endpoint = Endpoint(key=key, **how.model_dump(exclude={"kind", "max_new_words", "min_kept_words"}))

    def ask(pairs: list[Pair]) -> Iterator[tuple[Pair, str | None]]:
        return endpoint.ask(pairs, lambda done: stage.progress(done, total=len(pairs), unit="merge"))

    return LanguageMerger(ask, how.model, limits, answers).pairs


def ask_text2text(
    stage: Stage[CaptionParams], how: Text2TextMerge, published: Published, pairs: list[Pair]
) -> Iterator[tuple[Pair, str | None]]:
    """Answers of a local language model; "" for a prompt that is too long for it."""
    from padstal.foundation import text2text

    model = text2text.load(published, stage.paths.state("caption") / "merger", stage.device())
    prompts = [sentence(pair) for pair in pairs]
    written = model.write(prompts, batch=how.batch_pairs, max_tokens=how.max_answer_tokens)
    texts = stage.progress(written, total=len(pairs), unit="merge")
    yield from ((pair, text or "") for pair, text in zip(pairs, texts, strict=True))


def listen(
    stage: Stage[CaptionParams], manifest: pd.DataFrame, embedder: AudioTextEmbedder, hearing: Captioner
) -> tuple[np.ndarray, list[str]]:
    """CLAP embedding [N, D] of each clip's middle, and the caption that the captioner gives to the clip."""
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
    stage: Stage[CaptionParams],
    captions: pd.DataFrame,
    track_ids: pd.Series,
    refined: Refined,
    audio_ND: np.ndarray,
    original_ND: np.ndarray,
    generated_ND: np.ndarray,
    *,
    embedded: int,
) -> dict[str, Any]:
    """Shares beside the paper's, CLAP score before and after, and CLAP's cosine of matched against shuffled pairs."""
    effect = effects(captions.assign(track_id=track_ids))
    shares = beside_paper(refined.filtered_share, refined.fused_share, alarm_ratio=stage.params.alarm_ratio)
    licences = captions.loc[captions["caption_licence"] != "", "caption_licence"]
    return {
        "clips": len(captions),
        "captions_embedded": embedded,
        "share": {str(name): refined.decision.count(name) / len(captions) for name in Decision},
        "refused": {str(name): refined.refusal.count(name) for name in Refusal if name in refined.refusal},
        "beside_paper": {name: asdict(share) for name, share in shares.items()},
        "caption_licences": {str(name): int(count) for name, count in licences.value_counts().sort_index().items()},
        "merge": stage.params.merge.kind,
        "clap_score": {name: asdict(found) for name, found in effect.items()},
        "cosine_quantiles": {
            "original_matched": _quantiles(cosine(original_ND, audio_ND)),
            "original_shuffled": _quantiles(shuffled_cosine(audio_ND, original_ND)),
            "generated_matched": _quantiles(cosine(generated_ND, audio_ND)),
            "generated_shuffled": _quantiles(shuffled_cosine(audio_ND, generated_ND)),
            "original_generated": _quantiles(cosine(original_ND, generated_ND)),
        },
    }


def tell(stage: Stage[CaptionParams], numbers: dict[str, Any], *, new_answers: int) -> None:
    """What a person should know: drifted shares, questions without an answer, answers to be kept."""
    for name, share in numbers["beside_paper"].items():
        if share["alarm"]:
            stage.say(
                f"warning: {share['value']:.1%} {name}, {share['times']:.2g} times the paper's {share['paper']:.1%}: "
                "other captions, captioner, CLAP or thresholds than there; see cosine_quantiles in the metrics"
            )
    unanswered = numbers["refused"].get(str(Refusal.NO_ANSWER), 0)
    if unanswered:
        stage.say(
            f"warning: {unanswered} clips keep their generated caption because the language model did not answer; "
            "`dvc repro -f -s caption` asks again"
        )
    if new_answers:
        record = stage.paths.merges.relative_to(stage.paths.root)
        stage.say(f"{new_answers} new answers in {record}: `git add` (or `dvc add`) it, so that others get equal bytes")


def _quantiles(values: np.ndarray) -> dict[str, float] | None:
    finite = values[np.isfinite(values)]
    return {str(q): float(np.quantile(finite, q)) for q in QUANTILES} if len(finite) else None


if __name__ == "__main__":
    run_stage("caption", CaptionParams, main)
