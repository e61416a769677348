"""Tensors from files that may be damaged or made to do harm: safetensors, and pickles of nothing but tensors.

What a file claims is held against its length, before it is read and after, so that a small one cannot fill the memory:
a pickle names nothing but what weights are made of (`bytearray(n)` is n bytes in some letters), members of a torch
archive are stored as they are (a deflated one may grow a thousandfold), storages lie within the file (`mmap`), and no
tensor shows more numbers than its storage has (a stride of 0 makes 10¹² of one).
"""

import functools
import io
import pickletools
import re
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.modules.module import register_module_parameter_registration_hook as on_new_parameter

from padstal.core.untrusted import UntrustedFileError, expecting

P = ParamSpec("P")
R = TypeVar("R")
MOST_SHARED = 4
"""Tensors may share storages (tied weights), but not show more than so many times the file's length."""
SMALL_NETWORK = 2**26
"""Bytes of weights that a config may ask for whatever lies beside it."""
_GLOBAL = re.compile(r"GLOBAL ([\w.]+)")
_NEEDED = re.compile(
    r"torch\._utils\._rebuild_(tensor(_v[23])?|parameter)|torch\.(storage\.)?(?!Q)\w+Storage|torch\.([a-z]\w*|Size)|"
    r"collections\.\w+|(__builtin__|builtins)\.set|_codecs\.encode|numpy\.[\w.]+"
)
"""What weights and plain values name; of it torch allows what it knows, and `_NUMPY`."""
_LEGACY_PICKLES = 5
"""At the beginning of a file of torch's older form; its storages follow."""
_NUMPY_SCALAR: Any = getattr(np.core.multiarray, "scalar")  # noqa: B009  (its type stub lacks the name)


def _empty_array(kind: type, shape: tuple[int, ...], dtype: bytes) -> np.ndarray:
    """NumPy's `_reconstruct`, of nothing but the empty array that a pickle fills later with bytes of its own."""
    if kind is not np.ndarray or shape != (0,):
        raise ValueError(f"an array of shape {shape} before its bytes: expected (0,)")
    return np.empty(shape, dtype.decode())


def _filled_scalar(dtype: np.dtype, content: bytes) -> Any:
    """NumPy's `scalar`, which makes one of zeros, of any length, where its bytes are not given."""
    return _NUMPY_SCALAR(dtype, content)


_NUMPY: list[Any] = [
    (_filled_scalar, "numpy.core.multiarray.scalar"),
    (_empty_array, "numpy.core.multiarray._reconstruct"),
    np.ndarray,
    np.dtype,
    *(np.dtypes.Float64DType, np.dtypes.Float32DType, np.dtypes.Int64DType, np.dtypes.BoolDType),
]
"""LAION's checkpoints note a loss beside the weights, PANNs' where the sampler stood; neither carries code."""
_WRAPPED_AS = ("state_dict", "model")
"""What checkpoints of training call the weights among other things."""


def read_safetensors(path: Path) -> dict[str, Tensor]:
    """Tensors of a safetensors file by name; the library holds its header against the file's length.

    Raises:
        FileNotFoundError: There is none.
        UntrustedFileError: It is truncated, or its header does not fit its bytes.
    """
    from safetensors.torch import load_file

    with expecting("a safetensors file", path):
        return load_file(path)


def read_pickled_tensors(path: Path) -> dict[str, Tensor]:
    """Tensors of what `torch.save` wrote, by name; see `read_checkpoint`."""
    return read_checkpoint(path)[0]


