"""Any codec of a model folder behind `protocols.Codec`: an autoencoder that `train_vae` made, or what `prepare` did."""

from pathlib import Path

import torch

from padstal.core.data.atomic import read_json
from padstal.core.protocols import Codec


def load(folder: Path, device: torch.device | str) -> Codec:
    """The codec, frozen, in float32.

    Raises:
        FileNotFoundError: The folder holds none.
        ValueError: Weights and config do not fit.
    """
    if not (folder / "config.json").is_file():
        raise FileNotFoundError(f"{folder}: no codec here; has the stage that makes it (train_vae, prepare) run?")
    match read_json(folder / "config.json").get("role"):
        case "mel_codec":
            from padstal.codecs import mel_codec

            return mel_codec.load(folder, device)
        case "dac":
            from padstal.codecs import dac

            return dac.load(folder, device)
        case _:
            from padstal.codecs import checkpoint

            return checkpoint.load(folder, device)
