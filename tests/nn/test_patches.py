import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from padstal.nn.patches import Patches


@st.composite
def cuts(draw: st.DrawFn) -> Patches:
    shape, patch, overlap = [], [], []
    for _ in range(2):
        length = draw(st.integers(1, 19))
        shape.append(length)
        patch.append(draw(st.integers(1, min(5, length))))
        overlap.append(draw(st.integers(0, patch[-1] - 1)))
    return Patches(tuple(shape), tuple(patch), tuple(overlap))  # type: ignore[arg-type]


@given(cuts(), st.integers(1, 3), st.integers(1, 3), st.integers(0, 2**31))
def test_assembling_undoes_extracting_for_any_overlap_odd_length_and_batch(
    cut: Patches, batch: int, channels: int, seed: int
) -> None:
    latent = torch.randn(batch, channels, *cut.shape, generator=torch.Generator().manual_seed(seed))
    patches = cut.extract(latent)
    assert patches.shape == (batch, cut.count, channels * cut.patch[0] * cut.patch[1])
    torch.testing.assert_close(cut.assemble(patches), latent, rtol=1e-6, atol=1e-6)


def test_the_published_latent_gives_1024_patches() -> None:
    assert Patches((256, 16), (4, 1), (0, 0)).count == 1024


def test_overlapping_patches_are_averaged() -> None:
    cut = Patches((3, 1), (2, 1), (1, 0))
    patches = torch.tensor([[[1.0, 2.0], [4.0, 8.0]]])
    assert cut.assemble(patches).flatten().tolist() == [1.0, 3.0, 8.0]


def test_a_sample_does_not_depend_on_its_company() -> None:
    cut = Patches((5, 3), (2, 2), (1, 0))
    patches = torch.randn(4, cut.count, 4)
    assert torch.equal(cut.assemble(patches)[2], cut.assemble(patches[2:3])[0])


def test_an_overlap_as_long_as_the_patch_is_refused() -> None:
    with pytest.raises(ValueError, match="p_f = 2, overlap o_f = 2"):
        Patches((8, 8), (2, 2), (0, 2))


def test_another_latent_is_refused() -> None:
    with pytest.raises(ValueError, match="expected"):
        Patches((8, 8), (2, 2), (0, 0)).extract(torch.zeros(1, 1, 8, 9))
