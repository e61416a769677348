"""The page of one clip or track: player, waveform, mel-spectrogram and everything that is known, in one file.

No script and nothing fetched; every text from outside is escaped by the template.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from markupsafe import Markup

from padstal.core.data.atomic import atomic_file
from padstal.reporting import svg
from padstal.reporting.catalogue import QUARANTINED, Catalogue
from padstal.reporting.clip_view import Facts, clip_facts, file_facts
from padstal.reporting.media import mp3_uri, playable, spectrogram_uri
from padstal.reporting.page import template_environment
from padstal.reporting.text import visible

WAVE_COLUMNS = 600
CLIPS_SHOWN = 16
"""Clips of one track that its page holds."""


@dataclass(frozen=True)
class Shown:
    """One clip as the page shows it; `audio` and `picture` are data URIs, "" where the samples are missing."""

    name: str
    note: str
    audio: str
    picture: str
    waveform: Markup
    facts: tuple[Facts, ...]


def write_page(path: Path, catalogue: Catalogue, rows: pd.DataFrame) -> None:
    """Write the page of the items `rows`, which are of one file."""
    with atomic_file(path) as temporary:
        temporary.write_text(render_page(catalogue, rows), encoding="utf-8")


def render_page(catalogue: Catalogue, rows: pd.DataFrame) -> str:
    """The page of the items `rows`, which are of one file, as HTML; the same rows give the same text."""
    first = rows.iloc[0]
    refused = first["fate"] == QUARANTINED
    clips = [] if refused else [_shown(catalogue, row) for _, row in rows.head(CLIPS_SHOWN).iterrows()]
    title = visible(str(first["title"] or Path(str(first["path"])).name or first["item"]))
    artist = visible(str(first["artist"] or ""))
    return (
        template_environment()
        .get_template("clip.html")
        .render(
            title=title,
            subtitle=f"by {artist}" if artist else "",
            scale=catalogue.inputs.scale,
            fates=sorted(
                {f"{row['fate']}: {row['reason']}".rstrip(": ").replace("_", " ") for _, row in rows.iterrows()}
            ),
            file=file_facts(catalogue, rows),
            clips=clips,
            left_out=max(0, len(rows) - CLIPS_SHOWN) if not refused else 0,
            standing=catalogue.standing,
        )
    )


def _shown(catalogue: Catalogue, row: pd.Series) -> Shown:
    begins, lasts, whole = (float(row[name]) for name in ("offset_seconds", "clip_seconds", "track_seconds"))
    note = f"{begins:.1f} to {begins + lasts:.1f} s of {whole:.1f} s"
    facts = clip_facts(catalogue, row)
    audio = catalogue.inputs.clip_audio
    assert audio is not None
    try:
        pcm_SC = audio.pcm(int(row["shard"]), int(row["row"]))
    except FileNotFoundError:
        return Shown(str(row["item"]), note, "", "", Markup(), facts)
    rate = round(len(pcm_SC) / float(row["clip_seconds"]))
    return Shown(
        name=str(row["item"]),
        note=note,
        audio=mp3_uri(*playable(pcm_SC, rate)),
        picture=spectrogram_uri(pcm_SC, rate),
        waveform=waveform(pcm_SC, rate),
        facts=facts,
    )


def waveform(pcm_SC: np.ndarray, sample_rate: int) -> Markup:
    """Envelope of int16 samples [S, C] as a chart: least and greatest sample of each stretch, over seconds."""
    edges = np.linspace(0, len(pcm_SC), min(WAVE_COLUMNS, len(pcm_SC)) + 1).astype(int)
    low_T = np.minimum.reduceat(pcm_SC.min(axis=1), edges[:-1]) / 32768.0
    high_T = np.maximum.reduceat(pcm_SC.max(axis=1), edges[:-1]) / 32768.0
    middle_T = (edges[:-1] + edges[1:]) / 2 / sample_rate
    reach = max(float(np.abs([low_T, high_T]).max()), 1e-3)
    # up and down within each stretch, so that the line fills it
    marks = [
        svg.Mark(float(at), float(value))
        for at, low, high in zip(middle_T, low_T, high_T, strict=True)
        for value in (low, high)
    ]
    axes = svg.Axes(
        "seconds", "", x_range=(0, len(pcm_SC) / sample_rate), y_range=(-reach, reach), width=920, height=190
    )
    line = svg.Line("samples", marks, style="c2 wave")
    return svg.line_chart([line], axes, title="Waveform", description="Least and greatest sample over time.")
