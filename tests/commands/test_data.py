"""`padstal data` in the terminal: reads at any stage, filters, escapes, writes only where asked to."""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml
from tests.reporting.half import HOSTILE_PATH, captioned, curated, ingested, scored
from typer.testing import CliRunner, Result

from padstal.cli import app
from padstal.commands.data import choose, sources
from padstal.core.data.atomic import write_json
from padstal.core.params import read_yaml
from padstal.core.paths import Paths
from padstal.reporting.catalogue import KEPT, QUARANTINED, read_catalogue

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    made = tmp_path_factory.mktemp("curated")
    curated(made)
    shutil.copy(ROOT / "params.yaml", made)
    return made


@pytest.fixture
def here(root, monkeypatch):
    monkeypatch.chdir(root)
    monkeypatch.setenv("COLUMNS", "160")
    return root


@pytest.fixture(scope="module")
def catalogue(root):
    return read_catalogue(Paths(root, "demo"))


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["data", *arguments])


def lines(*arguments: str) -> list[dict[str, str]]:
    shown = run("list", "--limit", "0", *arguments)
    assert shown.exit_code == 0, shown.output
    head, *rows = (line.split("\t") for line in shown.output.splitlines())
    assert all(len(row) == len(head) for row in rows)
    return [dict(zip(head, row, strict=True)) for row in rows]


def test_the_overview_tells_counts_that_add_up(here, catalogue):
    shown = run()
    assert shown.exit_code == 0, shown.output
    for told in ("Sources", "Splits", "Licences", "Quarantine", "Curation took", "Caption decisions", "Quality levels"):
        assert told in shown.output
    assert "next: `dvc repro validate`" in shown.output
    table = sources(catalogue)
    head, [row] = table.head, table.rows
    counts = dict(zip(head, row, strict=True))
    assert [counts[name] for name in ("files in", "quarantined", "duplicates")] == ["15", "2", "2"]
    assert int(counts["files in"]) == sum(int(counts[n]) for n in ("kept", "quarantined", "duplicates", "filtered"))
    ledger = catalogue.inputs.metrics["curate"]["ledger"]["all_files"]
    assert [int(counts[n]) for n in ("files in", "kept", "quarantined", "duplicates", "filtered")] == [
        ledger[n] for n in ("in", "kept", "quarantined", "duplicates", "filtered")
    ]


@pytest.mark.parametrize("make", [ingested, scored, captioned])
def test_half_a_pipeline_is_shown_as_far_as_it_goes(tmp_path, monkeypatch, make):
    make(tmp_path)
    shutil.copy(ROOT / "params.yaml", tmp_path)
    monkeypatch.chdir(tmp_path)
    for arguments in ((), ("list",), ("show", "0000d100"), ("show", "broken.mp3"), ("show", "03ac0ffee03")):
        shown = run(*arguments)
        assert shown.exit_code == 0, shown.output
    assert "`dvc repro curate` says whether it stays" in run("show", "0000d100").output


def test_figures_of_other_data_that_came_with_git_are_named_and_not_shown(tmp_path, monkeypatch):
    """A fresh clone with the committed demo's metrics, and two files of one's own."""
    paths = ingested(tmp_path)
    monkeypatch.chdir(tmp_path)
    tree = read_yaml(ROOT / "params.yaml")
    ours = tree["scales"]["demo"]["ingest"]
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(tree))
    loss = {"of_tag": {"demo tag": {"of": 9, "lost": 5, "share": 0.5}}, "worst": ["demo tag"]}
    write_json(paths.metrics("curate"), {"genre_loss": loss})
    write_json(paths.sources, {"sources": []})

    def locked(ingest: object, md5: str) -> None:
        params = {"params.yaml": {"scales.demo.ingest": ingest}}
        deps = [{"path": "data/demo/sources.json", "hash": "md5", "md5": md5}]
        entry = {"cmd": "x", "deps": deps, "params": params}
        (tmp_path / "dvc.lock").write_text(yaml.safe_dump({"schema": "2.0", "stages": {"ingest": entry}}))

    md5 = hashlib.md5(paths.sources.read_bytes()).hexdigest()
    locked(ours, md5)
    shown = run().output
    assert "stale:" not in shown
    assert "figures in reports/demo of curate came with git and are of other data" in shown
    assert "demo tag" not in shown
    for ingest, other in (({"sources": [{"kind": "synth"}]}, md5), (ours, "0" * 32)):
        locked(ingest, other)
        assert "stale: ingest tell of other sources" in run().output


def test_a_scale_without_data_says_what_to_run(here):
    shown = run("--scale", "study")
    assert shown.exit_code == 1
    assert "scale study: no data/study/ingest/manifest.parquet; run `dvc repro ingest`" in shown.output
    assert "Traceback" not in shown.output
    assert run("--scale", "study", "list").exit_code == 1


