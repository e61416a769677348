"""The container file builds what the repository holds, from pinned and hashed packages, and runs without rights.

There is no container engine in the tests: hadolint reads the file, and its instructions are held against the
repository.
"""

import re
import subprocess
from pathlib import Path

import pytest
from tests.deploy.programs import linter

ROOT = Path(__file__).resolve().parents[2]
FILE = ROOT / "deploy" / "Containerfile"
HOST = re.compile(r"\b[\w-]+(\.[\w-]+)*\.(com|io|org|net|dev)\b|://|index-url|find-links")


def instructions(text: str) -> list[tuple[str, str]]:
    """Instructions and their arguments, continued lines joined, comments out."""
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    joined = re.sub(r"\s*\\\n\s*", " ", "\n".join(lines))
    return [
        (word.upper(), rest.strip()) for word, _, rest in (line.partition(" ") for line in joined.splitlines() if line)
    ]


@pytest.fixture(scope="module")
def steps() -> list[tuple[str, str]]:
    return instructions(FILE.read_text(encoding="utf-8"))


def copied(steps: list[tuple[str, str]]) -> list[str]:
    return [source for word, rest in steps if word == "COPY" for source in rest.split()[:-1]]


def test_hadolint_finds_nothing() -> None:
    command = [linter("hadolint"), "--failure-threshold", "style", str(FILE)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_continued_lines_and_comments_are_understood() -> None:
    assert instructions("# x\nRUN a \\\n  # not this\n  && b\nuser 1") == [("RUN", "a && b"), ("USER", "1")]


def test_it_copies_files_of_the_repository_that_the_build_may_send(steps: list[tuple[str, str]]) -> None:
    ignore = FILE.with_suffix(".dockerignore").read_text(encoding="utf-8").split("\n")
    assert "*" in ignore
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split(
        "\n"
    )
    for source in copied(steps):
        name = source.removeprefix("./")
        assert any(file == name or file.startswith(f"{name}/") for file in tracked), name
        assert f"!{name}" in ignore, f"{name}: not sent to the build"
    sent = {line[1:] for line in ignore if line.startswith("!")}
    assert sent == {source.removeprefix("./") for source in copied(steps)}
    assert {"src", "flows", "dvc.yaml", "params.yaml", "requirements.lock", "pyproject.toml"} <= sent


def test_packages_come_from_the_lock_with_their_hashes_by_the_uv_of_the_makefile(steps: list[tuple[str, str]]) -> None:
    runs = [rest for word, rest in steps if word == "RUN"]
    installs = [step for run in runs for step in run.split("&&") if re.search(r"\bpip (install|sync)\b", step)]
    [version] = re.findall(r"^UV_VERSION := (\S+)", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    bootstrap, locked, own = (" ".join(step.split()) for step in installs)
    assert bootstrap == f"pip install --no-cache-dir uv=={version}"
    assert {"--require-hashes", "requirements.lock"} <= set(locked.split())
    assert {"--no-deps", "--editable", "."} <= set(own.split())


def test_it_names_one_base_by_its_short_name_and_no_server(steps: list[tuple[str, str]]) -> None:
    [base] = [rest for word, rest in steps if word == "ARG"]
    assert re.fullmatch(r"BASE=python:3\.1[12]-slim-[a-z]+(@sha256:[0-9a-f]{64})?", base)
    assert [rest for word, rest in steps if word == "FROM"] == ["${BASE}"]
    if "@sha256" not in base:
        assert "named without a digest because" in FILE.read_text(encoding="utf-8")
    assert [rest for word, rest in steps if HOST.search(rest)] == []


def test_it_runs_as_nobody_special_and_hands_signals_on(steps: list[tuple[str, str]]) -> None:
    words = [word for word, _ in steps]
    [user] = [rest for word, rest in steps if word == "USER"]
    assert user == "1000:1000"
    assert words.index("USER") > max(place for place, word in enumerate(words) if word in ("RUN", "COPY"))
    assert ("ENTRYPOINT", '["tini", "-g", "--"]') in steps


def test_an_edit_of_the_code_does_not_install_the_packages_again(steps: list[tuple[str, str]]) -> None:
    place = {rest.split()[0]: number for number, (word, rest) in enumerate(steps) if word == "COPY"}
    [lock] = [number for number, (word, rest) in enumerate(steps) if word == "RUN" and "requirements.lock" in rest]
    assert (
        place["requirements.lock"] < lock < min(number for name, number in place.items() if name != "requirements.lock")
    )
