"""A row and its file find each other however the path was written, and a file never has a licence by mistake."""

import unicodedata
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.ingest.ingesting import PARAMS, write_track

from padstal.core.data.manifest import read_table
from padstal.ingest import rejection
from padstal.ingest.captions_table import read_captions
from padstal.ingest.collect import Folder, collect
from padstal.ingest.file_register import STRICTER
from padstal.ingest.row_match import NOTES, FileNames, Step
from padstal.ingest.worker_pool import Workers

NFC, NFD = "caf\u00e9.wav", "cafe\u0301.wav"


@pytest.mark.parametrize(
    ("row", "file", "step"),
    [
        ("sub/a.wav", "sub/a.wav", Step.WRITTEN),
        ("./sub//a.wav", "sub/a.wav", Step.WRITTEN),
        ("sub\\a.wav", "sub/a.wav", Step.FORM),
        (".\\sub\\a.wav", "sub/a.wav", Step.FORM),
        (NFC, NFD, Step.FORM),
        (NFD, NFC, Step.FORM),
        (" sub / a.wav\t", "sub/a.wav", Step.FORM),
        ("a.wav", "a.wav ", Step.FORM),
        ("\u00a0a.wav", "a.wav", Step.FORM),
        ("sub/a\u00a0\u202fb.wav", "sub/a b.wav", Step.FORM),
        ("a  b.wav", "a b.wav", Step.FORM),
        ("a\u200bb\u00ad.wav\u2060", "ab.wav", Step.FORM),
        ("sub\\\\a%20b.wav", "sub/a b.wav", Step.FORM),
        ("cafe%CC%81.wav", NFC, Step.FORM),
        ('"a.wav"', "a.wav", Step.FORM),
        ("CAF%C3%89.wav", NFC, Step.CASE),
        ("Sub/A.WAV", "sub/a.wav", Step.CASE),
        ("STRASSE.wav", "stra\u00dfe.wav", Step.CASE),
        ("/data/music/sub/a.wav", "sub/a.wav", Step.END),
        ("C:\\Music\\sub\\a.wav", "sub/a.wav", Step.END),
        ("c:a.wav", "a.wav", Step.END),
        ("\\\\server\\share\\sub\\a.wav", "sub/a.wav", Step.END),
        ("https://host.test/music/sub/a%20b.wav?x=1#y", "sub/a b.wav", Step.END),
        ("s3://bucket/prefix/sub/a.wav", "sub/a.wav", Step.END),
        ("file:///C:/music/a.wav", "a.wav", Step.END),
        ("file:/music/a.wav", "a.wav", Step.END),
        ("FILE://localhost/music/a.wav", "a.wav", Step.END),
        ('"C:\\Music\\a.wav"', "a.wav", Step.END),
        ("music/sub/a.wav", "sub/a.wav", Step.END),
        ("a.wav", "album/disc 1/a.wav", Step.END),
        ("D:\\MUSIC\\CAF\u00c9.WAV", NFD, Step.END),
    ],
)
def test_a_file_is_found_by_what_other_systems_write(row, file, step):
    found = FileNames([file, "other/b.wav"]).find(row)
    assert (found.files, found.step) == ((file,), step)


@pytest.mark.parametrize(
    ("row", "files"),
    [
        ("a.wav", ["one/a.wav", "two/a.wav"]),
        ("/x/sub/a.wav", ["a.wav", "sub/a.wav"]),
        ("A.WAV", ["a.wav", "a.Wav"]),
        (" caf\u00e9.wav", [NFC, NFD]),
    ],
)
def test_where_two_files_fit_none_is_chosen(row, files):
    assert sorted(FileNames(files).find(row).files) == sorted(files)


@pytest.mark.parametrize(
    "row", ["../a.wav", "/x/../a.wav", "sub/../../a.wav", "%2e%2e/a.wav", "a.wav\0", "\u202ea.wav", "", ".", "/"]
)
def test_what_leaves_the_folder_or_names_nothing_finds_nothing(row):
    found = FileNames(["a.wav", "sub/a.wav"]).find(row)
    assert (found.files, found.relative) == ((), False)


