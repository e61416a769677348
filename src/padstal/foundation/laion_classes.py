"""laion_clap's model classes, without what its package does on import and without a download.

`import laion_clap` fetches three tokenizers from the hub, and its CLAP class RoBERTa's weights, to be overwritten.
So the inner package `clap_module`, which needs neither, is imported by itself, and the towers are handed in.
"""

import importlib.util
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

from torch import nn


def clap_module() -> ModuleType:
    """The module `clap_module.model` of the installed laion_clap."""
    spec = importlib.util.find_spec("laion_clap")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("laion_clap is not installed; `make setup` installs it")
    home = str(Path(spec.origin).parent)
    sys.path.insert(0, home)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import clap_module.htsat
            import clap_module.model
    finally:
        sys.path.remove(home)
    module: ModuleType = clap_module.model
    return module


def small_htsat(
    *, bands: int, sample_rate: int, image: int, patch: int, width: int, depths: tuple[int, ...], heads: tuple[int, ...]
) -> nn.Module:
    """An HTSAT_Swin_Transformer of any size that is fed with log-mels (its own front end is taken off).

    Args:
        bands: Mel bands; image / bands stretches of time are stacked along the frequency axis.
        sample_rate: Hz; kept in its config.
        image: Side of the square image that the spectrogram is folded into; image² / bands frames.
        patch: Side of a patch.
        width: Features of a patch in the first group of layers; they double from group to group.
        depths: Layers of each group.
        heads: Attention heads of each group.
    """
    clap_module()
    from clap_module.htsat import HTSAT_Swin_Transformer

    config = SimpleNamespace(
        mel_bins=bands, window_size=1024, hop_size=256, sample_rate=sample_rate, fmin=0, fmax=sample_rate // 2
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        htsat = HTSAT_Swin_Transformer(
            spec_size=image,
            patch_size=patch,
            patch_stride=(patch, patch),
            num_classes=1,
            embed_dim=width,
            depths=list(depths),
            num_heads=list(heads),
            window_size=8,
            config=config,
        )
    htsat.spectrogram_extractor = nn.Identity()
    htsat.logmel_extractor = nn.Identity()
    return htsat


def build(
    *, embedding: int, audio: nn.Module, audio_width: int, text: dict[str, Any], text_tower: Any = None
) -> nn.Module:
    """laion_clap's CLAP with a given audio tower.

    Args:
        embedding: Features of the joint space.
        audio: The audio tower.
        audio_width: Features that it gives.
        text: Arguments of CLAPTextCfg.
        text_tower: Stands in for RoBERTa, if `text` asks for it; nothing is downloaded.
    """
    module = clap_module()
    with _standing_in(module, lambda *_: audio, text_tower):
        clap: nn.Module = module.CLAP(
            embed_dim=audio_width,
            audio_cfg={"model_type": "HTSAT", "model_name": "tiny"},
            text_cfg=text,
            joint_embed_shape=embedding,
        )
    return clap


@contextmanager
def _standing_in(module: Any, audio: Callable[..., nn.Module], text_tower: Any) -> Iterator[None]:
    """CLAP's constructor asks these two names of its module for the towers."""
    kept = module.create_htsat_model, module.RobertaModel
    module.create_htsat_model = audio
    module.RobertaModel = SimpleNamespace(from_pretrained=lambda _: text_tower)
    try:
        yield
    finally:
        module.create_htsat_model, module.RobertaModel = kept
