"""What merges two captions, as params choose: a rule, a local language model, or one behind HTTP."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from padstal.core.progress import Progress, silent
from padstal.core.protocols import Tagger
from padstal.curation.captions.answers import Answers
from padstal.curation.captions.config import CaptionParams, EndpointMerge, RuleMerge
from padstal.curation.captions.endpoint import Endpoint, key_from_environment
from padstal.curation.captions.language import Ask, LanguageMerger
from padstal.curation.captions.merge import Merger, RuleMerger
from padstal.curation.captions.prompt import Pair, sentence

if TYPE_CHECKING:
    import torch


def merging_key(params: CaptionParams) -> str:
    """The key of the merging language model; "" where none is needed.

    Raises:
        EndpointError: It is needed and not there.
    """
    return key_from_environment(params.merge.key_variable) if isinstance(params.merge, EndpointMerge) else ""


def merger_of(
    params: CaptionParams,
    words: Tagger,
    answers: Answers,
    *,
    key: str,
    folder: Path,
    device: "torch.device",
    progress: Progress = silent,
) -> Merger:
    """What `params.merge` names; a language model is loaded only when it is asked.

    Args:
        params: Of the stage.
        words: Whose vocabulary a rule knows.
        answers: Where a language model's answers are recorded.
        key: Of `merging_key`.
        folder: Where a local model's files are brought.
        device: That it runs on.
        progress: Wraps answers, to show progress.
    """
    how, max_bytes = params.merge, params.max_caption_bytes
    if isinstance(how, RuleMerge):
        genres_and_moods = {"genre": words.genres, "mood": words.moods}
        return RuleMerger(exclusive=genres_and_moods, free={"instrument": words.instruments}, max_bytes=max_bytes).pairs
    if isinstance(how, EndpointMerge):
        ask: Ask = partial(Endpoint(how, key).ask, progress=progress)
        return LanguageMerger(ask, how.model, how, max_bytes, answers).pairs
    from padstal.foundation import text2text

    def ask_here(pairs: list[Pair]) -> Iterator[tuple[Pair, str | None]]:
        """Answers of a local language model; "" for a prompt that is too long for it."""
        prompts = [sentence(pair) for pair in pairs]
        model = text2text.load(how.weights, folder, device)
        written = model.write(prompts, batch=how.batch_pairs, max_tokens=how.max_answer_tokens)
        texts = progress(written, total=len(pairs), unit="merge")
        yield from ((pair, text or "") for pair, text in zip(pairs, texts, strict=True))

    return LanguageMerger(ask_here, text2text.identity(how.weights), how, max_bytes, answers).pairs
