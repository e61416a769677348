"""Credits name every track of the training split; a card says what their licences ask for together."""

import re
from dataclasses import replace

import pandas as pd
import pytest
from tests.reporting.finished import HOSTILE

from padstal.reporting.attribution import FILE, credit, credits_page, obligations, trained_on
from padstal.reporting.cards import model_cards
from padstal.reporting.inputs import Inputs

TRACK = {
    "title": "Food",
    "artist": "AWOL",
    "album": "A Way",
    "path": "a/1.mp3",
    "source": "fma",
    "licence": "CC-BY-SA-3.0",
    "source_url": "http://freemusicarchive.org/music/AWOL/Food_(live)",
}


def under(inputs: Inputs, *licences: str) -> Inputs:
    """`inputs` whose tracks have these licences in turn."""
    dataset = inputs.dataset.copy()
    tracks = {track: licences[i % len(licences)] for i, track in enumerate(sorted(set(dataset["track_id"])))}
    return replace(inputs, dataset=dataset.assign(licence=dataset["track_id"].map(tracks)))


def card(inputs: Inputs) -> str:
    return next(card.text for card in model_cards(inputs) if card.name == "tal_dit")


def test_a_credit_names_title_author_source_and_licence() -> None:
    plain = {**TRACK, "source_url": "http://freemusicarchive.org/music/AWOL/Food"}
    assert credit(plain) == (
        "“Food” by AWOL, from A Way. Source: <http://freemusicarchive.org/music/AWOL/Food>. "
        "Licence: CC-BY-SA-3.0 (<https://creativecommons.org/licenses/by-sa/3.0/>)."
    )


def test_a_credit_says_what_is_not_known() -> None:
    bare = {**dict.fromkeys(TRACK, ""), "path": "1.wav", "source": "mine", "licence": ""}
    assert credit(bare) == "“1.wav” by an author who is not named. Source: mine, no link. Licence: unknown."


@pytest.mark.parametrize("column", ["title", "artist", "album", "source", "licence", "source_url"])
def test_what_others_wrote_is_only_text(column: str) -> None:
    line = credit({**TRACK, column: HOSTILE})
    assert "<script" not in line
    assert not re.search(r"(?<!\\)\]\(", line)
    assert "\n" not in line


@pytest.mark.parametrize("url", ["javascript:alert(1)", "http://x/><script>", "http://x/ y", "http://x/\u202egnp"])
def test_only_plain_addresses_become_links(url: str) -> None:
    assert f"<{url}>" not in credit({**TRACK, "source_url": url})


def test_every_track_of_the_training_split_is_credited_once(inputs: Inputs) -> None:
    train = trained_on(inputs)
    page = credits_page(inputs)
    assert page.count("\n- “") == train["track_id"].nunique()
    assert page == credits_page(replace(inputs, dataset=inputs.dataset.sample(frac=1, random_state=3)))
    held_out = set(inputs.dataset["path"]) - set(train["path"])
    assert held_out
    assert not any(f"“{path}”" in page for path in held_out)


@pytest.mark.parametrize(
    ("licences", "strictest", "asked"),
    [
        (("CC0-1.0",), "CC0-1.0", "ask for: nothing"),
        (("CC0-1.0", "CC-BY-4.0"), "CC-BY-4.0", "ask for: attribution."),
        (("CC-BY-SA-4.0", "CC-BY-NC-4.0"), "CC-BY-NC-4.0", "no commercial use, the same licence for adapted works"),
        (("CC-BY-ND-4.0", "CC-BY-NC-SA-4.0"), "CC-BY-ND-4.0", "no adapted works"),
        (("CC-BY-4.0", "All-Rights-Reserved"), "All-Rights-Reserved", "no use beyond listening"),
        (("CC-BY-4.0", "Our contract"), "Our contract", "terms of “Our contract” are not known"),
        (("CC-BY-4.0", ""), "unknown", "terms of unknown are not known"),
    ],
)
def test_a_card_shows_the_most_restrictive_licence_and_what_all_ask(
    inputs: Inputs, licences: tuple[str, ...], strictest: str, asked: str
) -> None:
    text = card(under(inputs, *licences))
    assert f"training split, captions included: **{strictest}**" in text
    assert asked in text
    assert f"[{FILE}]({FILE})" in text


def test_a_card_says_when_licences_cannot_be_satisfied_together(inputs: Inputs) -> None:
    assert "No one licence satisfies" not in card(under(inputs, "CC-BY-SA-4.0", "CC-BY-4.0"))
    assert "(CC-BY-SA and CC-BY-NC)" in card(under(inputs, "CC-BY-SA-4.0", "CC-BY-NC-4.0"))


def test_a_card_counts_credits_that_cannot_be_given_and_states_the_policy(inputs: Inputs) -> None:
    text = card(under(inputs, "CC-BY-4.0", "CC0-1.0"))
    tracks = trained_on(under(inputs, "CC-BY-4.0", "CC0-1.0")).drop_duplicates("track_id")
    asked = tracks[tracks["licence"] == "CC-BY-4.0"]
    unnamed = (asked["artist"] == "").sum()
    assert f"{len(asked)} have a licence that asks for it, or may; of these {unnamed} name no artist" in text
    assert "allowed CC-BY, CC0-1.0; denied none; non-commercial licences: refuse" in text


def test_no_data_is_said(inputs: Inputs) -> None:
    nothing = replace(inputs, dataset=None, manifest=None)
    assert "No track was found." in credits_page(nothing)
    assert obligations(nothing) == ["Licences: no clip was found in the training split."]
    empty = replace(inputs, dataset=pd.DataFrame(columns=inputs.dataset.columns))
    assert "No track was found." in credits_page(empty)
