"""Stage prepare: a folder that its loader reads, metrics, the same bytes twice, and errors a person can act on."""

import importlib
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from tests.foundation.tiny_lp_music_caps import write_published

from padstal.core.data.content import sha256_file
from padstal.core.paths import Paths
from padstal.core.runtime import RuntimeParams, TrackingParams
from padstal.demo.config import PrepareParams
from padstal.foundation import captioner, pmos
from padstal.stages.harness import Stage, StageError
from padstal.stages.prepare import CODECS, main

FIT = {"steps": 4, "batch": 8, "learning_rate": 1e-3, "seed": 1}
FILES = {"repository": "owner/name", "revision": "unverified", "sha256": {"config.json": "unverified"}}
SECTION = {
    "draw": {"seed": 3, "clip_seconds": 1.024, "sample_rate": 16000, "degraded_share": 0.5, "held_out": 20},
    "clap": {
        "kind": "trained", "clips": 20, "fit": FIT, "embedding": 16, "bands": 32, "image": 64, "patch": 8, "width": 16,
        "depths": [1, 1], "heads": [1, 2], "text_width": 16, "text_layers": 1, "text_heads": 2, "text_length": 120,
    },
    "pmos": {"kind": "trained", "clips": 20, "fit": FIT, "bands": 16, "width": 16, "dropout": 0.1},
    "captioner": {"kind": "composed"},
    "tagger": {"kind": "trained", "clips": 20, "fit": FIT, "bands": 16, "width": 16, "depth": 1, "features": 8},
    "text_encoder": {
        "kind": "trained", "captions": 20, "held_out_captions": 20, "fit": FIT, "width": 16, "layers": 1, "heads": 2,
        "decoder_layers": 1, "max_length": 128,
    },
    "flan_t5": {
        "kind": "trained", "captions": 20, "held_out_captions": 20, "fit": FIT, "width": 32, "layers": 1, "heads": 2,
        "decoder_layers": 1, "max_length": 64,
    },
    "mel_codec": {
        "kind": "trained", "clips": 20, "fit": FIT, "crop_frames": 16, "kl": 0.01, "fft_sizes": [512, 128], "bands": 16,
        "window": 512, "hop": 160, "latent_channels": 2, "width": 8, "depth": 1, "vocoder_window": 640,
        "vocoder_width": 16, "vocoder_depth": 1,
    },
    "dac": {
        "kind": "trained", "clips": 20, "fit": FIT, "target": "pre", "multiple": 4, "width": 16,
        "n_fft": 128, "hop": 32, "depth": 1, "deep_depth": 1, "embedding": 16, "n_codebooks": 2, "codebook_size": 16,
        "codebook_dim": 8, "crop_frames": 64, "continuous": 0.5, "quantizer_dropout": 0.5, "fft_sizes": [512, 128],
        "mel": 15.0, "mrstft": 1.0, "commitment": 0.25, "codebook": 1.0,
    },
}  # fmt: skip

LOADERS = {"flan_t5": "text_encoder"}


def repository(root: Path, section: dict) -> Path:
    root.mkdir(parents=True, exist_ok=True)
    tree = {
        "scale": "demo",
        "runtime": {"device": "cpu", "workers": 1, "threads": 1},
        "tracking": {"mode": "disabled", "project": "padstal", "entity": None},
        "scales": {"demo": {"prepare": section}},
    }
    (root / "params.yaml").write_text(yaml.safe_dump(tree), encoding="utf-8")
    return root


def run(root: Path, role: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-m", "padstal.stages.prepare", role], cwd=root, capture_output=True, text=True, check=False
    )


def outputs(root: Path, role: str) -> dict[str, bytes]:
    files = sorted((root / "models/demo/foundation" / role).rglob("*"))
    files.append(root / f"reports/demo/metrics/prepare_{role}.json")
    return {str(file.relative_to(root)): file.read_bytes() for file in files if file.is_file()}


def prepared(root: Path, item: str, section: dict) -> Path:
    """`main` in this process; the folder that it filled."""
    stage = Stage(
        name="prepare",
        item=item,
        scale="demo",
        params=PrepareParams.model_validate(SECTION | {item: section}),
        paths=Paths(root, "demo"),
        runtime=RuntimeParams(device="cpu", workers=1, threads=1),
        tracking=TrackingParams(mode="disabled", project="padstal", entity=None),
    )
    main(stage)
    return stage.paths.foundation(item)


