"""Files of weights that are damaged or made to do harm: always our error, and no more memory than they hold."""

import io
import json
import random
import resource
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save, save_file

from padstal.codecs.latents.statistics import LatentStatistics
from padstal.core.tensor_files import load_state, read_checkpoint, read_pickled_tensors, read_safetensors
from padstal.core.untrusted import UntrustedFileError

STATE = {"a.weight": torch.arange(64.0).reshape(8, 8), "b": torch.ones(3)}


def _header(content: dict[str, Any] | bytes, body: bytes = b"\0" * 16) -> bytes:
    text = content if isinstance(content, bytes) else json.dumps(content).encode()
    return len(text).to_bytes(8, "little") + text + body


def _tensor(shape: list[Any], offsets: list[int], dtype: str = "F32") -> dict[str, Any]:
    return {"a": {"dtype": dtype, "shape": shape, "data_offsets": offsets}}


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\0" * 8,
        save(STATE)[:-1],
        save(STATE)[:40],
        save(STATE) + b"more",
        _header(b"{" * 50),
        _header(b"[1]"),
        (2**62).to_bytes(8, "little") + b"{}",
        _header(_tensor([2, 2], [0, 15])),
        _header(_tensor([10**12], [0, 16])),
        _header(_tensor([2**40, 2**40], [0, 16])),
        _header(_tensor([2, 2], [16, 0])),
        _header(_tensor([2, 2], [0, 10**12])),
        _header(_tensor([-4], [0, 16])),
        _header(_tensor(["4"], [0, 16])),
        _header(_tensor([4], [0, 16], "F1000")),
        _header({"a": 1}),
        _header({"__metadata__": {"a": 1}}),
    ],
)
def test_a_safetensors_file_whose_header_lies_is_refused(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "model.safetensors"
    file.write_bytes(content)
    with pytest.raises(UntrustedFileError, match=r"model.safetensors: not a safetensors file"):
        read_safetensors(file)


@pytest.mark.parametrize("kind", ["safetensors", "archive", "legacy"])
def test_2000_bytes_changed_or_cut_never_end_in_another_error(tmp_path: Path, kind: str) -> None:
    buffer = io.BytesIO(save(STATE))
    if kind != "safetensors":
        buffer = io.BytesIO()
        torch.save({"state_dict": STATE}, buffer, _use_new_zipfile_serialization=kind == "archive")
    whole, rng = buffer.getvalue(), random.Random(7)
    file, read = tmp_path / "weights", read_safetensors if kind == "safetensors" else read_pickled_tensors
    for _ in range(2000 if kind == "safetensors" else 400):
        content = bytearray(whole if rng.random() < 0.7 else whole[: rng.randrange(len(whole))])
        for _ in range(rng.randrange(4)):
            if content:
                content[rng.randrange(len(content))] = rng.randrange(256)
        file.write_bytes(content)
        try:
            tensors = read(file)
        except UntrustedFileError:
            continue
        assert sum(tensor.nbytes for tensor in tensors.values()) <= len(whole)


def _written(file: Path, content: Any) -> Path:
    torch.save(content, file)
    return file


def _with_members(change: Callable[[str, bytes], bytes], method: int = zipfile.ZIP_STORED) -> Callable[[Path], Path]:
    def make(file: Path) -> Path:
        buffer = io.BytesIO()
        torch.save(STATE, buffer)
        with zipfile.ZipFile(buffer) as whole, zipfile.ZipFile(file, "w", method) as made:
            for member in whole.infolist():
                made.writestr(member.filename, change(member.filename, whole.read(member)))
        return file

    return make


class _Claiming:
    """A NumPy array of a terabyte, in a pickle of some bytes."""

    def __reduce__(self) -> tuple[object, ...]:
        return np.core.multiarray._reconstruct, (np.ndarray, (10**12,), b"b")  # type: ignore[attr-defined]


class _Zeros:
    """A NumPy scalar of two gigabytes of zeros."""

    def __reduce__(self) -> tuple[object, ...]:
        return np.core.multiarray.scalar, (np.dtype("V2000000000"),)  # type: ignore[attr-defined]


def test_weights_among_a_trainings_other_things_are_found(tmp_path: Path) -> None:
    file = _written(tmp_path / "a.pth", {"iteration": 7, "model": STATE, "sampler": {"indexes": np.arange(5)}})
    tensors, beside = read_checkpoint(file)
    assert tensors.keys() == STATE.keys()
    assert beside["iteration"] == 7
    np.testing.assert_array_equal(beside["sampler"]["indexes"], np.arange(5))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda file: _written(file, {"a": torch.ones(1).expand(10**12)}), "claims 1000000000000 numbers"),
        (lambda file: _written(file, {f"{n}": torch.ones(9).expand(1000, 9) for n in range(3)}), "claims 9000 numbers"),
        (lambda file: _written(file, {3: torch.ones(2)}), "named '3': expected a text"),
        (lambda file: _written(file, {("a",): torch.ones(2)}), "expected a text for a name"),
        (lambda file: _written(file, [torch.ones(2)]), "holds a list, expected a dictionary of tensors"),
        (lambda file: _written(file, {"state_dict": 3}), "expected a dictionary of tensors"),
        (lambda file: _written(file, {"a": _Claiming()}), "more than tensors and plain values"),
        (
            lambda file: _written(file, {"a": torch.sparse_coo_tensor(torch.zeros(1, 1), [1.0], (10**12,))}),
            "asks for .*sparse",
        ),
        (lambda file: _written(file, {"a": torch.nested.nested_tensor([torch.ones(2)])}), "asks for .*nested"),
        (lambda file: _written(file, {"a": torch.ones(2, device="meta")}), "asks for .*meta"),
        (lambda file: _written(file, {"a": torch.quantize_per_tensor(torch.ones(2), 1, 0, torch.qint8)}), "qtensor"),
        (lambda file: _written(file, {"state_dict": STATE, "a": bytearray(9)}), "it asks for (__)?builtin(s|__).bytea"),
        (lambda file: _written(file, {"state_dict": STATE, "a": _Zeros()}), "more than tensors and plain values"),
        (lambda file: _written(file, {"a": Path("x")}), "more than tensors and plain values: it asks for pathlib"),
        (_with_members(lambda _, content: content, zipfile.ZIP_DEFLATED), "is compressed"),
        (_with_members(lambda name, content: b"" if "/data/" in name else content), "refused|claims"),
        (
            _with_members(lambda name, content: content[:8] if name.endswith("/data/0") else content),
            "claims 64 numbers",
        ),
    ],
)
def test_a_pickle_that_claims_more_than_it_holds_is_refused(
    tmp_path: Path, make: Callable[[Path], Path], message: str
) -> None:
    file = make(tmp_path / "weights.pt")
    with pytest.raises(UntrustedFileError, match=message) as refused:
        read_pickled_tensors(file)
    assert "weights_only" not in str(refused.value), "no library's advice to switch safety off"
    assert "weights.pt" in str(refused.value)


