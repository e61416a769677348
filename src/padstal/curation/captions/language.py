"""Merging captions by a language model (QA-MDT 4.3): ask what is not recorded, then judge every answer.

The model's answer is recorded as it came; what may stand as a caption is decided anew in every run (`guard`).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from padstal.curation.captions.answers import Answers
from padstal.curation.captions.config import LanguageMerge
from padstal.curation.captions.guard import clean, instructs, objection
from padstal.curation.captions.merge import Merged, Refusal
from padstal.curation.captions.prompt import AnswerError, Pair, caption_of

Ask = Callable[[list[Pair]], Iterator[tuple[Pair, str | None]]]
"""Pairs to answers, in any order; `None` where the model could not be reached."""


@dataclass(frozen=True)
class LanguageMerger:
    """Merges pairs; `pairs` is a `Merger`.

    Attributes:
        ask: The language model.
        model: Its name, under which answers are recorded.
        limits, max_bytes: What may stand as a merged caption.
        answers: The record.
    """

    ask: Ask
    model: str
    limits: LanguageMerge
    max_bytes: int
    answers: Answers

    def pairs(self, originals: list[str], generated: list[str]) -> list[Merged]:
        """Every pair merged; equal pairs are asked once."""
        wanted = [Pair(t_o, t_g) for t_o, t_g in zip(originals, generated, strict=True)]
        unfit = {pair: refusal for pair in dict.fromkeys(wanted) if (refusal := _unaskable(pair)) is not None}
        missing = [
            pair for pair in dict.fromkeys(wanted) if pair not in unfit and self.answers.get(pair, self.model) is None
        ]
        if missing:
            for pair, answer in self.ask(missing):
                if answer is not None:
                    self.answers.add(pair, self.model, answer)
        return [Merged("", unfit[pair]) if pair in unfit else self._judged(pair) for pair in wanted]

    def _judged(self, pair: Pair) -> Merged:
        answer = self.answers.get(pair, self.model)
        if answer is None:
            return Merged("", Refusal.NO_ANSWER)
        try:
            caption = caption_of(answer)
        except AnswerError:
            return Merged("", Refusal.FORMAT)
        refusal = objection(caption, pair.original, pair.generated, self.limits, self.max_bytes)
        return Merged("" if refusal is not None else clean(caption), refusal)


def _unaskable(pair: Pair) -> Refusal | None:
    if not pair.is_short:
        return Refusal.TOO_LONG
    return Refusal.INSTRUCTION if instructs(pair.original) or instructs(pair.generated) else None
