"""The field's embedders through the very loader, from tiny checkpoints under the names of the published files.

What they compute was held against the reference packages once, with equal random weights at the published sizes
(CHANGELOG); here every step is written again the long way, or has a known answer.
"""

import re
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.foundation.pinned import pinned, with_sha256
from torch.nn import functional

from padstal.core.params import ParamsError, check
from padstal.core.untrusted import UntrustedFileError
from padstal.evaluation.config import EvaluateParams
from padstal.foundation import embedders, openl3, panns, passt, vggish
from padstal.foundation.config import PublishedEmbedder
from padstal.foundation.logmel import kaldi_filterbank, slaney_filterbank

FILES = {
    "passt": "passt-s-f128-p16-s10-ap.476-swa.pt",
    "panns": "Cnn14_mAP=0.431.pth",
    "openl3": "torchopenl3_mel256_music_512.pth.tar",
    "vggish": "vggish-10086976.pth",
}
TINY = {
    "passt": passt.PaSST(width=64, hidden=32, depth=2, classes=7, patch=16, grid=(12, 99)),
    "panns": panns.Cnn14(channels=(4, 4, 4, 4, 4, 8), embedding=6, classes=7),
    "openl3": openl3.OpenL3(channels=(2, 2, 2, 2, 4, 4, 4, 5), bands=32),
    "vggish": vggish.VGGish(channels=(2, 2, 3, 3, 4, 4), hidden=(8, 6), width=5),
}
CLASSES = 7


def published(kind: str, seed: int = 0) -> dict[str, object]:
    """The content of a published file, but narrow: random weights and what stands beside them."""
    torch.manual_seed(seed)
    state = {}
    for name, value in TINY[kind].state_dict().items():
        if value.dim() > 1:
            state[name] = torch.randn(value.shape) * (2.0 / value[0].numel()) ** 0.5
        elif name.endswith("running_var") or (name.endswith("weight") and value.is_floating_point()):
            state[name] = torch.rand(value.shape) + 0.5
        else:
            state[name] = 0.2 * torch.randn(value.shape) if value.is_floating_point() else value
    if kind == "passt":
        state |= {"head_dist.weight": torch.randn(CLASSES, 64), "head_dist.bias": torch.randn(CLASSES)}
    if kind == "openl3":
        state["speclayer.mel_basis"] = slaney_filterbank(openl3.SAMPLE_RATE, openl3.WINDOW, 32, 0.0, 24_000.0)
        state |= {f"speclayer.dft_{part}_kernels": torch.randn(3, 1, 4) for part in ("real", "imag")}
    if kind == "panns":
        state |= {"logmel_extractor.melW": torch.rand(513, 64)}
        state |= {f"spectrogram_extractor.stft.conv_{part}.weight": torch.rand(5, 1, 9) for part in ("real", "imag")}
        return {"iteration": 600_000, "model": state, "sampler": {"indexes": np.arange(9), "pointer": 4}}
    return state


def section(kind: str, folder: Path, content: dict[str, object]) -> PublishedEmbedder:
    folder.mkdir()
    torch.save(content, folder / FILES[kind])
    return PublishedEmbedder(kind=kind, weights=pinned(folder, FILES[kind]))


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> dict[str, embedders.NetworkEmbedder]:
    root = tmp_path_factory.mktemp("embedders")
    return {
        kind: embedders.load(section(kind, root / kind, published(kind)), root / f"fetched_{kind}", "cpu")
        for kind in FILES
    }


def sound(rate: int, seconds: float, channels: int = 1, clips: int = 2) -> np.ndarray:
    generator = np.random.default_rng(0)
    t = np.arange(round(rate * seconds)) / rate
    pitch_BC1 = 220 * (1 + np.arange(clips))[:, None, None] + 50 * np.arange(channels)[:, None]
    tone_BCS = np.sin(2 * np.pi * pitch_BC1 * t * (1 + 0.3 * t))
    return (0.3 * tone_BCS + 0.03 * generator.standard_normal(tone_BCS.shape)).astype(np.float32)


SHAPES = {"passt": (2.0, (1, CLASSES)), "panns": (1.0, (1, CLASSES)), "openl3": (1.6, (4, 10)), "vggish": (2.0, (2, 5))}


@pytest.mark.parametrize("kind", FILES)
def test_a_published_checkpoint_gives_features_of_each_clip_alone(kind, loaded):
    embedder, (seconds, shape) = loaded[kind], SHAPES[kind]
    audio = sound(embedder.sample_rate, seconds, 2 if embedder.reads_channels else 1)
    features = embedder.embed(audio)
    assert features.shape == (2, *shape)
    assert features.dtype == np.float32
    assert np.abs(features[0] - features[1]).max() > 1e-3
    np.testing.assert_allclose(embedder.embed(audio, batch=1), features, rtol=1e-3, atol=1e-4)
    if shape[-1] == CLASSES:
        np.testing.assert_allclose(features.sum(axis=-1), 1, rtol=1e-5)