@pytest.mark.parametrize("kind", ["archive", "legacy"])
@pytest.mark.parametrize("within", [b"%s.", b"}X\1\0\0\0a%ss."])
def test_a_pickle_that_asks_for_gigabytes_takes_no_memory(tmp_path: Path, kind: str, within: bytes) -> None:
    call = b"c__builtin__\nbytearray\n\x8a\x08" + (2**30).to_bytes(8, "little") + b"\x85R"
    pickled = b"\x80\x02" + within % call
    file = tmp_path / "bomb.pt"
    if kind == "archive":
        with zipfile.ZipFile(file, "w") as made:
            for name, content in {"data.pkl": pickled, "byteorder": b"little", "version": b"3\n"}.items():
                made.writestr(f"x/{name}", content)
    else:
        torch.save(STATE, file, _use_new_zipfile_serialization=False)
        whole = file.read_bytes()
        start = whole.index(b"\x80\x02", whole.index(b"little_endian"))
        file.write_bytes(whole[:start] + pickled + whole[start:])
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(UntrustedFileError, match=r"bomb.pt: refused.* it asks for __builtin__.bytearray; nothing"):
        read_pickled_tensors(file)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100 * 1024


@pytest.mark.slow
def test_a_megabyte_that_unpacks_to_gigabytes_takes_no_memory(tmp_path: Path) -> None:
    file = tmp_path / "bomb.pt"
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as made, made.open("weights/data/0", "w") as member:
        for _ in range(300):
            member.write(bytes(2**20))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(UntrustedFileError, match=r"bomb.pt: 'weights/data/0' is compressed, \d+ bytes for 314572800"):
        read_pickled_tensors(file)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100 * 1024


def test_members_that_lie_on_each_other_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "overlap.pt"
    with zipfile.ZipFile(file, "w") as made:
        made.writestr("weights/data/0", bytes(2**16))
        for number in range(1, 40):
            twin = zipfile.ZipInfo(f"weights/data/{number}")
            made.filelist.append(_at_the_first(made, twin))
    with pytest.raises(UntrustedFileError, match=r"its members claim \d+ bytes, more than the file has"):
        read_pickled_tensors(file)


def _at_the_first(archive: zipfile.ZipFile, twin: zipfile.ZipInfo) -> zipfile.ZipInfo:
    first = archive.filelist[0]
    twin.header_offset, twin.CRC = first.header_offset, first.CRC
    twin.file_size, twin.compress_size = first.file_size, first.compress_size
    return twin


@pytest.mark.parametrize(
    "tensors",
    [
        {},
        {"mean": torch.ones(3)},
        {"mean": torch.ones(3), "std": torch.ones(2)},
        {"mean": torch.ones(1, 3), "std": torch.ones(1, 3)},
        {"mean": torch.ones(3), "std": torch.zeros(3)},
        {"mean": torch.full((3,), torch.nan), "std": torch.ones(3)},
    ],
)
def test_statistics_of_latents_are_two_vectors_or_refused(tmp_path: Path, tensors: dict[str, torch.Tensor]) -> None:
    file = tmp_path / "statistics.safetensors"
    save_file(tensors, file)
    with pytest.raises(UntrustedFileError, match=r"statistics.safetensors: not statistics of latents"):
        LatentStatistics.load(file)


HOSTILE = "a\x1b[2J\nis fine\x9b"


def _claims_more(file: Path) -> None:
    torch.save({HOSTILE: torch.ones(1).expand(10**6)}, file)


def _is_sparse(file: Path) -> None:
    torch.save({HOSTILE: torch.ones(3).to_sparse()}, file)


def _has_a_compressed_member(file: Path) -> None:
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(HOSTILE, b"0" * 1000)


def _is_of_another_model(file: Path) -> None:
    torch.save({"weight": torch.ones(1, 1), HOSTILE: torch.ones(1)}, file)


@pytest.mark.parametrize("make", [_claims_more, _is_sparse, _has_a_compressed_member, _is_of_another_model, Path.mkdir])
def test_what_is_refused_is_named_in_one_printable_line(tmp_path: Path, make: Callable[[Path], None]) -> None:
    make(tmp_path / "model.pt")
    model, file = torch.nn.Linear(1, 1, bias=False), tmp_path / "model.pt"
    with pytest.raises(UntrustedFileError) as refused:
        load_state(model, read_pickled_tensors(file), file, "a layer")
    assert str(refused.value).startswith(f"{file}: ")
    assert str(refused.value).isprintable()