def test_the_name_as_written_wins_over_one_that_looks_alike():
    names = FileNames([NFC, NFD, "a.wav", "A.wav", "sub/a.wav"])
    assert names.find(NFD).files == (NFD,)
    assert names.find("A.wav").files == ("A.wav",)
    assert names.find("/m/x/A.wav").files == ("A.wav",)
    assert names.find("b/a.wav").files == ("a.wav",)


@pytest.mark.parametrize(
    ("row", "files"),
    [
        ("free/c.wav", ["free"]),
        (".\\Free\\in\\c.wav", ["free"]),
        ("x/.c.wav", ["x/.c.wav"]),
        (".C.WAV", ["x/.c.wav"]),
        ("free", ["free"]),
        ("freed/c.wav", ["c.wav"]),
        ("x/c.wav", ["c.wav"]),
        ("/data/m/free/c.wav", ["c.wav", "free"]),
        ("s3://b/free/d.wav", ["free"]),
    ],
)
def test_a_row_below_what_is_passed_over_names_that(row, files):
    assert sorted(FileNames(["c.wav"], ["free", "x/.c.wav"]).find(row).files) == files


@pytest.mark.parametrize("row", ["free/c.wav", "FREE\\c.wav", ".old/c.wav", ".d.wav"])
def test_a_row_for_what_is_passed_over_neither_lends_its_licence_nor_costs_others_theirs(tmp_path, row):
    music = tmp_path / "music"
    for seed, path in enumerate((music / "c.wav", music / "d.wav", music / ".d.wav", music / ".old" / "c.wav")):
        write_track(path, seed, 0.7)
    write_track(tmp_path / "elsewhere" / "c.wav", 9, 0.7)
    (music / "free").symlink_to(tmp_path / "elsewhere")
    (music / "c.csv").write_text(f"path,licence\n{row},{SOURCE}\n")
    _, manifest, quarantine = _collected(tmp_path, Folder("m", music, "c.csv", BY))
    assert manifest.groupby("path")["licence"].first().to_dict() == {"c.wav": BY, "d.wav": BY}
    assert set(quarantine["reason"]) == {rejection.HIDDEN, rejection.LINKED_FOLDER}


@given(st.text(max_size=30), st.lists(st.text(min_size=1, max_size=12), max_size=4))
def test_only_names_of_files_are_ever_found(row, files):
    assert set(FileNames(files).find(row).files) <= set(files)


@dataclass(frozen=True)
class Case:
    """A table beside files: which licence each file must have in the manifest, "" for a file that must be refused."""

    name: str
    rows: str
    licences: dict[str, str]
    reasons: tuple[str, ...] = ()
    noted: tuple[str, ...] = field(default_factory=tuple)


