from pathlib import Path
from typing import ClassVar

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from padstal.training.initialise import Initialised, hold, initialise


def test_weights_of_the_same_name_and_shape_are_taken_and_counted(tmp_path: Path) -> None:
    theirs = {"0.weight": torch.ones(3, 2), "0.bias": torch.ones(4), "9.weight": torch.ones(3)}
    save_file(theirs, tmp_path / "model.safetensors")
    module = nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 1))
    before = {name: weight.clone() for name, weight in module.state_dict().items()}
    assert initialise(module, tmp_path) == Initialised(1, (), ("0.bias: (3,), there (4,)",))
    assert torch.equal(module[0].weight, torch.ones(3, 2))
    assert torch.equal(module[0].bias, before["0.bias"]), "of another shape"
    assert torch.equal(module[1].weight, before["1.weight"])


def test_a_model_that_shares_nothing_is_refused(tmp_path: Path) -> None:
    save_file({"weight": torch.ones(3)}, tmp_path / "model.safetensors")
    with pytest.raises(ValueError, match=r"none of its 1 tensors .* weight \(3, 2\)"):
        initialise(nn.Linear(2, 3), tmp_path)


def test_a_folder_without_a_model_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"init_from = .*model\.safetensors not found"):
        initialise(nn.Linear(2, 3), tmp_path)


def test_names_that_a_module_gives_are_looked_up(tmp_path: Path) -> None:
    class Other(nn.Module):
        init_names: ClassVar[dict[str, str]] = {"private.": "encoder."}

        def __init__(self) -> None:
            super().__init__()
            self.private, self.decoder = nn.Linear(2, 3), nn.Linear(3, 1)

    theirs = {"encoder.weight": torch.ones(3, 2), "decoder.bias": torch.ones(1)}
    save_file(theirs, tmp_path / "model.safetensors")
    assert initialise(module := Other(), tmp_path) == Initialised(2, (), ())
    assert torch.equal(module.private.weight, torch.ones(3, 2))


def test_a_layer_that_reads_more_begins_with_what_it_read_there(tmp_path: Path) -> None:
    theirs = nn.Conv1d(2, 3, 3)
    save_file(theirs.state_dict(), tmp_path / "model.safetensors")
    wider = nn.Conv1d(5, 3, 3)
    assert initialise(wider, tmp_path) == Initialised(2, ("weight: (3, 5, 3), there (3, 2, 3)",), ())
    x_BDT = torch.randn(1, 5, 7)
    torch.testing.assert_close(wider(x_BDT), theirs(x_BDT[:, :2]))
    narrower = nn.Conv1d(1, 3, 3)
    assert initialise(narrower, tmp_path) == Initialised(1, (), ("weight: (3, 1, 3), there (3, 2, 3)",))


def test_held_parts_stay_as_they_are_and_others_move() -> None:
    module = nn.ModuleDict({"encoder": nn.Linear(2, 2), "encoder_z": nn.Linear(2, 2)})
    hold(module, ["encoder"])
    before = {name: weight.clone() for name, weight in module.named_parameters()}
    optimiser = torch.optim.AdamW(module.parameters(), lr=0.1, weight_decay=0.1)
    module["encoder_z"](module["encoder"](torch.ones(1, 2))).sum().backward()
    optimiser.step()
    for name, weight in module.named_parameters():
        assert torch.equal(weight, before[name]) == name.startswith("encoder."), name


def test_a_part_that_is_not_there_is_named_with_those_that_are() -> None:
    with pytest.raises(ValueError, match=r"hold = 'decode': no weights of that name; the network's parts are encoder"):
        hold(nn.ModuleDict({"encoder": nn.Linear(2, 2)}), ["decode"])
