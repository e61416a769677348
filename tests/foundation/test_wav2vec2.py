"""The wav2vec 2.0 scorer through the very loader, from tiny checkpoints with fairseq's names; torchaudio judges."""

import re

import numpy as np
import pytest
import torch
from tests.foundation.pinned import pinned, with_sha256
from torchaudio.models import wav2vec2_model

from padstal.core.untrusted import UntrustedFileError
from padstal.foundation import pmos, wav2vec2

pytestmark = pytest.mark.slow  # transformers and torchaudio take seconds to import

WIDTH, LAYERS = 128, 2
FAIRSEQ = (
    (r"feature_extractor\.conv_layers\.0\.layer_norm\.", "feature_extractor.conv_layers.0.2."),
    (r"feature_extractor\.conv_layers\.(\d+)\.conv\.", r"feature_extractor.conv_layers.\1.0."),
    (r"encoder\.feature_projection\.projection\.", "post_extract_proj."),
    (r"encoder\.feature_projection\.layer_norm\.", "layer_norm."),
    (r"encoder\.transformer\.pos_conv_embed\.conv\.parametrizations\.weight\.original0", "encoder.pos_conv.0.weight_g"),
    (r"encoder\.transformer\.pos_conv_embed\.conv\.parametrizations\.weight\.original1", "encoder.pos_conv.0.weight_v"),
    (r"encoder\.transformer\.pos_conv_embed\.conv\.", "encoder.pos_conv.0."),
    (r"encoder\.transformer\.layers\.(\d+)\.attention\.", r"encoder.layers.\1.self_attn."),
    (r"encoder\.transformer\.layers\.(\d+)\.layer_norm\.", r"encoder.layers.\1.self_attn_layer_norm."),
    (r"encoder\.transformer\.layers\.(\d+)\.feed_forward\.intermediate_dense\.", r"encoder.layers.\1.fc1."),
    (r"encoder\.transformer\.layers\.(\d+)\.feed_forward\.output_dense\.", r"encoder.layers.\1.fc2."),
    (r"encoder\.transformer\.", "encoder."),
)
"""torchaudio's names → fairseq's."""


def judge(mode="group_norm", seed=0):
    """torchaudio's wav2vec 2.0, tiny, with a head, both random."""
    torch.manual_seed(seed)
    model = wav2vec2_model(
        extractor_mode=mode,
        extractor_conv_layer_config=[(16, 10, 5), (16, 3, 2), (16, 3, 2), (16, 2, 2)],
        extractor_conv_bias=mode == "layer_norm",
        encoder_embed_dim=WIDTH, encoder_projection_dropout=0.1, encoder_pos_conv_kernel=16, encoder_pos_conv_groups=4,
        encoder_num_layers=LAYERS, encoder_num_heads=WIDTH // 64, encoder_attention_dropout=0.1,
        encoder_ff_interm_features=64, encoder_ff_interm_dropout=0.1, encoder_dropout=0.1,
        encoder_layer_norm_first=mode == "layer_norm", encoder_layer_drop=0.1, aux_num_out=None,
    )  # fmt: skip
    with torch.no_grad():
        for name, value in model.named_parameters():
            if value.dim() > 1:
                value.normal_(std=1.5 / value[0].numel() ** 0.5)
            else:  # norms and biases, which begin as 1 and 0 and would hide a mix-up
                value.normal_(mean=float("norm.weight" in name), std=0.2)
    head = torch.nn.Linear(WIDTH, 1)
    torch.nn.init.normal_(head.weight, std=0.3)
    return model.eval(), head


def published_state(model, head, mode="group_norm"):
    """What QAMA's authors publish: fairseq's names, heads that scoring does not use, and pre-training's left-overs."""
    state = {}
    for name, value in model.state_dict().items():
        for pattern, replacement in FAIRSEQ:
            if mode == "layer_norm" and pattern.startswith(r"feature_extractor\.conv_layers\.0\.layer_norm"):
                pattern, replacement = r"(conv_layers\.\d+)\.layer_norm\.", r"\1.2.1."
            name, changed = re.subn(pattern, replacement, name)
            if changed:
                break
        state[f"ssl_model.{name}"] = value
    state["ssl_model.mask_emb"] = torch.rand(WIDTH)
    state["ssl_model.quantizer.vars"] = torch.rand(1, 4, 4)
    state |= {f"output_layer_arch1.{name}": value for name, value in head.state_dict().items()}
    state |= {f"{name}.weight": torch.rand(3, 3) for name in ("fc1", "fc2", "output_layer_arch2", "output_layer_class")}
    return state


