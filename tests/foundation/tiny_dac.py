"""A tiny checkpoint in the format that audiotools writes the published Descript Audio Codec in."""

from pathlib import Path
from typing import Any

import torch

from padstal.foundation.config import DacLatents, DacShape

SHAPE = DacShape(
    encoder_dim=4, encoder_rates=[2, 4], decoder_dim=16, decoder_rates=[4, 2], n_codebooks=3, codebook_size=16,
    codebook_dim=8,
)  # fmt: skip
PRE, POST = (DacLatents(target=target, multiple=4) for target in ("pre", "post"))
FILE = "weights.pth"


def write_published(folder: Path, seed: int = 0) -> Any:
    """`weights.pth` in `folder`; the `dac.DAC` that wrote it, in eval mode."""
    from dac import DAC

    torch.manual_seed(seed)
    sizes = {name: getattr(SHAPE, name) for name in DacShape.model_fields}
    sizes |= {"encoder_rates": [2, 4], "decoder_rates": [4, 2]}
    model = DAC(**sizes, quantizer_dropout=0.5, sample_rate=16_000)
    folder.mkdir(parents=True, exist_ok=True)
    model.save(str(folder / FILE), package=False)
    return model.eval()