@pytest.mark.slow  # parameters of 240 M numbers, on the meta device
def test_the_tiny_networks_have_every_name_of_the_published_ones():
    """Numbers of parameters at the published sizes, buffers that nothing trains left out."""
    with torch.device("meta"):  # filters are there already, of the tiny ones
        sizes = {
            "panns": panns.Cnn14((64, 128, 256, 512, 1024, 2048), 2048, 527),
            "vggish": vggish.VGGish((64, 128, 256, 256, 512, 512), (4096, 4096), 128),
            "passt": passt.PaSST(768, 3072, 12, 527, 16, (12, 99)),
            "openl3": openl3.OpenL3((64, 64, 128, 128, 256, 256, 512, 512), 256),
        }
    counts = {kind: sum(one.numel() for one in network.parameters()) for kind, network in sizes.items()}
    assert counts == {"panns": 80_753_615, "vggish": 72_141_184, "passt": 85_748_495, "openl3": 4_687_042}
    for kind, network in sizes.items():
        assert set(network.state_dict()) >= set(TINY[kind].state_dict())


def test_mel_filters_are_slaneys_and_vggishs():
    def triangles(at_K, edges):
        up, down = at_K - edges[:-2, None], edges[2:, None] - at_K
        return np.maximum(0, np.minimum(up / np.diff(edges)[:-1, None], down / np.diff(edges)[1:, None]))

    mels = np.linspace(50 * 3 / 200, 15 + 27 * np.log(14) / np.log(6.4), 66)  # Slaney's: linear up to 1 kHz
    edges = np.where(mels < 15, mels * 200 / 3, 1000 * 6.4 ** ((mels - 15) / 27))
    slaney = triangles(np.linspace(0, 16_000, 513), edges) * 2 / (edges[2:] - edges[:-2])[:, None]
    np.testing.assert_allclose(slaney_filterbank(32_000, 1024, 64, 50.0, 14_000.0), slaney, atol=1e-6)

    def mel(hertz):
        return 1127 * np.log1p(hertz / 700)

    in_mels = triangles(mel(np.linspace(0, 8000, 257)), np.linspace(mel(125), mel(7500), 66))
    np.testing.assert_allclose(kaldi_filterbank(16_000, 512, 64, 125.0, 7500.0), in_mels, atol=2e-5)


def test_vggish_hears_log_mels_of_frames_that_lie_within_the_clip(loaded):
    network = loaded["vggish"].network
    audio = torch.from_numpy(sound(16_000, 2.0)).double()
    frames = torch.stack([audio[:, 0, at : at + 400] for at in range(0, 2 * 9600 * 2, 160) if at + 400 <= 32_000], 1)
    size = torch.fft.rfft(frames * torch.hann_window(400, dtype=torch.double), 512).abs()
    mel = (size @ network.filters_FK.double().T + 0.01).log().float()
    x = network.features(mel[:, None, 96:192])
    expected = network.embeddings(x.movedim(1, 3).flatten(1))
    np.testing.assert_allclose(loaded["vggish"].embed(audio.numpy())[:, 1], expected, rtol=1e-3, atol=1e-4)
    assert (expected < 0).any()  # no activation after the last layer
    with pytest.raises(ValueError, match=r"at least 15600 samples \(0.97 s\)"):
        loaded["vggish"].embed(audio.numpy()[..., :15_599])


def test_passt_averages_logits_of_overlapping_windows_of_a_clip_brought_to_full_scale(loaded):
    embedder = loaded["passt"]
    audio = torch.from_numpy(sound(32_000, 12.0, clips=1))
    full = audio[:, 0] / audio.abs().max()
    windows = [full[:, :320_000], functional.pad(full[:, 160_000:], (0, 96_000))]
    logits = torch.stack([embedder.network.logits(one) for one in windows]).mean(dim=0)
    np.testing.assert_allclose(embedder.embed(audio.numpy())[:, 0], logits.softmax(dim=-1), rtol=1e-4)
    np.testing.assert_allclose(embedder.embed(0.1 * audio.numpy()), embedder.embed(audio.numpy()), rtol=1e-3)
    assert np.isfinite(embedder.embed(np.zeros((1, 1, 32_000), np.float32))).all()
    short = functional.pad(full[:, :32_000], (0, 288_000))
    expected = embedder.network.logits(short / short.abs().max()).softmax(dim=-1)
    np.testing.assert_allclose(embedder.embed(audio.numpy()[..., :32_000])[:, 0], expected, rtol=1e-3)


