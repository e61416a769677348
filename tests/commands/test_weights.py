"""`padstal weights`: from nothing there to fetched by hand, pinned in params.yaml and verified."""

import json
import shutil
from difflib import unified_diff
from pathlib import Path

import pytest
from tests.contracts.repository import ROOT
from tests.foundation.tiny_stable_audio import COND, random_tensors, write_original
from typer.testing import CliRunner

from padstal.cli import app
from padstal.core.data.content import sha256_file
from padstal.foundation.fetch import fetch
from padstal.stages.params import load_tree

COMMIT = "0123456789abcdef" * 2 + "01234567"


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository of params alone, and what a team fetched by hand."""
    (tmp_path / "params.yaml").write_bytes((ROOT / "params.yaml").read_bytes())
    for name in ("vocab.json", "merges.txt"):
        (tmp_path / "usb" / name).parent.mkdir(exist_ok=True)
        (tmp_path / "usb" / name).write_text(name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def _weights(*words: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["weights", *words, "--scale", "full"])
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exc_info
    return done.exit_code, done.output


def _pin(*words: str, source: str = "usb") -> tuple[int, str]:
    return _weights("pin", "clap.tokenizer", "--from", source, *words)


def test_all_that_params_name_is_listed(root: Path) -> None:
    status, said = _weights("list")
    assert status == 0
    for name in ("clap", "clap.tokenizer", "pmos", "text_encoder", "flan_t5", "mel_codec", "dac", "caption.merge"):
        assert f"\n{name}: " in f"\n{said}"
    assert "clap: LAION's CLAP\n" in said
    assert "  merges.txt: sha256 unverified, not there\n" in said


def test_what_cannot_be_fetched_says_where_to_put_it(root: Path) -> None:
    status, said = _weights("fetch", "clap", "dac")
    assert status == 1
    assert "expected a commit" in said
    assert "put it at checkpoints/lukewys/laion_clap/music_audioset_epoch_15_esc_90.14.pt" in said
    assert "put it at checkpoints/dac/weights.pth" in said


def test_a_pin_is_written_into_params_and_prepare_takes_the_files(root: Path) -> None:
    before = (root / "params.yaml").read_text()
    status, said = _pin("--licence", "cc by 4.0", "--revision", COMMIT)
    assert status == 0, said
    after = (root / "params.yaml").read_text()
    files = load_tree(root / "params.yaml").scales.full.prepare.clap.tokenizer
    assert (files.licence, files.revision) == ("CC-BY-4.0", COMMIT)
    assert files.sha256["merges.txt"] == sha256_file(root / "usb" / "merges.txt")
    changed = [line.strip()[0] for line in unified_diff(before.splitlines(), after.splitlines(), n=0)][2:]
    assert changed == ["@", "-", "-", "+", "+", "+"], "revision and sha256, and a line for the licence"
    assert fetch(files, root / "prepared")["vocab.json"].read_text() == "vocab.json"
    assert _weights("verify", "clap.tokenizer") == (
        0,
        "clap.tokenizer: checkpoints/FacebookAI/roberta-base/vocab.json: verified\n"
        "clap.tokenizer: checkpoints/FacebookAI/roberta-base/merges.txt: verified\n",
    )
    assert _weights("fetch", "clap.tokenizer")[0] == 0, "nothing is fetched that is there"


def test_what_is_missing_comes_from_the_pinned_revision_and_is_checked(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import huggingface_hub

    def download(repository: str, name: str, *, revision: str, local_dir: Path) -> None:
        assert (repository, revision) == ("FacebookAI/roberta-base", COMMIT)
        local_dir.mkdir(parents=True, exist_ok=True)
        (local_dir / name).write_text("vocab.json")  # the other file is not what was pinned

    monkeypatch.setattr(huggingface_hub, "hf_hub_download", download)
    assert _pin("--licence", "MIT", "--revision", COMMIT)[0] == 0
    shutil.rmtree(root / "checkpoints")
    status, said = _weights("fetch", "clap.tokenizer")
    assert status == 1
    assert "vocab.json: verified\n" in said
    assert f"merges.txt: another file, expected {sha256_file(root / 'usb' / 'merges.txt')}\n" in said


def test_a_file_that_changed_after_it_was_pinned_is_found(root: Path) -> None:
    assert _pin("--licence", "MIT")[0] == 0
    (root / "checkpoints/FacebookAI/roberta-base/vocab.json").write_text("tampered")
    for command in ("verify", "fetch"):
        status, said = _weights(command, "clap.tokenizer")
        assert status == 1
        assert f"vocab.json: another file, expected {sha256_file(root / 'usb/vocab.json')}" in said


@pytest.mark.slow
def test_another_hash_stands_only_with_replace(root: Path) -> None:
    assert _pin("--licence", "MIT")[0] == 0
    pinned = (root / "params.yaml").read_bytes()
    (root / "usb" / "vocab.json").write_text("another")
    status, said = _pin()
    assert status == 1
    assert "vocab.json is" in said
    assert "--replace" in said
    assert (root / "params.yaml").read_bytes() == pinned
    assert (root / "checkpoints/FacebookAI/roberta-base/vocab.json").read_text() == "vocab.json"
    assert _pin("--replace")[0] == 0, "the licence stands there"
    assert sha256_file(root / "usb" / "vocab.json") in (root / "params.yaml").read_text()


@pytest.mark.parametrize(
    ("words", "source", "said"),
    [
        (["--licence", "MIT"], "nowhere", "vocab.json, merges.txt not found"),
        ([], "usb", "expected --licence"),
        (["--licence", "MIT", "--revision", "main"], "usb", "expected a commit of 40"),
    ],
)
def test_a_pin_that_says_too_little_is_refused(root: Path, words: list[str], source: str, said: str) -> None:
    status, output = _pin(*words, source=source)
    assert status == 1
    assert said in output
    assert (root / "params.yaml").read_bytes() == (ROOT / "params.yaml").read_bytes()


def test_a_strange_name_lists_the_known(root: Path) -> None:
    status, said = _weights("verify", "clip")
    assert status == 1
    assert "no weights named clip: expected one of clap, clap.tokenizer" in said


@pytest.fixture
def converted(root: Path) -> Path:
    """Of a tiny Stable Audio Open in its own form, pinned."""
    write_original(root / "sao", random_tensors())
    assert _weights("convert", "stable_audio_open")[0] == 1, "nothing is pinned"
    assert _weights("pin", "stable_audio_open", "--from", "sao")[0] == 0
    status, said = _weights("convert", "stable_audio_open")
    assert status == 0, said
    assert "models/published/stable_audio_open/dit: init_from of train_diffusion@audio_dit" in said
    return root / "models" / "published" / "stable_audio_open"


def test_a_pinned_stable_audio_open_becomes_folders_to_begin_from(converted: Path) -> None:
    from padstal.codecs.any_codec import load as load_codec
    from padstal.diffusion.checkpoint import load as load_denoiser

    trained = load_denoiser(converted / "dit", "cpu")
    assert load_codec(converted / "vae", "cpu").latent_shape(128) == trained.config.latents.shape
    assert trained.config.latents.fingerprint == sha256_file(converted / "vae" / "model.safetensors")
    assert trained.config.origin == "stabilityai/stable-audio-open-1.0@unverified"
    assert _weights("convert", "dac")[1].startswith("padstal: dac: the stage prepare converts it")


@pytest.mark.slow  # transformers takes seconds to import
def test_what_was_trained_goes_out_with_a_card(converted: Path, root: Path) -> None:
    from transformers import T5Config, T5EncoderModel

    from padstal.foundation import store, text_encoder

    models = root / "models" / "full"
    folder = models / "foundation" / "text_encoder"
    folder.mkdir(parents=True)
    t5 = T5EncoderModel(T5Config(vocab_size=384, d_model=COND, d_kv=8, d_ff=8, num_layers=1, num_heads=2))
    store.save(folder, t5, text_encoder.config_of(t5, text_encoder.BYTES, len(text_encoder.byte_tokenizer()), 16))
    assert _weights("convert", "stable_audio_open")[0] == 0, "now it is known which texts it is told"
    shutil.copytree(converted / "vae", models / "vae" / "audio")
    shutil.copytree(converted / "dit", models / "diffusion" / "audio_dit")
    status, said = _weights("export", "audio_dit", "--to", "out")
    assert status == 0, said
    assert "out: a StableAudioPipeline of diffusers\n" in said
    assert json.loads((root / "out" / "model_index.json").read_text())["vae"] == ["diffusers", "AutoencoderOobleck"]
    assert "`audio_end_in_s`" in (root / "out" / "README.md").read_text()
    for words, said in (
        (["audio_dit", "--to", "out"], "--to out: is there already"),
        (["dit", "--to", "new"], "no denoiser dit: expected one of audio_dit"),
    ):
        status, output = _weights("export", *words)
        assert status == 1
        assert said in output
