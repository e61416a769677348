"""Whatever an edit makes of `params.yaml`: DVC and we read the same, or an error names the key; never a traceback."""

import random
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from dvc.utils.serialize import loads_yaml

from padstal.core.params import ParamsError, read_yaml
from padstal.core.section import Section
from padstal.sampling.setting import Sweep
from padstal.stages.params import load_tree

PARAMS = Path(__file__).resolve().parents[2] / "params.yaml"
EDITS = 300
KEYED = re.compile(r"^(?P<before>\s*(?:- )?(?P<key>\w+): )(?P<value>[^#&*{}\[<]+?)(?P<after>\s*(?:#.*)?)$")
INLINE = re.compile(r"(?P<key>\w+): (?P<value>[\w.+-]+)(?=[,}])")
VALUES = (
    *("true", "False", "yes", "off", "null", "~", '"12"', "'0.5'", "text", "[]", "{}", "[1, 2]", "{a: 1}", "[true]"),
    *(
        "0",
        "-1",
        "1.0",
        "017",
        "0o17",
        "0x1F",
        "0b11",
        "1:30",
        "190:20:30",
        "1_000",
        "1e3",
        "1e-3",
        "1.0e+400",
        "1e400",
    ),
    *(".inf", ".nan", "-.inf", "9" * 17, "1" + "0" * 400, "1" + "0" * 5000, "2024-01-02", "2024-13-45", "!!binary x"),
    *("!!int x", "!!python/object:os.system x", "*nowhere", "&a [*a]", "{1: 2}", "[[1], [2]]", "=", "<<", "../../etc"),
    *("[0, 1]", "[-3]", "[1, 2, 3, 4, 5, 6, 7]", "['a', 'b']", "{kind: none}", "{kind: [1]}", "{kind: unheard}"),
    *("!!set {a, b}", "!!omap [a: 1]", "{from: 0, to: 1, count: 1000000000}", "{from: a, to: b, count: c}"),
)
LINES = ("twice", "gone", "indented", "renamed", "tab", "before")


def edits(seed: int) -> Iterator[tuple[str, str, str, int]]:
    """Texts of `params.yaml` with one edit each, with the key and the line that it is at and what it was."""
    lines = PARAMS.read_text(encoding="utf-8").splitlines()
    rng = random.Random(seed)
    places = [number for number, line in enumerate(lines) if KEYED.match(line) or INLINE.search(line)]
    while True:
        number = rng.choice(places)
        line, how = lines[number], rng.choice(("value",) * 10 + LINES)
        keyed, inline = KEYED.match(line), list(INLINE.finditer(line))
        if how == "value" or not keyed:
            found, how = keyed or rng.choice(inline), rng.choice(VALUES)
            start, end = found.span("value")
            new, key = [line[:start] + how + line[end:]], found["key"]
        else:
            key = keyed["key"]
            new = {
                "twice": [line, line.replace("- ", "  ", 1)],
                "gone": [],
                "indented": ["   " + line],
                "renamed": [line.replace(f"{key}:", f"{key}x:", 1)],
                "tab": ["\t" + line],
                "before": [line.replace(": ", ":", 1)],
            }[how]
        yield "\n".join([*lines[:number], *new, *lines[number + 1 :]]) + "\n", key, how[:40], number + 1


def check_edit(file: Path, text: str, key: str, how: str, line: int = 0) -> str:
    """What came of it: "read", or the error, which names the key, or lines around it that are no YAML any more."""
    file.write_text(text, encoding="utf-8")
    error = ""
    try:
        tree = load_tree(file)
    except ParamsError as refused:
        error = str(refused)
    if error:
        around = [int(number) for number in re.findall(r"\bline (\d+)", error)] if "not valid YAML" in error else []
        broken = bool(around) and min(around) - 1 <= line <= max(around)
        assert key in error or broken or "sources: expected a list" in error, f"{how} at {key}, {line}: {error}"
        return error
    raw = loads_yaml(text)
    assert read_yaml(file) == raw
    different = list(_differences(raw, tree, ""))
    assert not different, f"{how} at {key}: {different[:3]}"
    return "read"