@pytest.fixture(scope="module")
def one_thread() -> Iterator[None]:
    """As the stage has by its params, so that sums come out alike."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.mark.slow
@pytest.mark.usefixtures("one_thread")
def test_pmos_is_prepared_twice_to_the_same_bytes_and_its_loader_reads_it(tmp_path):
    """By a process of its own, and by this one."""
    done = run(repository(tmp_path / "one", SECTION), "pmos")
    assert done.returncode == 0, done.stderr
    prepared(tmp_path / "two", "pmos", SECTION["pmos"])
    one = outputs(tmp_path / "one", "pmos")
    assert one == outputs(tmp_path / "two", "pmos")
    assert len(one) == 3
    folder = tmp_path / "one/models/demo/foundation/pmos"
    scores = pmos.load(folder, "cpu").score(np.zeros((2, 16_384), np.float32))
    assert scores.shape == (2,)
    assert json.loads((folder / "config.json").read_text())["origin"] == (
        "trained on the composer's draw: 20 clips, seed 3"
    )
    metrics = json.loads((tmp_path / "one/reports/demo/metrics/prepare_pmos.json").read_text())
    assert metrics["held_out_clips"] == 20
    assert metrics["kind"] == "trained"
    assert metrics["steps"] == 4


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of all roles, which share a draw."""
    return tmp_path_factory.mktemp("prepared")


@pytest.mark.slow
@pytest.mark.parametrize("role", ["clap", "tagger", "text_encoder", "flan_t5", "mel_codec", "dac"])
def test_every_other_role_is_prepared_to_a_folder_that_its_loader_reads(root, role):
    prepared(root, role, SECTION[role])
    place = f"vae/{CODECS[role]}" if role in CODECS else f"foundation/{role}"
    loaded = importlib.import_module(f"padstal.foundation.{LOADERS.get(role, role)}").load(
        root / "models/demo" / place, "cpu"
    )
    assert loaded is not None
    assert f"reports/demo/metrics/prepare_{role}.json" in outputs(root, role)


@pytest.mark.slow
def test_the_second_role_renders_nothing_and_is_what_it_would_have_been_alone(tmp_path, monkeypatch):
    prepared(tmp_path / "alone", "tagger", SECTION["tagger"])
    prepared(tmp_path / "second", "pmos", SECTION["pmos"])
    monkeypatch.delattr("padstal.demo.draw_chunk.render")
    prepared(tmp_path / "second", "tagger", SECTION["tagger"])
    assert outputs(tmp_path / "alone", "tagger") == outputs(tmp_path / "second", "tagger")


def test_a_composed_captioner_is_prepared_without_a_model(tmp_path):
    folder = prepared(tmp_path, "captioner", {"kind": "composed"})
    assert [path.name for path in folder.iterdir()] == ["config.json"]
    metrics = json.loads((tmp_path / "reports/demo/metrics/prepare_captioner.json").read_text())
    assert metrics == {"kind": "composed", "role": "captioner", "scale": "demo"}


def test_a_published_captioner_is_prepared_with_its_licence(tmp_path):
    source = tmp_path / "source"
    write_published(source)
    files = {name: sha256_file(source / name) for name in ("transfer.pth", "vocab.json", "merges.txt")}
    pinned = {"repository": str(source), "revision": "local"}
    section = {
        "kind": "pretrained",
        "weights": pinned | {"sha256": {"transfer.pth": files.pop("transfer.pth")}},
        "tokenizer": pinned | {"sha256": files},
        "licence": "CC-BY-NC-4.0",
    }
    folder = prepared(tmp_path, "captioner", section)
    assert captioner.load(folder, tmp_path, "cpu").licence == "CC-BY-NC-4.0"
    metrics = json.loads((tmp_path / "reports/demo/metrics/prepare_captioner.json").read_text())
    assert metrics["licence"] == "CC-BY-NC-4.0"


def test_weights_that_nobody_has_pinned_are_refused_and_nothing_is_left(tmp_path):
    published = {"kind": "pretrained", "weights": FILES, "tokenizer": FILES, "max_length": 128}
    stage = Stage(
        name="prepare",
        item="text_encoder",
        scale="full",
        params=PrepareParams.model_validate(SECTION | {"text_encoder": published}),
        paths=Paths(tmp_path, "full"),
        runtime=RuntimeParams(device="cpu", workers=1, threads=1),
        tracking=TrackingParams(mode="disabled", project="padstal", entity=None),
    )
    with pytest.raises(StageError, match="expected a commit of 40 hexadecimal digits"):
        main(stage)
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_a_sha256_that_is_none_is_an_error_of_params():
    wrong = FILES | {"sha256": {"config.json": "abc"}}
    published = {"kind": "pretrained", "weights": wrong, "tokenizer": FILES, "max_length": 128}
    with pytest.raises(ValueError, match="sha256"):
        PrepareParams.model_validate(SECTION | {"text_encoder": published})
