import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from padstal.nn.stft import analyse, synthesise


@settings(max_examples=20, deadline=None)
@given(parts=st.sampled_from([2, 4, 8]), frames=st.integers(6, 12), seed=st.integers(0, 999))
def test_synthesis_inverts_analysis(parts, frames, seed):
    hop = 16
    window = torch.hann_window(parts * hop)
    audio = torch.randn(2, frames * hop, generator=torch.Generator().manual_seed(seed))
    spectrum = analyse(audio, window, hop)
    assert spectrum.shape == (2, frames, parts * hop // 2 + 1)
    back = synthesise(spectrum, window, hop)
    inside = slice(parts * hop, -parts * hop) if frames > 2 * parts else slice(parts * hop // 2, -parts * hop // 2)
    torch.testing.assert_close(back[:, inside], audio[:, inside], atol=1e-4, rtol=1e-4)


def test_a_frame_is_centred_on_its_own_hop():
    window = torch.hann_window(64)
    audio = torch.zeros(1, 160)
    audio[0, 3 * 16 + 8] = 1.0
    energy = analyse(audio, window, 16).abs().square().sum(-1)[0]
    assert int(energy.argmax()) == 3
