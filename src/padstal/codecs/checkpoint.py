"""A trained autoencoder on disk, and frozen behind `protocols.Codec`.

The folder holds the averaged weights of what inference and the probes need (the text decoder and w_t stay behind), as
`model.safetensors`, and `config.json`: what the codec is, and what it was made for.
"""

from pathlib import Path
from typing import Any

import torch
from torch import nn

from padstal.codecs.config import CODECS, CodecConfig, CropForm
from padstal.core.data.atomic import read_json, write_json
from padstal.core.model_folder import WEIGHTS
from padstal.core.protocols import Codec
from padstal.core.tensor_files import load_state, loads, read_safetensors

NOT_SHIPPED = ("encoder_w_t", "text_decoder")
"""Parts of the text-aware autoencoder that only its training needs."""


def shipped_weights(model: nn.Module) -> dict[str, torch.Tensor]:
    """What of a trained model is kept, on the CPU."""
    return {
        key: value.detach().cpu().contiguous()
        for key, value in model.state_dict().items()
        if not key.startswith(NOT_SHIPPED)
    }


def as_shipped(model: nn.Module) -> nn.Module:
    """A model without the parts that only its training needs."""
    for part in NOT_SHIPPED:
        if hasattr(model, part):
            delattr(model, part)
    return model


def save(folder: Path, model: nn.Module, codec: Any, form: CropForm, *, origin: str, name: str) -> None:
    """Write `model.safetensors` and `config.json` into the existing `folder`; `codec` is the `CodecConfig`."""
    from safetensors.torch import save_file

    save_file(shipped_weights(model), folder / WEIGHTS)
    about = {"name": name, "origin": origin, "codec": codec.model_dump(mode="json"), "form": form.model_dump()}
    write_json(folder / "config.json", about)


@loads("the folder of an autoencoder")
def load(folder: Path, device: torch.device | str) -> Codec:
    """The autoencoder of a model folder, frozen, in float32, weight norms folded.

    Raises:
        FileNotFoundError: The folder holds no autoencoder.
        UntrustedFileError: A file is damaged, or weights and config do not fit.
    """
    if not (folder / "config.json").exists():
        raise FileNotFoundError(f"{folder}: no autoencoder here; has the stage train_vae run?")
    about = read_json(folder / "config.json")
    codec: CodecConfig = CODECS.parse(about["codec"])  # type: ignore[assignment]
    form = CropForm.model_validate(about["form"])
    model = as_shipped(codec.build(form))
    path = folder / WEIGHTS
    load_state(model, read_safetensors(path), path, "weights of what config.json says")
    _fold_weight_norms(model)
    return codec.freeze(model.to(device).eval().requires_grad_(False), form)


def _fold_weight_norms(model: nn.Module) -> None:
    from torch.nn.utils import parametrize

    for module in model.modules():
        if parametrize.is_parametrized(module):
            for name in list(module.parametrizations):  # type: ignore[arg-type]
                parametrize.remove_parametrizations(module, name)
