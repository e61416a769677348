"""Model cards."""

import hashlib
from dataclasses import replace

from padstal.reporting.cards import model_cards
from padstal.reporting.inputs import Inputs


def test_every_trained_model_has_a_card(inputs: Inputs) -> None:
    assert [card.name for card in model_cards(inputs)] == ["audio", "tal", "audio_dit", "tal_dit"]


def test_a_card_names_licence_fingerprint_params_and_limits(inputs: Inputs) -> None:
    card = {card.name: card.text for card in model_cards(inputs)}["tal_dit"]
    own = next(model for model in inputs.models if model.name == "tal_dit")
    assert own.fingerprint == hashlib.sha256(bytes([7]) * 1000).hexdigest()
    for said in (
        own.fingerprint,
        "**CC-BY-SA-4.0**",
        "steps | 1500",
        "not fit for use",
        "composer's draw",
        "s = 0.25, w = 7",
    ):
        assert said in card
    vae = next(model for model in inputs.models if model.kind == "vae" and model.name == "tal")
    assert vae.fingerprint in card


def test_a_card_names_the_ledger_and_says_how_to_cite(inputs: Inputs) -> None:
    ledger = {"tracks": 12, "sha256": "5" * 64}
    models = tuple(replace(model, ledger=ledger if model.name == "tal_dit" else {}) for model in inputs.models)
    cards = {card.name: card.text for card in model_cards(replace(inputs, models=models))}
    own = next(model for model in models if model.name == "tal_dit")
    assert f"12 tracks, whose list `reports/{inputs.scale}/ledger/train_diffusion_tal_dit.json`" in cards["tal_dit"]
    assert cards["tal_dit"].count("5" * 64) == 2
    assert f"weights SHA-256 {own.fingerprint}; training tracks SHA-256" in cards["tal_dit"]
    assert "Ledger:" not in cards["tal"]
    assert "@misc{padstal-" in cards["tal"]


def test_an_artist_is_only_text(inputs: Inputs) -> None:
    for card in model_cards(inputs):
        assert "<b>" not in card.text


def test_a_captions_licence_counts_for_the_model_that_learns_from_it(inputs: Inputs) -> None:
    assert inputs.dataset is not None
    plain = model_cards(inputs)[0].text
    licences = ["CC-BY-NC-ND-4.0"] + [""] * (len(inputs.dataset) - 1)
    train_first = inputs.dataset.sort_values("split", key=lambda split: split != "train")
    marked = model_cards(replace(inputs, dataset=train_first.assign(caption_licence=licences)))[0].text
    assert "captions included: **CC-BY-NC-ND-4.0**" in marked
    assert "captions included: **CC-BY-NC-ND-4.0**" not in plain


def test_a_card_names_published_weights_with_their_licences_and_none_where_there_are_none(inputs: Inputs) -> None:
    own = {"repository": "owner/name_of", "revision": "5" * 40, "sha256": {"weights.pth": "6" * 64}}
    params = {"prepare": {"clap": {"weights": own | {"licence": "CC-BY-NC-4.0"}, "tokenizer": own}}}
    card = model_cards(replace(inputs, params={**inputs.params, **params}))[0].text
    assert f"| prepare.clap.weights | owner/name\\_of at {'5' * 40} | CC-BY-NC-4.0 |" in card
    assert f"| prepare.clap.tokenizer | owner/name\\_of at {'5' * 40} | not recorded |" in card
    assert "## Published weights" not in model_cards(inputs)[0].text