NC, BY, SOURCE = "CC-BY-NC-4.0", "CC-BY-4.0", "CC0-1.0"
CASES = [
    Case("windows", f"sub\\a.wav,{NC}\n", {"sub/a.wav": "", "b.wav": SOURCE}),
    Case("windows_allowed", f"sub\\a.wav,{BY}\n", {"sub/a.wav": BY, "b.wav": SOURCE}),
    Case("composed", f"{NFC},{NC}\n", {NFD: "", "b.wav": SOURCE}),
    Case("blanks", f'" a.wav ",{NC}\n', {"a.wav": ""}),
    Case("case", f"A.WAV,{BY}\n", {"a.wav": BY}, noted=("a.wav",)),
    Case("absolute", f"/data/m/a.wav,{BY}\n", {"a.wav": BY}, noted=("a.wav",)),
    Case("address", f"https://h.test/m/a.wav,{NC}\n", {"a.wav": ""}),
    Case("prefix", f"music/a.wav,{NC}\n", {"a.wav": ""}),
    Case("typing_error", f"aa.wav,{NC}\nb.wav,{BY}\n", {"a.wav": "", "b.wav": BY}, ("row_missing",)),
    Case("homoglyph", f"\u0430.wav,{NC}\n", {"a.wav": ""}, ("row_missing",)),
    Case("two_fit", f"a.wav,{NC}\n", {"x/a.wav": "", "y/a.wav": "", "b.wav": SOURCE}, ("row_ambiguous",)),
    Case("two_rows", f"/m/a.wav,{BY}\n/n/a.wav,{NC}\n", {"a.wav": ""}, ("row_ambiguous",) * 2),
    Case("own_row", f"a.wav,{BY}\nold/a.wav,{NC}\n", {"a.wav": BY, "b.wav": ""}, ("row_missing",)),
    Case("other_case_disagrees", f"a.wav,{BY}\nA.WAV,{NC}\n", {"a.wav": ""}, ("row_repeated",)),
    Case("same_licence", f"a.wav,{BY}\n./a.wav,CC BY 4.0\n", {"a.wav": BY}, ("row_repeated",)),
    Case("twin", f"a.wav,{BY}\n", {"a.wav": BY, "A.wav": "", "b.wav": SOURCE}),
    Case("escaped_twin", f"a%20b.wav,{BY}\n", {"a%20b.wav": BY, "a b.wav": "", "b.wav": SOURCE}),
    Case("dotted_capital", f"\u0130.wav,{NC}\n", {"i.wav": "", "b.wav": ""}, ("row_missing",)),
    Case("partial", f"a.wav,{BY}\n", {"a.wav": BY, "b.wav": SOURCE}),
    Case("outside", f"../a.wav,{NC}\nb.wav,{BY}\n", {"a.wav": "", "b.wav": BY}, ("row_outside",)),
    Case("broken", f'"a.wav,{NC}\nb.wav,{BY}\n', {"a.wav": "", "b.wav": BY}, ("row_malformed",)),
    Case("empty_licence", "a.wav,\n", {"a.wav": SOURCE}),
    Case("denied", "a.wav,None\n", {"a.wav": ""}),
]


def _collected(tmp_path: Path, *folders: Folder, **changes):
    tables = []
    out = tmp_path / "out"
    out.mkdir()
    params = PARAMS.model_copy(update=changes)
    counted = collect(folders, out=out, store=tmp_path / "store", params=params, workers=Workers(1))
    for name in ("manifest", "quarantine"):
        tables.append(read_table(out / f"{name}.parquet"))
    return counted, *tables


@pytest.mark.parametrize("unknown", ["refuse", "allow"])
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_no_file_has_the_sources_licence_against_its_row(tmp_path, case, unknown):
    music = tmp_path / "music"
    for seed, name in enumerate(case.licences):
        write_track(music / name, seed, 0.7)
    (music / "c.csv").write_text("path,licence\n" + case.rows)
    policy = PARAMS.licences.model_copy(update={"unknown": unknown})
    _, manifest, quarantine = _collected(tmp_path, Folder("m", music, "c.csv", SOURCE), licences=policy)
    kept = manifest.groupby("path").first()
    denied = {"a.wav": "unknown"} if case.name == "denied" and unknown == "allow" else {}
    assert kept["licence"].to_dict() == {path: name for path, name in case.licences.items() if name} | denied
    assert tuple(path for path, said in kept["repairs"].items() if said) == case.noted
    rows = quarantine["reason"].isin(rejection.ROW_REASONS)
    assert tuple(quarantine.loc[rows, "reason"]) == case.reasons
    assert set(quarantine.loc[~rows, "reason"]) <= {rejection.LICENCE}
    assert len(quarantine) == len(case.reasons) + len(case.licences) - len(kept)


def test_a_difference_that_cannot_be_seen_is_shown(tmp_path):
    (tmp_path / "c.csv").write_text(f"path,licence\n\u0430.wav,{NC}\nb.wav,{NC}\n{NFC[:-4]}.flac,{NC}\n")
    table = read_captions(tmp_path / "c.csv", ["a.wav", "b.wav", unicodedata.normalize("NFD", "caf\u00e9.wav")])
    assert "row 1, '\\u0430.wav'" in table.no_licence("a.wav")
    assert "row 3, 'caf\\xe9.flac'" in " ".join(why for _, _, why in table.refused)
    assert "'cafe\\u0301.wav'" in table.no_licence(NFD)


