"""Safe loading: nothing that a file brings is run, nothing but the pinned content is read."""

import os
import pickle
import resource

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from padstal.core.data.content import sha256_file
from padstal.core.untrusted import UntrustedFileError
from padstal.foundation import pmos
from padstal.foundation.store import load_into, read_config, read_tensors, save


class Payload:
    """On unpickling, touches a file."""

    def __init__(self, path: str) -> None:
        self.path = path

    def __reduce__(self):
        return os.mkdir, (self.path,)


@pytest.mark.parametrize("how", ["zip", "legacy", "raw"])
def test_a_malicious_pickle_is_refused_and_does_not_run(tmp_path, how):
    touched = tmp_path / "touched"
    file = tmp_path / "weights.pt"
    content = {"state_dict": {"w": torch.ones(2), "evil": Payload(str(touched))}}
    if how == "raw":
        file.write_bytes(pickle.dumps(content))
    else:
        torch.save(content, file, _use_new_zipfile_serialization=how == "zip")
    with pytest.raises(UntrustedFileError, match=r"weights.pt"):
        read_tensors(file, sha256_file(file))
    assert not touched.exists()


def test_a_file_of_another_sha256_is_not_read_and_the_message_names_both(tmp_path):
    file = tmp_path / "weights.safetensors"
    save_file({"w": torch.ones(2)}, file)
    expected = "0" * 64
    with pytest.raises(UntrustedFileError, match=rf"weights.safetensors.*{sha256_file(file)}.*{expected}"):
        read_tensors(file, expected)


def test_a_checkpoint_of_tensors_and_a_numpy_scalar_is_read_without_its_wrapping(tmp_path):
    file = tmp_path / "epoch.pt"
    weights = {"module.a.weight": torch.arange(4.0), "module.b": torch.ones(2, 2)}
    torch.save({"epoch": 15, "best": np.float64(0.9), "state_dict": weights}, file)
    tensors = read_tensors(file, sha256_file(file))
    assert set(tensors) == {"a.weight", "b"}
    assert torch.equal(tensors["a.weight"], torch.arange(4.0))


def test_saving_twice_gives_the_same_bytes_and_loading_gives_the_same_bits(tmp_path):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4))
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        save(tmp_path / name, model, {"role": "clap", "b": 1, "a": [1, 2]})
    for file in ("model.safetensors", "config.json"):
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()
    again = load_into(nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4)), tmp_path / "one", "cpu")
    for name, value in model.state_dict().items():
        assert torch.equal(again.state_dict()[name], value)
    assert not again.training
    assert not any(parameter.requires_grad for parameter in again.parameters())


def test_weights_of_another_model_are_refused(tmp_path):
    save(tmp_path, nn.Linear(3, 4), {"role": "clap"})
    with pytest.raises(UntrustedFileError, match=r"model.safetensors"):
        load_into(nn.Linear(3, 5), tmp_path, "cpu")


def test_a_config_that_asks_for_far_more_than_its_weights_is_refused_before_it_fills_the_memory(tmp_path):
    shape = {"bands": 64, "width": 20_000, "dropout": 0.3}
    save(tmp_path, {"w": torch.ones(2)}, {"role": "pmos", "sample_rate": 16_000, "shape": shape})
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(UntrustedFileError, match=r"its config asks for \d{8,} bytes of weights, its files have \d\d"):
        pmos.load(tmp_path, "cpu")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100 * 1024


def test_the_folder_of_another_role_is_refused_and_an_empty_one_names_the_stage(tmp_path):
    with pytest.raises(FileNotFoundError, match="prepare@pmos"):
        read_config(tmp_path, "pmos")
    save(tmp_path, nn.Linear(1, 1), {"role": "clap"})
    with pytest.raises(UntrustedFileError, match="'clap', expected 'pmos'"):
        read_config(tmp_path, "pmos")
