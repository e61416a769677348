"""Which edits change the version of code, on a package of three modules."""

from pathlib import Path

import pytest

from padstal.core.code_version import code_version

FILES = {
    "train.py": '''"""Training."""

from padstal.helper import scale


def loss(x):
    """The loss."""
    return scale(x) + 1  # one
''',
    "helper.py": """from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from padstal.types import Number


def scale(x):
    from padstal.deep import FACTOR

    return FACTOR * x
""",
    "deep.py": "FACTOR = 2\n",
    "types.py": "Number = int\n",
    "idle.py": "X = 1\n",
}


@pytest.fixture
def source(tmp_path: Path) -> Path:
    (tmp_path / "padstal").mkdir()
    for name, text in FILES.items():
        (tmp_path / "padstal" / name).write_text(text)
    return tmp_path


def version(source: Path, *libraries: str) -> str:
    return code_version("padstal.train", libraries=libraries, source=source)


def edited(source: Path, name: str, old: str, new: str) -> str:
    file = source / "padstal" / name
    assert old in file.read_text()
    file.write_text(file.read_text().replace(old, new))
    return version(source)


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("train.py", "# one", "# another remark"),
        ("train.py", "The loss.", "The loss, as the paper has it."),
        ("train.py", '"""Training."""', '"""Training of everything.\n\nIn detail."""'),
        ("train.py", "scale(x) + 1", "(scale(x)\n        + 1)"),
        ("types.py", "int", "float"),
        ("idle.py", "1", "2"),
    ],
    ids=["a comment", "a docstring", "the module's docstring", "layout", "types", "a module that is not imported"],
)
def test_what_changes_no_number_keeps_the_version(source: Path, name: str, old: str, new: str) -> None:
    before = version(source)
    assert edited(source, name, old, new) == before


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [("train.py", "+ 1", "+ 2"), ("helper.py", "FACTOR * x", "x * FACTOR"), ("deep.py", "2", "3")],
    ids=["a number", "a module it imports", "a module imported in a function of a module it imports"],
)
def test_a_change_of_code_changes_it(source: Path, name: str, old: str, new: str) -> None:
    before = version(source)
    assert edited(source, name, old, new) != before


def test_a_library_is_part_of_it(source: Path) -> None:
    assert len({version(source), version(source, "numpy"), version(source, "torch")}) == 3


def test_a_module_that_is_not_there_is_named(source: Path) -> None:
    with pytest.raises(ValueError, match=r"padstal\.gone: no such module"):
        code_version("padstal.gone", libraries=(), source=source)