def test_notes_say_how_a_row_was_found(tmp_path):
    write_track(tmp_path / "m" / "a.wav", 1)
    (tmp_path / "m" / "c.csv").write_text(f"path,caption,licence\nC:\\x\\a.wav,slow,{BY}\n")
    counted, manifest, _ = _collected(tmp_path, Folder("m", tmp_path / "m", "c.csv", ""))
    assert set(manifest["repairs"]) == {NOTES[Step.END]}
    assert set(manifest["caption"]) == {"slow"}
    assert counted.repairs == {NOTES[Step.END]: 1}


@pytest.mark.parametrize(
    ("one", "other", "kept"),
    [(SOURCE, BY, BY), (BY, SOURCE, BY), (SOURCE, NC, ""), (SOURCE, "ask me first", ""), (SOURCE, "", SOURCE)],
)
def test_of_two_licences_of_the_same_bytes_the_stricter_holds_and_it_is_said(tmp_path, one, other, kept):
    for name in ("a", "b"):
        write_track(tmp_path / name / f"{name}.wav", 1)
    folders = [Folder("a", tmp_path / "a", None, one), Folder("b", tmp_path / "b", None, other)]
    counted, manifest, quarantine = _collected(tmp_path, *folders)
    assert set(manifest["licence"]) == ({kept} if kept else set())
    assert counted.files == 2
    if kept and other:
        assert set(manifest["repairs"]) == {"" if one == kept else STRICTER}
        assert (f"stricter licence {kept}" in quarantine["detail"].item()) == (other != kept)
    if not kept:
        assert set(quarantine["reason"]) == {rejection.LICENCE}
        assert "same bytes as b: b.wav, which is refused" in " ".join(quarantine["detail"])


@pytest.mark.parametrize(
    ("bytes_of", "row", "licences"),
    [
        ({NFC: 1, NFD: 1, "b.wav": 2}, f"{NFC},{BY}", {NFD: BY, "b.wav": SOURCE}),
        ({NFC: 1, NFD: 1, "b.wav": 2}, f"{NFD},{BY}", {NFD: BY, "b.wav": SOURCE}),
        ({"ab.wav": 1, "Ab.wav": 1, "AB.wav": 1}, f"ab.wav,{BY}", {"AB.wav": BY}),
        ({"ab.wav": 1, "Ab.wav": 1, "AB.wav": 2}, f"ab.wav,{BY}", {"Ab.wav": BY}),
        ({"a.wav": 1, "A.wav": 2, "b.wav": 2}, f"a.wav,{BY}", {"a.wav": BY}),
        ({"a.wav": 1, "A.wav": 1, "b.wav": 1}, f"a.wav,{BY}", {"A.wav": BY}),
        ({"a.wav": 1, "A.wav": 1, "b.wav": 2}, f"a.wav,{NC}", {"b.wav": SOURCE}),
        ({"ab.wav": 1, "Ab.wav": 2, "AB.wav": 1}, f"ab.wav,{BY}\nAb.wav,{BY}", {"Ab.wav": BY}),
    ],
)
def test_a_row_speaks_of_twins_with_the_same_bytes_and_of_no_others(tmp_path, bytes_of, row, licences):
    for name, seed in bytes_of.items():
        write_track(tmp_path / "m" / name, seed, 0.7)
    (tmp_path / "m" / "c.csv").write_text(f"path,licence\n{row}\n")
    _, manifest, _ = _collected(tmp_path, Folder("m", tmp_path / "m", "c.csv", SOURCE))
    assert manifest.groupby("path")["licence"].first().to_dict() == licences