def test_openl3_hears_channels_apart_and_the_first_window_begins_with_silence(loaded):
    embedder = loaded["openl3"]
    audio = sound(48_000, 1.6, channels=2, clips=1)
    both, left, right = (embedder.embed(part) for part in (audio, audio[:, :1], audio[:, 1:]))
    np.testing.assert_allclose(both, np.concatenate([left, right], axis=2), rtol=1e-3, atol=1e-4)
    lead = functional.pad(torch.from_numpy(audio[0, :1]), (24_000, 48_000))
    with torch.no_grad():
        alone = torch.cat([embedder.network.features(lead[:, at : at + 48_000]) for at in range(0, 96_000, 24_000)])
    np.testing.assert_allclose(left[0], alone, rtol=1e-3, atol=1e-4)
    louder = embedder.embed(2 * audio[:, :1])  # decibels are below the loudest of a window
    np.testing.assert_allclose(louder, left, rtol=1e-3, atol=1e-3)


def test_panns_pools_both_maximum_and_mean_and_ends_in_a_softmax(loaded):
    network, audio = loaded["panns"].network, sound(32_000, 1.0)
    seen = {}
    hooks = [
        module.register_forward_hook(lambda _, inputs, output, name=name: seen.update({name: (*inputs, output)}))
        for name, module in network.named_children()
    ]
    posterior = loaded["panns"].embed(audio)
    for hook in hooks:
        hook.remove()
    last = seen["conv_block6"][1].mean(dim=3)
    torch.testing.assert_close(seen["fc1"][0], last.max(dim=2).values + last.mean(dim=2))
    np.testing.assert_allclose(posterior[:, 0], seen["fc_audioset"][1].softmax(dim=1), rtol=1e-5)
    mirrored = np.pad(audio[0, 0].astype(np.float64), 512, mode="reflect")
    frames = np.stack([mirrored[at : at + 1024] for at in range(0, 32_001, 320)]) * np.hanning(1025)[:-1]
    mel = slaney_filterbank(32_000, 1024, 64, 50.0, 14_000.0).numpy() @ (np.abs(np.fft.rfft(frames)) ** 2).T
    np.testing.assert_allclose(seen["bn0"][0][0, :, :, 0], 10 * np.log10(np.maximum(mel, 1e-10)), atol=2e-3)


@pytest.mark.parametrize(
    ("kind", "break_", "message"),
    [
        ("vggish", lambda state: state.pop("embeddings.4.bias"), "not a checkpoint of VGGish.*embeddings.4.bias"),
        ("passt", lambda state: state.pop("cls_token"), "not a checkpoint of PaSST: 'cls_token' is missing"),
        ("openl3", lambda state: state.update({"speclayer.mel_basis": torch.rand(3)}), "not a checkpoint of OpenL3"),
        ("panns", lambda state: state["model"].update({"fc2.weight": torch.rand(3)}), "not a checkpoint of Cnn14.*fc2"),
    ],
)  # fmt: skip
def test_a_checkpoint_of_something_else_is_refused(kind, break_, message, tmp_path):
    content = published(kind)
    break_(content)
    with pytest.raises(UntrustedFileError, match=f"(?s){re.escape(FILES[kind])}: {message}"):
        embedders.load(section(kind, tmp_path / "source", content), tmp_path / "to", "cpu")


def test_an_unpinned_file_is_refused_and_its_sha256_named(tmp_path):
    known = section("vggish", tmp_path / "source", published("vggish"))
    (name, sha256), = known.weights.sha256.items()  # fmt: skip
    unpinned = with_sha256(tmp_path / "source", {name: "unverified"})
    with pytest.raises(UntrustedFileError, match=sha256):
        embedders.load(PublishedEmbedder(kind="vggish", weights=unpinned), tmp_path / "to", "cpu")


def test_params_name_the_embedders_that_a_metric_can_be_taken_of(tmp_path):
    weights = {"repository": "checkpoints/x", "revision": "unverified", "sha256": {"x.pth": "unverified"}}
    raw = yaml_evaluate()
    check(EvaluateParams, raw | {"embedders": {"kl": {"kind": "panns", "weights": weights}}}, "evaluate")
    for metric, one, message in (
        ("kl", {"kind": "vggish", "weights": weights}, "kind = vggish: expected passt or panns"),
        ("recall", {"kind": "panns", "weights": weights}, "expected one of kl, inception, fd, fad"),
        (
            "fd",
            {"kind": "openl3", "weights": {**weights, "sha256": dict.fromkeys("ab", "unverified")}},
            "one checkpoint",
        ),
    ):
        with pytest.raises(ParamsError, match=message):
            check(EvaluateParams, raw | {"embedders": {metric: one}}, "evaluate")
    with pytest.raises(ValueError, match=r"audio has shape \(1, 2, 99\)"):
        embedders.NetworkEmbedder(TINY["panns"], 32_000, False, torch.device("cpu")).embed(np.zeros((1, 2, 99)))


def yaml_evaluate() -> dict[str, object]:
    from padstal.core.params import read_yaml

    section_: dict[str, object] = read_yaml(Path(__file__).parents[2] / "params.yaml")["scales"]["demo"]["evaluate"]
    return section_
