from dataclasses import fields

import pytest
import torch
from tests.codecs.fakes import FRAMES, SPECTRAL, FakeTextEncoder, tal_vae

from padstal.codecs.clips import ClipBatch, Texts
from padstal.codecs.config import AudioWeights, TalWeights
from padstal.codecs.mrstft import MultiResolutionStft
from padstal.codecs.objective import AudioTerms, TalTerms, scalars
from padstal.codecs.recipes import Judged, TalRecipe

TAL_WEIGHT_OF = {  # term → (weight, share)
    "adversarial": ("adversarial", 1.0),
    "alignment": ("alignment", 1.0),
    "mrstft_own": ("mrstft", 0.5),
    "mrstft_cross": ("mrstft", 0.5),
    "ce_own": ("ce", 0.5),
    "ce_cross": ("ce", 0.5),
    "kl_z_m": ("kl_z_m", 1.0),
    "kl_z_p": ("kl_z_p", 1.0),
    "kl_w_m": ("kl_w_m", 1.0),
    "kl_w_t": ("kl_w_t", 1.0),
    "feature_matching": ("feature_matching", 1.0),
    "waveform": ("waveform", 1.0),
}


def _numbered(kind, offset):
    return kind(**{f.name: torch.tensor(offset + i + 1.0, dtype=torch.float64) for i, f in enumerate(fields(kind))})


def _weights(kind):
    return kind(**{name: 0.1 * (i + 1) for i, name in enumerate(kind.model_fields)})


def test_every_term_of_the_slides_counts_with_its_weight():
    assert set(TAL_WEIGHT_OF) == {field.name for field in fields(TalTerms)}
    terms, weights = _numbered(TalTerms, 2), _weights(TalWeights)
    expected = sum(
        getattr(weights, weight) * share * float(getattr(terms, term))
        for term, (weight, share) in TAL_WEIGHT_OF.items()
    )
    assert float(terms.total(weights)) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("name", list(TalWeights.model_fields))
def test_a_changed_tal_weight_changes_the_total_by_exactly_its_terms(name):
    terms, weights = _numbered(TalTerms, 2), _weights(TalWeights)
    changed = weights.model_copy(update={name: getattr(weights, name) + 1})
    mine = sum(share * float(getattr(terms, term)) for term, (weight, share) in TAL_WEIGHT_OF.items() if weight == name)
    assert float(terms.total(changed) - terms.total(weights)) == pytest.approx(mine, rel=1e-9)


@pytest.mark.parametrize("name", list(AudioWeights.model_fields))
def test_a_changed_audio_weight_changes_the_total_by_exactly_its_term(name):
    terms, weights = _numbered(AudioTerms, 5), _weights(AudioWeights)
    changed = weights.model_copy(update={name: getattr(weights, name) + 1})
    difference = float(terms.total(changed) - terms.total(weights))
    assert difference == pytest.approx(float(getattr(terms, name)), rel=1e-9)


REACHED = {
    "alignment": {"encoder_z_m", "encoder_z_p"},
    "mrstft_own": {"encoder_z_m", "encoder_w_m", "decoder"},
    "mrstft_cross": {"encoder_z_p", "encoder_w_m", "decoder"},
    "waveform": {"encoder_z_m", "encoder_z_p", "encoder_w_m", "decoder"},
    "ce_own": {"encoder_z_p", "encoder_w_t", "text_decoder"},
    "ce_cross": {"encoder_z_m", "encoder_w_t", "text_decoder"},
    "kl_z_m": {"encoder_z_m"},
    "kl_z_p": {"encoder_z_p"},
    "kl_w_m": {"encoder_w_m"},
    "kl_w_t": {"encoder_w_t"},
}


def test_each_term_moves_the_parts_that_it_should_and_no_other():
    torch.manual_seed(0)
    model = tal_vae()
    encoder, captions = FakeTextEncoder(), ["jazz", "folk"]
    texts = Texts(encoder.encode(captions), encoder.tokenize(captions)[0])
    batch = ClipBatch(0, ["a", "b"], torch.randn(2, 1, FRAMES * SPECTRAL.ratio) * 0.2, texts)
    recipe = TalRecipe(
        MultiResolutionStft((64,), 1, a_weighting=False, sample_rate=8000), _weights(TalWeights), private_dropout=0.0
    )
    outcome = recipe.forward(model, batch, torch.Generator().manual_seed(0))
    nothing = Judged(torch.zeros(()), torch.zeros(()))
    terms = recipe.terms(outcome, batch, nothing)
    assert set(scalars(terms)) == set(TAL_WEIGHT_OF)
    for term, reached in REACHED.items():
        model.zero_grad()
        getattr(terms, term).backward(retain_graph=True)
        moved = {
            name.split(".")[0]
            for name, weight in model.named_parameters()
            if weight.grad is not None and weight.grad.abs().sum() > 0
        }
        assert moved == reached, term