def write(folder, *states):
    """Checkpoints in `folder`, pinned by their sha256."""
    folder.mkdir(exist_ok=True)
    names = [f"qama_fold{number + 1}.pt" for number in range(len(states))]
    for name, state in zip(names, states, strict=True):
        torch.save(state, folder / name)
    return pinned(folder, *names)


def sound(clips=3, samples=8_000, seed=0):
    rng = np.random.default_rng(seed)
    t, row_B1 = np.arange(samples) / 16_000, np.arange(clips)[:, None]
    tone_BS = np.sin(2 * np.pi * 110 * 1.7 ** (row_B1 % 7) * t) * (1 + np.sin(2 * np.pi * (1 + row_B1) * t))
    return (0.1 * tone_BS + 0.02 * (row_B1 % 3) * rng.standard_normal((clips, samples))).astype(np.float32)


def expected(model, head, audio):
    with torch.no_grad():
        return head(model(torch.from_numpy(audio))[0].mean(dim=1))[:, 0].numpy()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A converted scorer whose head is steady around 3."""
    root = tmp_path_factory.mktemp("wav2vec2")
    model, head = judge()
    torch.nn.init.constant_(head.bias, 3.0)
    target = root / "target"
    target.mkdir()
    wav2vec2.convert(write(root / "source", published_state(model, head)), target)
    return target


@pytest.mark.parametrize("mode", ["group_norm", "layer_norm"])
def test_a_fairseq_checkpoint_scores_as_torchaudios_model_with_the_same_weights(tmp_path, mode):
    model, head = judge(mode)
    torch.nn.init.constant_(head.bias, 2.5)
    target = tmp_path / "target"
    target.mkdir()
    wav2vec2.convert(write(tmp_path / "source", published_state(model, head, mode)), target)
    assert sorted(path.name for path in target.iterdir()) == ["config.json", "model.safetensors"]
    scorer = pmos.load(target, "cpu")
    assert isinstance(scorer, wav2vec2.Wav2Vec2Scorer)
    assert scorer.sample_rate == 16_000
    audio = sound()
    unbounded = expected(model, head, audio)
    assert np.ptp(unbounded) > 0.02  # a score that hears nothing would agree too
    with torch.no_grad():
        np.testing.assert_allclose(scorer.model(torch.from_numpy(audio)).numpy(), unbounded, atol=5e-4)
    np.testing.assert_allclose(scorer.score(audio), np.clip(unbounded, 0, 5), atol=5e-4)


def test_the_weights_of_folds_give_the_mean_of_their_scores(tmp_path):
    folds = [judge(seed=seed) for seed in range(3)]
    target = tmp_path / "target"
    target.mkdir()
    wav2vec2.convert(write(tmp_path / "source", *(published_state(*fold) for fold in folds)), target)
    audio = sound()
    scores = np.mean([expected(*fold, audio) for fold in folds], axis=0)
    with torch.no_grad():
        np.testing.assert_allclose(pmos.load(target, "cpu").model(torch.from_numpy(audio)).numpy(), scores, atol=5e-4)


def test_a_score_does_not_depend_on_the_batch_and_two_loads_give_equal_bits(folder):
    audio = sound(11)
    scorer = pmos.load(folder, "cpu")
    together = scorer.score(audio)
    alone = np.concatenate([scorer.score(audio[row : row + 1]) for row in range(11)])
    np.testing.assert_allclose(together, alone, atol=1e-5)
    np.testing.assert_allclose(together[::-1], scorer.score(audio[::-1]), atol=1e-5)
    assert np.array_equal(together, pmos.load(folder, "cpu").score(audio))
    assert together.dtype == np.float32


def test_the_scale_ends_at_0_and_5_and_what_is_no_number_stays_unknown(folder):
    scorer = pmos.load(folder, "cpu")
    for bias, end in ((50.0, 5.0), (-50.0, 0.0)):
        far = pmos.load(folder, "cpu")
        torch.nn.init.constant_(far.model[0].head.bias, bias)
        assert far.score(sound()).tolist() == [end] * 3
    audio = sound()
    audio[1, 5] = np.nan
    scores = scorer.score(audio)
    assert np.isnan(scores[1])
    np.testing.assert_allclose(scores[[0, 2]], scorer.score(sound())[[0, 2]], atol=1e-5)


def test_silence_and_full_scale_have_a_score(folder):
    audio = np.stack([np.zeros(8_000), np.ones(8_000), np.sign(np.sin(np.arange(8_000)))]).astype(np.float32)
    scores = pmos.load(folder, "cpu").score(audio)
    assert np.isfinite(scores).all()
    assert pmos.load(folder, "cpu").score(audio[:0]).shape == (0,)


def test_audio_shorter_than_a_frame_is_refused_and_one_frame_is_scored(folder):
    scorer = pmos.load(folder, "cpu")
    assert wav2vec2.least_samples({"conv_kernel": [10, 3, 3, 3, 3, 2, 2], "conv_stride": [5, 2, 2, 2, 2, 2, 2]}) == 400
    least = scorer.least_samples
    assert np.isfinite(scorer.score(sound(2, least))).all()
    with pytest.raises(ValueError, match=f"at least {least} samples"):
        scorer.score(sound(2, least - 1))
    with pytest.raises(ValueError, match="expected"):
        scorer.score(np.zeros(8_000, np.float32))


def test_a_base_models_architecture_is_read_off_its_tensors(tmp_path):
    from transformers import Wav2Vec2Config, Wav2Vec2Model

    with torch.device("meta"):
        base = Wav2Vec2Model(Wav2Vec2Config())
    tensors = {f"wav2vec2.{name}": value for name, value in base.state_dict().items()}
    found = wav2vec2.architecture_of(tensors | {"head.weight": torch.empty(1, 768)}, tmp_path)
    assert found["num_hidden_layers"] == 12
    for name, value in found.items():
        asked = getattr(Wav2Vec2Config(), name)
        assert value == (list(asked) if isinstance(asked, tuple) else asked), name


def test_files_that_are_no_scorer_are_refused_and_named(tmp_path):
    model, head = judge()
    state = published_state(model, head)
    target = tmp_path / "target"
    target.mkdir()
    headless = {name: value for name, value in state.items() if not name.startswith("output_layer_arch1")}
    with pytest.raises(
        UntrustedFileError, match=r"qama_fold1.pt: not a wav2vec 2.0 with a quality head: 'head.weight'"
    ):
        wav2vec2.convert(write(tmp_path / "a", headless), target)
    with pytest.raises(UntrustedFileError, match=r"ssl_model.encoder.strange: not a name of fairseq"):
        wav2vec2.convert(write(tmp_path / "b", state | {"ssl_model.encoder.strange": torch.ones(1)}), target)
    lacking = {name: value for name, value in state.items() if "fc2" not in name or name.startswith("fc2")}
    with pytest.raises(UntrustedFileError, match=r"(?s)not a wav2vec 2.0 with a head: .*output_dense"):
        wav2vec2.convert(write(tmp_path / "c", lacking), target)
    other, _ = judge("layer_norm")
    with pytest.raises(UntrustedFileError, match=r"qama_fold2.pt: another architecture"):
        wav2vec2.convert(write(tmp_path / "d", state, published_state(other, head, "layer_norm")), target)


def test_a_file_with_another_checksum_is_not_even_read(tmp_path):
    write(source := tmp_path / "source", {"anything": torch.ones(1)})
    (tmp_path / "target").mkdir()
    with pytest.raises(UntrustedFileError, match="the file was not read"):
        wav2vec2.convert(with_sha256(source, {"qama_fold1.pt": "0" * 64}), tmp_path / "target")
    with pytest.raises(UntrustedFileError, match="unverified"):
        wav2vec2.convert(with_sha256(source, {"qama_fold1.pt": "unverified"}), tmp_path / "target")


class Evil:
    def __reduce__(self):
        return (print, ("executed",))


def test_a_pickle_that_brings_code_is_refused_and_does_not_run(tmp_path, capsys):
    pinned = write(tmp_path / "source", {"state_dict": {"a": Evil()}})
    (tmp_path / "target").mkdir()
    with pytest.raises(UntrustedFileError, match="refused, more than tensors"):
        wav2vec2.convert(pinned, tmp_path / "target")
    assert "executed" not in capsys.readouterr().out