@pytest.mark.slow
@pytest.mark.long
def test_300_edits_are_read_as_dvc_reads_them_or_refused_by_key(tmp_path: Path) -> None:
    made = edits(seed=12)
    outcomes = [check_edit(tmp_path / "params.yaml", *next(made)) for _ in range(EDITS)]
    assert 10 < outcomes.count("read") < EDITS - 100


@pytest.mark.parametrize(
    ("at", "old", "new"),
    [
        ("depth", "depth: 24,", "depth: 1" + "0" * 400 + ","),
        ("depth", "depth: 24,", "depth: true,"),
        ("depth", "depth: 24,", "depth: '24',"),
        ("depth", "depth: 24,", "depth: 24.0,"),
        ("steps", "steps: 1000000 # not", "steps: 1:30 # not"),
        ("log_every", "log_every: 100\n          validate_every: 5000", "log_every: 1" + "0" * 5000),
        ("stop_at", "stop_at: critical", "stop_at: critical, stop_at: warning"),
        ("strides", "strides: [2, 4, 4, 8, 8]", "strides: [2, 4, 4, 8]"),
        ("strides", "strides: [2, 4, 4, 8, 8]", "strides: [2, 4, 4, 8, 0]"),
        ("multiples", "multiples: [1, 2, 4, 8, 16]", "multiples: [1, 2, 4, 8, true]"),
        ("title", "title: padstal", "title: 2024-13-45"),
        ("seeds", "seeds: [101, 102, 103]", "seeds: [101, 102, -1]"),
        ("denoisers", "  audio_dit: {codec: audio,", "  ../audio_dit: {codec: audio,"),
    ],
)
def test_what_has_two_readings_or_no_sense_is_refused_by_key(tmp_path: Path, at: str, old: str, new: str) -> None:
    text = PARAMS.read_text(encoding="utf-8")
    assert old in text
    assert check_edit(tmp_path / "params.yaml", text.replace(old, new, 1), at, new[:40]) != "read"


@pytest.mark.parametrize(
    ("new", "said"),
    [
        ("[" * 30_000 + "]" * 30_000, "more than 1000 mappings and lists within each other"),
        ("- " * 30_000 + "x", "more than 1000 mappings and lists within each other"),
        ("&a [*a, *a]", "more than 30 mappings and lists within each other|more than 100000 values"),
        ("[&n0 [1], " + ", ".join(f"&n{n + 1} [*n{n}, *n{n}]" for n in range(25)) + "]", "do aliases"),
    ],
    ids=("flow", "block", "itself", "doubled"),
)
def test_what_nests_or_multiplies_without_end_is_refused_at_once(tmp_path: Path, new: str, said: str) -> None:
    (tmp_path / "params.yaml").write_text(f"scale: demo\nx:\n  {new}\n")
    with pytest.raises(ParamsError, match=said):
        read_yaml(tmp_path / "params.yaml")


def test_an_octal_number_is_read_as_dvc_reads_it(tmp_path: Path) -> None:
    text = PARAMS.read_text(encoding="utf-8").replace("heads: 24,", "heads: 0o30,", 1)
    assert check_edit(tmp_path / "params.yaml", text, "heads", "0o30") == "read"
    denoisers = load_tree(tmp_path / "params.yaml").scales["full"].train_diffusion.model_dump()
    assert denoisers["audio_dit"]["form"]["backbone"]["heads"] == 24


def _differences(raw: Any, held: Any, at: str) -> Iterator[str]:
    """Where what is held is not what was read; a number with a point may stand for a whole one, and nothing else."""
    if isinstance(held, Sweep):
        return
    if isinstance(held, Section):
        values = {field.alias or name: getattr(held, name) for name, field in type(held).model_fields.items()}
        held = values | (held.model_extra or {})
    if isinstance(raw, dict) and isinstance(held, dict):
        for key, child in raw.items():
            yield from _differences(child, held.get(key, "absent"), f"{at}.{key}")
    elif isinstance(raw, list) and isinstance(held, tuple) and len(raw) == len(held):
        for number, child in enumerate(raw):
            yield from _differences(child, held[number], f"{at}.{number}")
    elif raw != held or isinstance(raw, bool) != isinstance(held, bool):
        yield f"{at}: {raw!r} became {held!r}"
