"""The captioner: a caption from audio alone (F_cap of QA-MDT 4.3), composed of what the tagger hears, or LP-MusicCaps.

The composed one is a tag list in the corpus' manner, surest first: genre, mood, instruments, tempo. It needs no
training of its own.

Shape suffixes: B batch, S samples, I instruments.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from padstal.core.protocols import Captioner, Tagger
from padstal.core.tensor_files import loads
from padstal.foundation import tagger as tagger_role
from padstal.foundation.store import read_config, save_config

ROLE = "captioner"
COMPOSED = "composed"
MAX_BYTES = 110
SURE = 0.5
"""A posterior from which on an instrument or a mood is named."""
MAX_INSTRUMENTS = 4


@dataclass(frozen=True)
class TagCaptioner:
    """Names a tagger's tags; implements `protocols.Captioner`."""

    tagger: Tagger
    licence: str = ""
    """Its tags are nobody's work."""

    @property
    def sample_rate(self) -> int:
        return self.tagger.sample_rate

    def caption(self, audio_BS: np.ndarray) -> list[str]:
        """One caption a clip, at most `MAX_BYTES` bytes; the genre is always named."""
        tags = self.tagger.tag(audio_BS)
        captions = []
        for row in range(len(audio_BS)):
            words = [self.tagger.genres[int(tags.genre_BG[row].argmax())]]
            if tags.mood_BM[row].max() >= SURE:
                words.append(self.tagger.moods[int(tags.mood_BM[row].argmax())])
            order_I = np.argsort(-tags.instrument_BI[row], kind="stable")[:MAX_INSTRUMENTS]
            words += [self.tagger.instruments[i] for i in order_I if tags.instrument_BI[row, i] >= SURE]
            words.append(f"{round(float(tags.tempo_B[row]))} bpm")
            captions.append(join(words))
        return captions


def join(words: list[str]) -> str:
    """`words` as a tag list; those that would pass `MAX_BYTES` are left out."""
    text = words[0]
    for word in words[1:]:
        longer = f"{text}, {word}"
        if len(longer.encode()) <= MAX_BYTES:
            text = longer
    return text


def compose(folder: Path) -> None:
    """Fill a model folder with what says that captions are composed of the tagger's tags."""
    save_config(folder, {"role": ROLE, "kind": COMPOSED, "origin": "composed of the tagger's tags"})


@loads("the folder of a captioner")
def load(folder: Path, tagger_folder: Path, device: torch.device | str) -> Captioner:
    """The captioner of a model folder; a composed one on the tagger of `tagger_folder`.

    Raises:
        FileNotFoundError, UntrustedFileError: See `store`.
    """
    if read_config(folder, ROLE)["kind"] == COMPOSED:
        return TagCaptioner(tagger_role.load(tagger_folder, device))
    from padstal.foundation import lp_music_caps

    return lp_music_caps.load(folder, device)