@pytest.mark.parametrize(
    ("option", "asked", "column", "expected"),
    [
        ("--split", "test", "split", {"test"}),
        ("--licence", "cc-by-4.0", "licence", {"CC-BY-4.0"}),
        ("--decision", "fused", "decision", {"fused"}),
        ("--quality", "4", "level", {"4"}),
        ("--quality", "unknown", "level", {"0"}),
        ("--reason", "near duplicate", "reason", {"near_duplicate"}),
        ("--reason", "truncated", "fate", {"quarantined"}),
        ("--artist", "ARTIST3", "artist", {"artist3"}),
        ("--search", "COPY", "path", {"copy.wav"}),
    ],
)
def test_filters_leave_what_they_name(here, option, asked, column, expected):
    rows = lines(option, asked)
    assert {row[column] for row in rows} == expected
    assert 0 < len(rows) < 64


def test_filters_combine_and_all_of_them_leave_everything(here):
    assert len(lines()) == 64
    both = lines("--split", "train", "--decision", "kept")
    assert 0 < len(both) < len(lines("--split", "train"))


def test_sorting_runs_both_ways_and_unknown_values_come_last(catalogue):
    for sort, sign in (("pmos", 1), ("-pmos", -1)):
        scores = choose(catalogue, {}, sort=sort)["pmos"]
        known = scores.dropna().to_numpy()
        assert (np.diff(sign * known) >= 0).all()
        assert scores.iloc[len(known) :].isna().all()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("list", "--split", "holdout"), "--split holdout: no such value; there are test, train, validation"),
        (("list", "--sort", "nonsense"), "--sort nonsense: no such column; there are"),
        (("show", "000"), "'000' could be any of"),
        (("show", "nothing-like-it"), "no clip, track or file of scale demo"),
        (("show", "0000d100", "--open"), "--open opens the page that --page FILE.html writes"),
    ],
)
def test_mistakes_become_one_message(here, arguments, message):
    shown = run(*arguments)
    assert shown.exit_code == 1
    assert message in shown.output
    assert "Traceback" not in shown.output


def test_a_column_that_no_stage_has_told_names_the_stage(tmp_path, monkeypatch):
    ingested(tmp_path)
    shutil.copy(ROOT / "params.yaml", tmp_path)
    monkeypatch.chdir(tmp_path)
    assert "--decision kept: not known yet; `dvc repro caption` tells" in run("list", "--decision", "kept").output
    assert "--sort pmos: not known yet; `dvc repro score` tells" in run("list", "--sort", "pmos").output


@pytest.mark.slow
def test_hostile_texts_stay_text_in_the_terminal(here):
    for shown in (run("list", "--limit", "0"), run("show", HOSTILE_PATH), run("show", "0005d105")):
        assert shown.exit_code == 0, shown.output
        assert "\x1b" not in shown.output
        assert "\u202e" not in shown.output
    assert "[bold]" in run("show", "0005d105").output
    assert "[red].wav" in run("show", HOSTILE_PATH).output


@pytest.mark.slow
def test_a_terminal_without_unicode_is_no_obstacle_and_heavy_imports_are_not_needed(here):
    program = (
        "import sys; from padstal.cli import app\n"
        "for line in ('list', 'show 0000d100', ''):\n"
        "  try: app(['data', *line.split()])\n"
        "  except SystemExit as end: assert not end.code\n"
        "  heavy = {'torch', 'transformers', 'lightning', 'scipy', 'sklearn', 'soxr'} & set(sys.modules)\n"
        "  assert not line or not heavy, heavy"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src"), "PYTHONIOENCODING": "ascii"}
    shown = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True)
    assert shown.returncode == 0, shown.stderr
    assert "next: `dvc repro validate`" in shown.stdout, "the overview came last"
    assert shown.stdout.isascii()


def test_a_terminal_gets_headings_and_a_hint(here, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLORTERM", "truecolor")
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert "3 of 64 shown; --limit 0 shows all" in run("list", "--limit", "3").output
    assert "\x1b[1m" in run("show", "0000d100").output


def test_a_page_is_written_where_asked_and_nothing_else_changes(here, tmp_path):
    before = {file: file.stat().st_mtime_ns for file in here.rglob("*")}
    page = tmp_path / "page.html"
    assert f"page: {page}" in run("show", "0000d100", "--page", str(page)).output
    assert "removed: near duplicate" in page.read_text()
    run()
    run("list")
    assert {file: file.stat().st_mtime_ns for file in here.rglob("*")} == before


@pytest.mark.slow
def test_the_command_takes_little_longer_to_import_than_pandas() -> None:
    """Of processor time and as a ratio, so that a busy machine does not decide."""

    def seconds(modules: str) -> float:
        before = os.times()
        environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
        subprocess.run([sys.executable, "-c", f"import {modules}"], env=environment, check=True)
        after = os.times()
        return after.children_user - before.children_user + after.children_system - before.children_system

    ours, theirs = (
        min(times)
        for times in zip(
            *((seconds("padstal.commands.data"), seconds("pandas, pyarrow.parquet")) for _ in range(5)), strict=True
        )
    )
    assert ours / theirs < 1.7


def test_kept_and_refused_items_are_both_listed(catalogue):
    assert {KEPT, QUARANTINED} <= set(choose(catalogue, {})["fate"])
