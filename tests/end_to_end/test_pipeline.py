"""The pipeline from nothing to its report, made tiny: twice the same bytes, nothing twice, on a folder of one's own."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile
import yaml
from tests.end_to_end import planted
from tests.end_to_end.stages_here import stages_here
from tests.end_to_end.tiny import CHANGES, change_params, command, make_copy

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1500)]


@pytest.fixture(scope="module")
def repo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    root = make_copy(tmp_path_factory.mktemp("pipeline") / "repo")
    synth = CHANGES["ingest"]["sources"][0]
    change_params(root, {"ingest": {"sources": [{**synth, "tracks": 30}, folder_source(root.parent)]}})
    record_offline(root)
    command(root, "padstal", "scan")
    with pytest.MonkeyPatch.context() as patch:
        planted.plant(patch, root)
        with stages_here(root) as first:
            (root / "said.log").write_text(command(root, "bash", "-c", "dvc repro 2>&1", first=first))
        yield root
    shutil.rmtree(root.parent)


def record_offline(root: Path) -> None:
    """Runs are recorded by W&B, so that what it writes is searched for secrets, too."""
    tree = yaml.safe_load((root / "params.yaml").read_text())
    tree["tracking"]["mode"] = "offline"
    (root / "params.yaml").write_text(yaml.safe_dump(tree, sort_keys=False))


def run_one_system(root: Path, name: str) -> None:
    """Params name no other system, nor codecs and denoisers that it does not need."""
    tree = yaml.safe_load((root / "params.yaml").read_text())
    system = tree["systems"][name]
    tree["systems"] = {name: system}
    tree["denoisers"] = {system["denoiser"]: tree["denoisers"][system["denoiser"]]}
    tree["codecs"] = [system["codec"]]
    tree["autoencoders"] = {name: tree["autoencoders"][name] for name in tree["codecs"]}
    tree["promote"]["system"] = name
    (root / "params.yaml").write_text(yaml.safe_dump(tree, sort_keys=False))


def lock(root: Path) -> dict[str, object]:
    content: dict[str, object] = yaml.safe_load((root / "dvc.lock").read_text(encoding="utf-8"))
    return content


def changed_stages(root: Path) -> set[str]:
    return set(json.loads(command(root, "dvc", "status", "--json")))


def test_every_stage_writes_its_metrics_and_the_report_is_there(repo: Path) -> None:
    reports = repo / "reports" / "demo"
    evaluated = json.loads((reports / "metrics" / "evaluate.json").read_text())
    kinds = {(row["system"], row["method"]) for row in evaluated["rows"]}
    played = {(system, kind) for system in ("audio_dit", "tal_dit", "discodiff") for kind in ("none", "cads", "pads")}
    assert kinds == played | {("qa_mdt", "none")}
    for row in evaluated["rows"]:
        assert {"clap_f", "vendi", "ibs", "mrecall", "kl", "fd", "pmos", "n", "intervals"} <= set(row)
    assert "matched" in evaluated
    assert evaluated["coarse_to_fine"]["discodiff"]["n"] == 4
    assert "<html" in (reports / "index.html").read_text()
    assert (reports / "summary.md").read_text().startswith("#")


def test_a_folder_is_taken_in_beside_the_composers_tracks(repo: Path) -> None:
    manifest = pd.read_parquet(repo / "data" / "demo" / "ingest" / "manifest.parquet")
    assert set(manifest["source"]) == {"synth", "music"}
    assert manifest["sample_rate"].nunique() > 2
    quarantine = pd.read_parquet(repo / "data" / "demo" / "ingest" / "quarantine.parquet")
    assert "broken.mp3" in set(quarantine["path"])


def test_no_secret_of_the_environment_is_in_anything_that_the_pipeline_left(repo: Path) -> None:
    assert len(list((repo / "wandb").glob("offline-run-*/*.wandb"))) == 8, (
        "two autoencoders, five denoisers, the evaluation"
    )
    command(repo, "padstal", "report")
    command(repo, "padstal", "wandb-report", "--offline")
    assert planted.found(repo) == {}


def test_a_second_repro_has_nothing_to_do(repo: Path) -> None:
    before = lock(repo)
    said = command(repo, "dvc", "repro")
    assert "Running stage" not in said
    assert lock(repo) == before


def test_a_sampling_parameter_reruns_sampling_evaluation_and_report_alone_and_one_of_another_scale_nothing(
    repo: Path,
) -> None:
    params = (repo / "params.yaml").read_text()
    try:
        tree = yaml.safe_load(params)
        tree["scales"]["study"]["train_vae"]["audio"]["training"]["seed"] = 99
        (repo / "params.yaml").write_text(yaml.safe_dump(tree, sort_keys=False))
        change_params(repo, {"sample": {"prompt_seed": 99}})
        assert changed_stages(repo) == {
            "sample@audio_dit",
            "sample@tal_dit",
            "sample@qa_mdt",
            "sample@discodiff",
            "report",
        }
    finally:
        (repo / "params.yaml").write_text(params)


@pytest.mark.long  # a second run from clean; that flow and DVC agree is seen with small stages in tests/flows
def test_the_flow_gives_the_same_bytes_as_dvc_repro(repo: Path, tmp_path: Path) -> None:
    other = make_copy(tmp_path / "flow")
    command(other, "python", "flows/pipeline.py")
    assert lock(other) == lock(repo)
    assert planted.found(other) == {}, "Prefect's database and logs are in there"


def test_generate_repeats_itself(repo: Path, tmp_path: Path) -> None:
    said = ["generate", "jazz, piano, 110 bpm", "--steps", "2", "--seed", "3"]
    command(repo, "padstal", *said, "-n", "1", "--out", str(tmp_path / "one"))
    command(repo, "padstal", *said, "-n", "4", "--out", str(tmp_path / "four"))
    [one] = sorted((tmp_path / "one").glob("*.wav"))
    four = sorted((tmp_path / "four").glob("*.wav"))
    assert len(four) == 4
    assert one.read_bytes() == four[0].read_bytes()


def test_one_system_may_take_the_place_of_four(repo: Path) -> None:
    """Nothing of it is made again; what is made of all systems is."""
    run_one_system(repo, "audio_dit")
    assert changed_stages(repo) == {"evaluate", "report"}
    command(repo, "dvc", "repro")
    evaluated = json.loads((repo / "reports" / "demo" / "metrics" / "evaluate.json").read_text())
    assert {row["system"] for row in evaluated["rows"]} == {"audio_dit"}
    assert {row["method"] for row in evaluated["rows"]} == {"none", "cads", "pads"}
    assert (repo / "reports" / "demo" / "index.html").exists()


@pytest.mark.long  # all stages but those that prepare, once more; a folder beside the composer is in each run
def test_a_folder_takes_the_place_of_the_composer(repo: Path, tmp_path: Path) -> None:
    run_one_system(repo, "audio_dit")
    change_params(repo, {"ingest": {"sources": [folder_source(tmp_path)], "split_seed": 14}})
    change_params(repo, {"curate": {"keep_likelihood": 1.0}})
    command(repo, "padstal", "scan")
    command(repo, "dvc", "repro")
    manifest = pd.read_parquet(repo / "data" / "demo" / "ingest" / "manifest.parquet")
    assert set(manifest["source"]) == {"music"}
    evaluated = json.loads((repo / "reports" / "demo" / "metrics" / "evaluate.json").read_text())
    assert {row["system"] for row in evaluated["rows"]} == {"audio_dit"}
    assert {row["method"] for row in evaluated["rows"]} == {"none", "cads", "pads"}
    assert (repo / "reports" / "demo" / "index.html").exists()


def folder_source(root: Path) -> dict[str, str]:
    """A source of music in a folder of `root`."""
    folder = _write_folder(root / "music")
    return {"kind": "folder", "path": str(folder), "captions": "captions.csv", "licence": "CC-BY-4.0"}


def _write_folder(folder: Path) -> Path:
    """Thirty tones of mixed format, rate, channels and length, with captions, and one file that is no audio."""
    (folder / "sub").mkdir(parents=True)
    rows = ["path,caption,tags,artist"]
    rng = np.random.default_rng(0)
    formats = [("wav", 44100), ("flac", 22050), ("ogg", 48000), ("mp3", 32000), ("wav", 16000)]
    for number in range(30):
        suffix, rate = formats[number % len(formats)]
        seconds = 5 + number % 4 * 2.5
        time = np.arange(int(seconds * rate)) / rate
        pitch = 110.0 * 2 ** (rng.integers(0, 36) / 12)
        pulse = 0.5 + 0.5 * np.sign(np.sin(2 * np.pi * rng.uniform(1, 4) * time))
        tone = 0.2 * np.sin(2 * np.pi * pitch * time) * pulse + 0.02 * rng.standard_normal(len(time))
        audio = np.stack([tone, 0.7 * tone], axis=1) if number % 2 else tone
        name = f"sub/tone {number}.{suffix}"
        soundfile.write(folder / name, audio, rate)
        rows.append(f'"{name}","a pulse, {pitch:.0f} hertz",,artist {number % 12}')
    (folder / "broken.mp3").write_text("<html>not found</html>")
    (folder / "captions.csv").write_text("\n".join(rows) + "\n")
    return folder
