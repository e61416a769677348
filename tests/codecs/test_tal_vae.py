import pytest
import torch
from tests.codecs.fakes import FORM, FRAMES, SPECTRAL, FakeTextEncoder, tal_config, tal_vae

from padstal.codecs.config import TalWeights
from padstal.codecs.recipes import TalRecipe

RATIO = SPECTRAL.ratio


def _model(**changes):
    torch.manual_seed(0)
    return tal_vae(**changes)


def _batch(count=3):
    audio = torch.randn(count, 1, FRAMES * RATIO, generator=torch.Generator().manual_seed(1)) * 0.2
    return audio, FakeTextEncoder().encode(["jazz", "folk", "rock"][:count])


def _generator():
    return torch.Generator().manual_seed(7)


@pytest.mark.parametrize("layout", ["resampled", "global"])
def test_own_and_cross_pair_the_latents_as_the_slides_do(layout):
    """own: p(x_m|z_m,w_m), p(x_t|z_p,w_t); cross: p(x_m|z_p,w_m), p(x_t|z_m,w_t)."""
    model, (audio, text) = _model(z_layout=layout), _batch()
    outcome = model(audio, text, _generator())
    generator, q = _generator(), outcome.posteriors
    z_m, w_m, z_p, w_t = (expert.sample(generator) for expert in (q.z_m, q.w_m, q.z_p, q.w_t))
    for ours, expected in (
        (outcome.audio_own, model.decode(model.join(w_m, z_m))),
        (outcome.audio_cross, model.decode(model.join(w_m, z_p))),
        (outcome.logits_own, model.logits(z_p, w_t)),
        (outcome.logits_cross, model.logits(z_m, w_t)),
    ):
        torch.testing.assert_close(ours, expected, rtol=1e-4, atol=1e-5)


def test_the_latent_is_w_m_then_z_p():
    model = _model()
    assert list(model.config.channel_groups.items()) == [("w_m", (0, 4)), ("z_p", (4, 7))]
    w_m, z = torch.zeros(1, 4, FRAMES), torch.ones(1, 3, FRAMES)
    assert model.join(w_m, z)[0, :, 0].tolist() == [0, 0, 0, 0, 1, 1, 1]


def test_a_global_z_is_one_vector_a_clip_and_is_averaged_before_decoding():
    model, (audio, text) = _model(z_layout="global"), _batch()
    q = model.posteriors(audio, text)
    assert q.z_m.mean.shape == q.z_p.mean.shape == (3, 3, 1)
    assert q.w_m.mean.shape[-1] == q.w_t.mean.shape[-1] == FRAMES
    latent = torch.randn(1, 7, FRAMES)
    level = latent.clone()
    level[:, 4:] = latent[:, 4:].mean(-1, keepdim=True)
    torch.testing.assert_close(model.decode(latent), model.decode(level))


def test_another_number_of_frames_is_encoded_and_decoded():
    model, (_, text) = _model(), _batch()
    audio = torch.randn(3, 1, 2 * FRAMES * RATIO)
    q = model.posteriors(audio, text)
    assert q.z_m.mean.shape == q.z_p.mean.shape == (3, 3, 2 * FRAMES)
    assert model.decode(model.join(q.w_m.mean, q.z_p.mean)).shape == audio.shape


def test_private_dropout_changes_cross_paths_alone():
    model, (audio, text) = _model(), _batch()
    plain = model(audio, text, _generator())
    dropped = model(audio, text, _generator(), private_dropout=1.0)
    torch.testing.assert_close(plain.audio_own, dropped.audio_own)
    torch.testing.assert_close(plain.logits_own, dropped.logits_own)
    assert not torch.allclose(plain.audio_cross, dropped.audio_cross)
    assert not torch.allclose(plain.logits_cross, dropped.logits_cross)


def test_w_m_can_begin_with_the_spread_of_an_audio_autoencoder():
    audio, text = _batch()
    spreads = {}
    for name, changes in {"shared": {}, "own": {"private_std": 0.693147}}.items():
        q = _model(initial_std=0.1, **changes).posteriors(audio, text)
        spreads[name] = (float(q.w_m.std.detach().mean()), float(q.z_p.std.detach().mean()))
    assert spreads["own"][0] > 3 * spreads["shared"][0]
    assert spreads["own"][1] == spreads["shared"][1]


def test_what_w_m_was_dropped_from_is_not_judged():
    model, (audio, text) = _model(), _batch()
    recipe = TalRecipe(torch.nn.Identity(), TalWeights.model_construct(), 0.5)
    outcome = model(audio, text, torch.Generator().manual_seed(3), private_dropout=0.5)
    own, cross = recipe.fakes(outcome)
    assert own is outcome.audio_own
    assert 0 < int(outcome.kept_B.sum()) < len(audio)
    for kept, judged, ours, theirs in zip(outcome.kept_B, cross, outcome.audio_own, outcome.audio_cross, strict=True):
        assert torch.equal(judged, theirs if kept else ours)


def test_a_form_without_text_is_refused():
    with pytest.raises(ValueError, match="text = None"):
        tal_config().build(FORM.model_copy(update={"text": None}))


def test_heads_must_divide_the_text_decoders_width():
    with pytest.raises(ValueError, match="text_width = 16 must be a multiple of text_heads = 3"):
        tal_config(text_heads=3)


def test_text_dropout_draws_from_the_steps_stream_in_training_alone():
    model, (audio, text) = _model(text_dropout=0.5), _batch()
    before = torch.get_rng_state()
    first, again = (model(audio, text, _generator()).logits_own for _ in range(2))
    other = model(audio, text, torch.Generator().manual_seed(8)).logits_own
    assert torch.equal(first, again)
    assert torch.equal(before, torch.get_rng_state())
    still = [model.eval()(audio, text, _generator()).logits_own for _ in range(2)]
    assert torch.equal(*still)
    assert not torch.equal(first, still[0])
    assert not torch.equal(first, other)
