"""Who made the music that a model was trained on, and what their licences ask for: in cards and in a file of credits.

A credit names title, author, source and licence, as Creative Commons asks.
"""

import re
from collections.abc import Mapping
from typing import Any

import pandas as pd

from padstal.reporting.inputs import Inputs
from padstal.reporting.text import escape_markdown, number
from padstal.rights.licence import UNKNOWN, address, normalise
from padstal.rights.terms import Terms, at_odds, joint, most_restrictive, terms_of

FILE = "ATTRIBUTION.md"
"""Beside the model cards."""
_LINK = re.compile(r"https?://[A-Za-z0-9][A-Za-z0-9.:-]*(?:/[A-Za-z0-9/._~%?&=+,;:@!$*-]*)?")


def trained_on(inputs: Inputs) -> pd.DataFrame | None:
    """Clips of the training split, after curation if it has run; `None` where there is no data set."""
    return None if inputs.curated is None else inputs.curated[inputs.curated["split"] == "train"]


def credits_page(inputs: Inputs) -> str:
    """A credit for every track of the training split, as Markdown, by artist, title and path."""
    train = trained_on(inputs)
    tracks = _tracks(train) if train is not None else pd.DataFrame()
    lines = [f"- {credit(row)}" for row in tracks.to_dict("records")]
    head = (
        f"The models beside this file were trained at {inputs.scale} scale on the {number(len(lines))} tracks below. "
        "Each has its title, author, source and licence as its source states them; the audio was cut into clips "
        "and brought to one form."
    )
    return "\n\n".join(("# Attribution", head, "\n".join(lines) or "No track was found.")) + "\n"


def credit(track: Mapping[str, Any]) -> str:
    """One track's credit; `track` has title, artist, album, path, source, licence and source_url."""
    title = escape_markdown(track["title"] or track["path"])
    artist = escape_markdown(track["artist"]) if track["artist"] else "an author who is not named"
    album = f", from {escape_markdown(track['album'])}" if track["album"] else ""
    source = _link(track["source_url"]) if track["source_url"] else f"{escape_markdown(track['source'])}, no link"
    licence = normalise(track["licence"])
    text = f" (<{address(licence)}>)" if address(licence) else ""
    return f"“{title}” by {artist}{album}. Source: {source}. Licence: {escape_markdown(licence)}{text}."


def obligations(inputs: Inputs) -> list[str]:
    """Paragraphs of a model card: the licence that allows least, what all ask for together, credits, policy."""
    train = trained_on(inputs)
    if train is None or not len(train):
        return ["Licences: no clip was found in the training split."]
    of_captions = train["caption_licence"] if "caption_licence" in train else pd.Series(dtype=str)
    licences = sorted({normalise(licence) for licence in [*train["licence"], *of_captions[of_captions != ""]]})
    parts = [
        "Most restrictive licence in the training split, captions included: "
        f"**{escape_markdown(most_restrictive(licences))}**. "
        f"Whoever publishes the weights or what they generate must respect it. {_together(licences)}"
    ]
    odds = at_odds(licences)
    if odds:
        shown = "; ".join(f"{shared} and {other}" for shared, other in odds)
        parts.append(
            f"No one licence satisfies all of them at once ({shown}): leave one of each pair out of `ingest.licences` "
            "and train again, or take advice before anything adapted from both is published."
        )
    tracks = _tracks(train)
    asked = tracks[[asks_for_credit(licence) for licence in tracks["licence"]]]
    unnamed = int((asked["artist"] == "").sum())
    unlinked = int((asked["source_url"] == "").sum())
    parts.append(
        f"Attribution: [{FILE}]({FILE}) credits each of the {number(len(tracks))} tracks. {number(len(asked))} have a "
        f"licence that asks for it, or may; of these {number(unnamed)} name no artist and {number(unlinked)} carry no "
        "link to their source."
    )
    policy = inputs.params.get("ingest", {}).get("licences")
    if isinstance(policy, Mapping):
        listed = ", ".join(escape_markdown(str(name)) for name in policy.get("allow", ())) or "none"
        denied = ", ".join(escape_markdown(str(name)) for name in policy.get("deny", ())) or "none"
        parts.append(
            f"Policy of the run: allowed {listed}; denied {denied}; non-commercial licences: "
            f"{policy.get('non_commercial')}; licences not stated or not known: {policy.get('unknown')}."
        )
    return parts


def asks_for_credit(licence: str) -> bool:
    """Whether a licence asks for attribution; one whose terms are not known may."""
    terms = terms_of(licence)
    return terms is None or terms.attribution


def _together(licences: list[str]) -> str:
    terms = joint(licences)
    if terms is None:
        strange = [UNKNOWN if name == UNKNOWN else f"“{name}”" for name in licences if terms_of(name) is None]
        shown = escape_markdown(", ".join(strange[:5]))
        return f"The terms of {shown} are not known here: ask whoever holds the rights before any use."
    return f"Together the licences ask for: {', '.join(asked_by(terms)) or 'nothing'}."


def asked_by(terms: Terms) -> list[str]:
    """What terms ask for, in words, the most restrictive first."""
    asked = {
        "no use beyond listening": terms.reserved,
        "no adapted works": terms.no_derivatives,
        "no commercial use": terms.non_commercial,
        "the same licence for adapted works": terms.share_alike,
        "attribution": terms.attribution,
    }
    return [words for words, holds in asked.items() if holds]


def _tracks(clips: pd.DataFrame) -> pd.DataFrame:
    """One row a track; columns that are not there are empty."""
    columns = ("artist", "title", "path", "album", "source", "licence", "source_url")
    tracks = clips.drop_duplicates("track_id")
    table = pd.DataFrame({name: tracks[name].astype(str) if name in tracks else "" for name in columns})
    return table.sort_values(["artist", "title", "path"], kind="stable", ignore_index=True)


def _link(url: str) -> str:
    return f"<{url}>" if _LINK.fullmatch(url) else escape_markdown(url)
