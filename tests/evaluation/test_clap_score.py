"""CLAP-f."""

from types import SimpleNamespace

import numpy as np
import pytest
from tests.evaluation.fakes import SAMPLES, FakeClap, tone

from padstal.evaluation.clap_score import chance, clap_score, embed_windows, flattened, mismatched_clap_score


def test_score_is_the_mean_cosine_over_windows() -> None:
    text = np.array([[1.0, 0.0]])
    windows = np.array([[[1.0, 0.0], [0.0, 1.0], [0.6, 0.8]]])
    assert clap_score(windows, text)[0] == pytest.approx(1.6 / 3)


def test_a_tone_fits_its_own_text_best() -> None:
    clap = FakeClap()
    windows = embed_windows(np.stack([tone("jazz"), tone("techno")]), clap, (0.15, 0.5, 0.85), 1)
    assert windows.shape == (2, 3, 16)
    own = clap_score(windows, clap.embed_text(["jazz", "techno"]))
    other = clap_score(windows, clap.embed_text(["techno", "jazz"]))
    assert (own > 0.9).all()
    assert (other < 0.5).all()


def test_chance_is_the_mean_over_all_wrong_pairs() -> None:
    text = np.eye(3)
    windows = np.array([[[1.0, 0.0, 0.0]], [[0.6, 0.8, 0.0]], [[0.0, 0.0, 1.0]]])
    assert mismatched_clap_score(windows, text) == pytest.approx(0.6 / 6)
    assert mismatched_clap_score(windows[:1], text[:1]) is None


def test_equal_windows_are_embedded_once() -> None:
    class Counting(FakeClap):
        seen = 0

        def embed_audio(self, audio_BS: np.ndarray) -> np.ndarray:
            self.seen += len(audio_BS)
            return super().embed_audio(audio_BS)

    clap = Counting()
    clap.window_seconds = SAMPLES / clap.sample_rate
    windows = embed_windows(tone("jazz")[None], clap, (0.15, 0.5, 0.85), 1)
    assert clap.seen == 1
    np.testing.assert_array_equal(windows[:, 0], windows[:, 2])


def test_cosine_of_flattened_clips_is_the_mean_of_window_cosines() -> None:
    x = np.random.default_rng(1).standard_normal((2, 3, 5))
    x /= np.linalg.norm(x, axis=-1, keepdims=True)
    first, second = flattened(x)
    assert first @ second == pytest.approx((x[0] * x[1]).sum(-1).mean())


def test_chance_of_samples_is_with_the_prompts_of_others() -> None:
    genres = ("jazz", "techno")
    clap = FakeClap()
    sound = np.stack([tone("jazz"), tone("jazz"), tone("jazz"), tone("techno")])  # two samples of two prompts
    windows = embed_windows(sound, clap, (0.5,), 1).reshape(2, 2, 1, 16)
    heard = SimpleNamespace(clap_NWD=windows, pmos_N=np.zeros((2, 2)))
    clips = SimpleNamespace(clap_NWD=windows.reshape(4, 1, 16))
    text = clap.embed_text(list(genres))
    found = chance(SimpleNamespace(heard=heard, clips=clips, prompts=SimpleNamespace(text_PD=text)))  # type: ignore[arg-type]
    right = clap_score(clips.clap_NWD, text[[1, 1, 0, 0]])
    assert found == pytest.approx(float(right.mean()))