def read_checkpoint(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Tensors of what `torch.save` wrote, by name, and what its `state_dict` or `model` has beside it ({} without one).

    Raises:
        UntrustedFileError: It asks for more than tensors and plain values, is damaged, or claims more than it holds.
    """
    records = _records(path)
    try:
        _check_named(path, bool(records))
        with torch.serialization.safe_globals(_NUMPY):
            content = torch.load(path, map_location="cpu", weights_only=True, mmap=bool(records))
    except Exception as error:  # torch raises many kinds here; none of them ran what the file brought
        asked = _GLOBAL.search(str(error))
        wanted = f"it asks for {asked.group(1)}" if asked else "it is damaged, or asks for other things"
        raise UntrustedFileError(
            f"{path}: refused, more than tensors and plain values: {wanted}; nothing of it was run"
        ) from None
    wrapped = [name for name in _WRAPPED_AS if isinstance(content, dict) and name in content]
    beside = dict(content) if wrapped else {}
    state = beside.pop(wrapped[0]) if wrapped else content
    if not isinstance(state, dict):
        raise UntrustedFileError(f"{path}: holds a {type(content).__name__}, expected a dictionary of tensors")
    tensors = {name: value for name, value in state.items() if isinstance(value, Tensor)}
    _check_claims(tensors, path, records)
    return tensors, beside


def load_state(model: nn.Module, tensors: Mapping[str, Tensor], path: Path, what: str) -> None:
    """Give `model` exactly these tensors of the file `path`.

    Raises:
        UntrustedFileError: Names or shapes are not the model's; it is not `what`.
    """
    with expecting(what, path):
        model.load_state_dict(tensors)


def loads(what: str) -> Callable[[Callable[Concatenate[Path, P], R]], Callable[Concatenate[Path, P], R]]:
    """Marks a function that loads a model from folders, its first arguments: what is wrong with one is our error.

    A config that asks for far more weights than its folder holds is refused before they fill the memory.
    """

    def marked(load: Callable[Concatenate[Path, P], R]) -> Callable[Concatenate[Path, P], R]:
        @functools.wraps(load)
        def guarded(folder: Path, *args: P.args, **kwargs: P.kwargs) -> R:
            others = (one for one in args if isinstance(one, Path))
            with expecting(what, folder), _no_larger_than(folder, *others):
                return load(folder, *args, **kwargs)

        return guarded

    return marked


@contextmanager
def _no_larger_than(*folders: Path) -> Iterator[None]:
    held = sum(file.stat().st_size for folder in folders for file in folder.glob("*.safetensors"))
    asked = 0

    def weigh(module: nn.Module, name: str, weight: nn.Parameter) -> None:
        """Tied weights, and those whose norm is apart, count more than once."""
        nonlocal asked
        asked += weight.nbytes
        if asked > MOST_SHARED * held + SMALL_NETWORK:
            raise UntrustedFileError(
                f"{folders[0]}: its config asks for {asked} bytes of weights, its files have {held}"
            )

    hook = on_new_parameter(weigh)
    try:
        yield
    finally:
        hook.remove()


def _records(path: Path) -> frozenset[int]:
    """Lengths of an archive's members, none for a file of torch's older form; each has to lie in it as it is."""
    with expecting("a checkpoint of torch", path), path.open("rb") as file:
        if file.read(4) != b"PK\x03\x04":
            return frozenset()
    with expecting("a checkpoint of torch", path), zipfile.ZipFile(path) as opened:
        members = opened.infolist()
    for member in members:
        if member.compress_type != zipfile.ZIP_STORED or member.compress_size != member.file_size:
            raise UntrustedFileError(
                f"{path}: {member.filename[:60]!r} is compressed, {member.compress_size} bytes for {member.file_size}; "
                "expected members stored as they are, as torch writes them"
            )
    claimed = sum(member.file_size for member in members)
    if claimed > path.stat().st_size:
        raise UntrustedFileError(f"{path}: its members claim {claimed} bytes, more than the file has")
    return frozenset(member.file_size for member in members)


def _check_named(path: Path, archive: bool) -> None:
    """Look what the pickles of a file name, before torch calls any of it."""
    with path.open("rb") as file:
        pickles: list[Any] = [file] * _LEGACY_PICKLES
        if archive:
            pickles = [io.BytesIO(torch._C.PyTorchFileReader(str(path)).get_record("data.pkl"))]
        for code, argument, _ in chain.from_iterable(map(pickletools.genops, pickles)):
            name = str(argument).replace(" ", ".")
            if code.name == "GLOBAL" and not _NEEDED.fullmatch(name):
                raise ValueError(f"GLOBAL {name}")


def _check_claims(tensors: Mapping[Any, Tensor], path: Path, records: frozenset[int]) -> None:
    length, total = path.stat().st_size, 0
    for name, tensor in tensors.items():
        if not isinstance(name, str):
            raise UntrustedFileError(f"{path}: a tensor is named {str(name)[:60]!r}: expected a text for a name")
        shown, held = tensor.numel() * tensor.element_size(), tensor.untyped_storage().nbytes()
        total += shown
        alone = bool(records) and held not in records  # a storage is a member, whole
        if shown > held or held > length or total > MOST_SHARED * length or alone:
            raise UntrustedFileError(
                f"{path}: {name[:60]!r} claims {tensor.numel()} numbers {tuple(tensor.shape)} of {held} bytes in a "
                f"file of {length}, {total} bytes with those before it"
            )