@pytest.mark.parametrize("denied", ["None", "unknown", "N/A", "-", NC])
def test_of_copies_none_stays_where_the_row_of_one_denies_it(tmp_path, denied):
    for name in ("a.wav", "b.wav"):
        write_track(tmp_path / "m" / name, 1)
    (tmp_path / "m" / "c.csv").write_text(f"path,licence\na.wav,{BY}\nb.wav,{denied}\n")
    _, manifest, quarantine = _collected(tmp_path, Folder("m", tmp_path / "m", "c.csv", SOURCE))
    assert manifest.empty
    assert set(quarantine["reason"]) == {rejection.LICENCE}


def test_a_copy_whose_row_cannot_be_read_forbids_the_other(tmp_path):
    for name in ("a.wav", "b.wav"):
        write_track(tmp_path / "m" / name, 1)
    (tmp_path / "m" / "c.csv").write_text(f"path,licence\na.wav,{BY}\nb.wav,{BY},{NC}\n")
    _, manifest, _ = _collected(tmp_path, Folder("m", tmp_path / "m", "c.csv", SOURCE))
    assert manifest.empty


def test_a_table_that_is_a_link_is_refused_unread(tmp_path):
    write_track(tmp_path / "m" / "a.wav", 1)
    (tmp_path / "secret.csv").write_text("token,42\n")
    (tmp_path / "m" / "c.csv").symlink_to(tmp_path / "secret.csv")
    with pytest.raises(ValueError, match="is a link: expected a regular file") as error:
        _collected(tmp_path, Folder("m", tmp_path / "m", "c.csv", SOURCE))
    assert "42" not in str(error.value)
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "d.csv").write_text("token,42\n")
    (tmp_path / "m" / "sub").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ValueError, match="sub is a link"):
        collect(
            [Folder("m", tmp_path / "m", "sub/d.csv", SOURCE)],
            out=tmp_path / "out",
            store=tmp_path / "store",
            params=PARAMS,
            workers=Workers(1),
        )


def test_a_file_with_another_sha256_than_its_row_says_is_refused(tmp_path):
    import hashlib

    for seed, name in enumerate(("a.wav", "b.wav")):
        write_track(tmp_path / "m" / name, seed)
    digest = hashlib.sha256((tmp_path / "m" / "a.wav").read_bytes()).hexdigest()
    (tmp_path / "m" / "c.csv").write_text(f"path,sha256\na.wav,{digest.upper()}\nb.wav,{digest}\n")
    _, manifest, quarantine = _collected(tmp_path, Folder("m", tmp_path / "m", "c.csv", SOURCE))
    assert set(manifest["path"]) == {"a.wav"}
    assert dict(zip(quarantine["path"], quarantine["reason"], strict=True)) == {"b.wav": rejection.CHECKSUM}
    assert digest in quarantine["detail"].item()


def test_folders_that_are_passed_over_are_named_in_the_counts_and_an_option_reads_them(tmp_path):
    write_track(tmp_path / "m" / "a.wav", 1)
    write_track(tmp_path / "m" / ".old" / "b.wav", 2)
    write_track(tmp_path / "elsewhere" / "c.wav", 3)
    (tmp_path / "m" / "link").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "m" / "drive").symlink_to(tmp_path / "nowhere")
    folder = Folder("m", tmp_path / "m", None, SOURCE)
    counted, _, quarantine = _collected(tmp_path, folder)
    assert dict(zip(quarantine["path"], quarantine["reason"], strict=True)) == {
        ".old": "hidden",
        "drive": "dead_link",
        "link": "linked_folder",
    }
    metrics = counted.metrics(PARAMS)
    assert (metrics["files"], metrics["rows_without_file"], metrics["files_quarantined"]) == (1, 0, 0)
    assert metrics["quarantined"] == {"hidden": 1, "dead_link": 1, "linked_folder": 1}
    (tmp_path / "out").rename(tmp_path / "first")
    counted, manifest, _ = _collected(tmp_path, replace(folder, linked_folders=True, hidden=True))
    assert set(manifest["path"]) == {"a.wav", ".old/b.wav", "link/c.wav"}
