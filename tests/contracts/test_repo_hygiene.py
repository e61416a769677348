"""What is true of every file: an opening sentence, a length, no leftovers, nothing of one machine."""

import ast
import re
from pathlib import Path

from tests.contracts.repository import ROOT, SRC, known_files, parsed, source_files

LONGEST = 400
LEFTOVERS = re.compile(r"\b(TO" + r"DO|FIX" + r"ME|XX" + r"X|NotImplemented" + r"Error)\b")
ONE_MACHINE = re.compile(r"(?<![\w.])/(home|Users|root|work|tmp/[a-z]+)/[\w.-]+")
TEXT = {".py", ".md", ".yaml", ".yml", ".toml", ".json", ".txt", ".html", ".css", ".js", ".csv", ""}


def _name(file: Path) -> str:
    return str(file.relative_to(ROOT))


def test_every_file_opens_with_a_sentence() -> None:
    opening = {_name(file): (ast.get_docstring(parsed(file)) or "").split("\n\n")[0] for file in source_files()}
    assert len(opening) > 100
    assert {name: text for name, text in opening.items() if not text.rstrip().endswith((".", ":", "?"))} == {}


def test_every_file_is_short() -> None:
    lengths = {_name(file): file.read_text(encoding="utf-8").count("\n") for file in source_files()}
    assert {name: lines for name, lines in lengths.items() if lines > LONGEST} == {}


def test_nothing_is_left_for_later() -> None:
    found = {_name(file): LEFTOVERS.findall(file.read_text(encoding="utf-8")) for file in source_files()}
    assert {name: words for name, words in found.items() if words} == {}


def test_no_file_names_a_folder_of_one_machine() -> None:
    found = {
        _name(file): match.group()
        for file in known_files()
        if file.suffix in TEXT and file.name != "requirements.lock" and file != Path(__file__)
        if (match := ONE_MACHINE.search(file.read_text(encoding="utf-8", errors="replace")))
    }
    assert found == {}


def test_every_pin_has_a_hash_and_no_address() -> None:
    text = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    assert "://" not in text
    pins = re.split(r"\n(?=\S)", re.sub(r"^#.*\n", "", text, flags=re.MULTILINE).strip())
    assert len(pins) > 100
    bare = [pin.split()[0] for pin in pins if not re.match(r"\S+==\S+", pin) or "--hash=sha256:" not in pin]
    assert bare == []


def test_every_package_has_an_init() -> None:
    folders = {file.parent for file in (SRC / "padstal").rglob("*.py")}
    assert [str(folder) for folder in folders if not (folder / "__init__.py").is_file()] == []
