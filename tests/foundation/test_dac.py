"""The Descript Audio Codec through the very loader, from a tiny checkpoint that audiotools wrote."""

import os

import pytest
import torch
from tests.foundation.pinned import pinned
from tests.foundation.tiny_dac import FILE, PRE, SHAPE, write_published

from padstal.foundation import dac, published
from padstal.foundation.config import DacShape, PublishedDac
from padstal.foundation.fetch import UntrustedFileError
from padstal.foundation.store import save

CLIP_SECONDS = 0.52


@pytest.fixture
def source(tmp_path):
    return tmp_path / "source", write_published(tmp_path / "source")


@pytest.fixture
def target(tmp_path):
    (tmp_path / "target").mkdir()
    return tmp_path / "target"


def test_the_published_file_becomes_one_of_safetensors_that_gives_what_the_library_gives(source, target):
    folder, theirs = source
    section = PublishedDac(
        kind="pretrained", weights=pinned(folder, FILE), clip_seconds=CLIP_SECONDS, target="pre", multiple=4
    )
    found = published.convert(section, target, torch.device("cpu"))
    assert found == {"sample_rate": 16_000, "codebooks": 3}
    assert sorted(path.name for path in target.iterdir()) == ["config.json", "model.safetensors"]
    loaded = dac.load(target, "cpu")
    audio = 0.1 * torch.randn(2, 1, 640, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        ours, own = loaded.model(audio, 16_000), theirs(audio, 16_000)
    for name in ("audio", "z", "codes", "latents"):
        assert torch.equal(ours[name], own[name]), name
    assert (loaded.clip_samples, loaded.latents) == (8320, PRE)
    assert not loaded.model.training
    assert not any(parameter.requires_grad for parameter in loaded.model.parameters())


@pytest.mark.slow
def test_the_published_sizes_give_discodiffs_latent():
    """[72, L] at 86.13 frames a second, in 1024-dimensional embeddings; on the meta device."""
    shape = DacShape(
        encoder_dim=64, encoder_rates=[2, 4, 8, 8], decoder_dim=1536, decoder_rates=[8, 8, 4, 2], n_codebooks=9,
        codebook_size=1024, codebook_dim=8,
    )  # fmt: skip
    with torch.device("meta"):
        model = dac.build(shape, 44_100).eval()
        z, codes, latents, *_ = model.encode(torch.zeros(1, 1, 512 * 4))
    assert (z.shape, codes.shape, latents.shape) == ((1, 1024, 4), (1, 9, 4), (1, 72, 4))


class Code:
    def __reduce__(self):
        return (os.system, ("touch ran",))


def test_a_checkpoint_with_code_in_it_is_refused_and_not_run(source, target, tmp_path, monkeypatch):
    folder, _ = source
    monkeypatch.chdir(tmp_path)
    state = torch.load(folder / FILE, weights_only=True)
    torch.save(state | {"extra": Code()}, folder / FILE)
    with pytest.raises(UntrustedFileError, match=r"it asks for .*system; nothing of it was run"):
        dac.convert(pinned(folder, FILE), PRE, CLIP_SECONDS, target)
    assert not (tmp_path / "ran").exists()


def test_a_package_is_refused(source, target):
    folder, model = source
    model.save(str(folder / FILE), package=True)
    with pytest.raises(UntrustedFileError, match=FILE):
        dac.convert(pinned(folder, FILE), PRE, CLIP_SECONDS, target)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda state: state.pop("metadata"), r"metadata.kwargs lacks encoder_dim, .*sample_rate"),
        (lambda state: state["metadata"].pop("kwargs"), "metadata.kwargs lacks encoder_dim"),
        (lambda state: state["metadata"]["kwargs"].pop("codebook_dim"), "metadata.kwargs lacks codebook_dim: expected"),
        (lambda state: state["metadata"]["kwargs"].update(n_codebooks="three"), r"not sizes of a DAC: .*n_codebooks"),
        (lambda state: state["metadata"]["kwargs"].update(n_codebooks=2), "not weights of the sizes that it states"),
    ],
)
def test_a_checkpoint_that_does_not_state_its_sizes_is_refused(source, target, change, said):
    folder, _ = source
    state = torch.load(folder / FILE, weights_only=True)
    change(state)
    torch.save(state, folder / FILE)
    with pytest.raises(UntrustedFileError, match=said):
        dac.convert(pinned(folder, FILE), PRE, CLIP_SECONDS, target)
    assert not (target / "model.safetensors").exists()


def test_a_folder_of_another_role_is_refused(target):
    save(target, dac.build(SHAPE, 16_000), {"role": "clap"})
    with pytest.raises(UntrustedFileError, match="role is 'clap'"):
        dac.load(target, "cpu")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"decoder_rates": [2, 2]}, "equal products"),
        ({"decoder_dim": 18}, "decoder_dim = 18: expected a multiple of 4"),
        ({"encoder_rates": [1, 8]}, "encoder_rates"),
        ({"encoder_rates": [5, 2], "decoder_rates": [2, 5]}, "encoder_rates"),
    ],
)
def test_sizes_that_cannot_be_are_refused(change, said):
    with pytest.raises(ValueError, match=said):
        DacShape(**SHAPE.model_dump() | change)
