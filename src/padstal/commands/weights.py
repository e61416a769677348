"""`padstal weights …`: the published files that params name, pinned, fetched, checked; Stable Audio Open in and out."""

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from padstal.commands.project import params_of
from padstal.core.data.atomic import atomic_file, atomic_folder
from padstal.core.model_folder import WEIGHTS, fingerprint
from padstal.core.paths import Paths
from padstal.core.yaml_edit import with_values
from padstal.foundation.fetch import UNVERIFIED, FetchError, download
from padstal.foundation.pins import NamedFiles, named_files, pins_of
from padstal.rights.licence import normalise
from padstal.stages.params import load_tree

if TYPE_CHECKING:
    from padstal.diffusion.checkpoint import DenoiserConfig


def show(root: Path, scale: str | None) -> int:
    """List all published files of a scale: what for, whence, pinned or not, there or not."""
    paths, every = _named(root, scale)
    for name, named in every.items():
        files = named.files
        print(
            f"{name}: {named.what}\n  {files.repository} at {files.revision}, licence: {files.licence or 'not stated'}"
        )
        for file, sha256 in files.sha256.items():
            there = "there" if (files.folder / file).is_file() else "not there"
            print(f"  {file}: sha256 {sha256}, {there}")
    if not every:
        print(f"scale {paths.scale}: names no published weights")
    return 0


def fetch(root: Path, scale: str | None, names: Sequence[str]) -> int:
    """Bring what is not there yet from the hub to where `prepare` looks for it; 1 if something could not be had."""
    failed = False
    for name, named in _named(root, scale, names)[1].items():
        for file in named.files.sha256:
            if named.state(file) == "missing":
                try:
                    download(named.files, file, named.files.folder)
                except FetchError as error:
                    print(f"{name}: {error}")
                    failed = True
                    continue
            failed |= not _say_state(name, named, file, pinned_only=False)
    return int(failed)


def verify(root: Path, scale: str | None, names: Sequence[str]) -> int:
    """Hold files against their pins; 1 unless all are there and what was pinned."""
    _, chosen = _named(root, scale, names)
    good = [_say_state(name, one, file) for name, one in chosen.items() for file in one.files.sha256]
    return int(not all(good))


def pin(
    root: Path, scale: str | None, name: str, *, folder: Path | None, revision: str, licence: str, replace: bool
) -> int:
    """Record sha256, revision and licence of fetched files in params.yaml; from another folder they are copied."""
    paths, every = _named(root, scale, [name])
    named = every[name]
    own, licence = named.files.folder, normalise(licence) if licence else ""
    folder = folder or own
    changes = pins_of(named, folder, revision=revision, licence=licence, replace=replace)
    if folder.resolve() != own.resolve():
        for file in named.files.sha256:
            (own / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(folder / file, own / file)
    text = with_values(paths.params.read_text(encoding="utf-8"), changes)
    with atomic_file(paths.params) as temporary:
        temporary.write_text(text, encoding="utf-8")
        load_tree(temporary)
    for path, value in changes.items():
        print(f"{'.'.join(path)}: {value}")
    print(f"{name}: {len(changes)} values of {paths.params.name} changed; commit it")
    return 0


def convert(root: Path, scale: str | None, name: str, to: Path | None) -> int:
    """Make a codec and a denoiser of pinned files of Stable Audio Open, for `init_from`."""
    from padstal.systems.stable_audio import NAME, convert

    paths, every = _named(root, scale, [name])
    if name != NAME:
        raise ValueError(f"{name}: the stage prepare converts it; expected {NAME}")
    if to and to.exists():
        raise ValueError(f"--to {to}: is there already; expected a new folder")
    if verify(root, scale, [name]):
        return 1
    files = every[name].files
    text_encoder = paths.foundation("text_encoder")
    known = (text_encoder / WEIGHTS).is_file()
    read_by = fingerprint(text_encoder) if known else "of no text encoder"
    folder = to or paths.published / NAME
    with atomic_folder(folder) as temporary:
        convert(files.folder, temporary, origin=files.origin, text_fingerprint=read_by)
    print(f"{folder / 'vae'}: init_from of train_vae@audio and train_vae@tal")
    print(f"{folder / 'dit'}: init_from of train_diffusion@audio_dit and train_diffusion@tal_dit")
    if not known:
        print(f"no text encoder in {text_encoder}: convert again after prepare@text_encoder to sample from it as it is")
    return 0


def export(root: Path, scale: str | None, name: str, to: Path) -> int:
    """Write a denoiser with its codec and text encoder as diffusers loads them, with a card."""
    from padstal.diffusion.checkpoint import check_belongs, load
    from padstal.foundation.text_encoder import load as load_text_encoder
    from padstal.systems.stable_audio import export

    paths, tree = params_of(root, scale)
    denoisers = tree.denoisers
    if name not in denoisers:
        raise ValueError(f"no denoiser {name}: expected one of {', '.join(denoisers)}")
    if to.exists():
        raise ValueError(f"--to {to}: is there already; expected a new folder")
    place = denoisers[name]
    codec, text_encoder = paths.vae(place.codec), paths.foundation(place.text)
    trained = load(paths.diffusion(place.folder), "cpu")
    check_belongs(trained.config, codec_folder=codec, text_encoder_folder=text_encoder)
    with atomic_folder(to) as temporary:
        left_out = export(temporary, trained, codec, load_text_encoder(text_encoder, "cpu"))
        card = paths.model_cards / f"{name}.md"
        about = [_usage(trained.config, left_out), *([card.read_text(encoding="utf-8")] if card.is_file() else [])]
        (temporary / "README.md").write_text("\n".join(about), encoding="utf-8")
    print(f"{to}: {'StableAudioDiTModel and its conditioner' if left_out else 'a StableAudioPipeline'} of diffusers")
    if left_out:
        print(f"without the autoencoder: {left_out}")
    return 0


def _usage(config: "DenoiserConfig", left_out: str) -> str:
    """The card's first part: what it is for diffusers."""
    seconds = config.latents.samples / config.latents.sample_rate
    load = (
        f"No autoencoder is with it ({left_out}): load `transformer/` as `StableAudioDiTModel`, `projection_model/` as "
        "`StableAudioProjectionModel`."
        if left_out
        else f"Load the folder as `StableAudioPipeline`; audio ends at {seconds:g} s (`audio_end_in_s`). Latents are "
        "standardised, which encoder and decoder know; posterior deviations are those of latents that are not."
    )
    return f"# {config.name} for diffusers\n\nIt was {config.origin}. {load} Durations are whole seconds.\n"


def _say_state(name: str, named: NamedFiles, file: str, *, pinned_only: bool = True) -> bool:
    state = named.state(file)
    more = {"another file": f", expected {named.files.sha256[file]}", "unverified": f": `padstal weights pin {name}`"}
    print(f"{name}: {named.files.folder / file}: {state}{more.get(state, '')}")
    return state == "verified" or (state == UNVERIFIED and not pinned_only)


def _named(root: Path, scale: str | None, names: Sequence[str] = ()) -> tuple[Paths, dict[str, NamedFiles]]:
    """All published files of a scale, or those that are asked for, by the role and what of it is no weights."""
    paths, tree = params_of(root, scale)
    found = named_files(tree.scales[paths.scale], ("scales", paths.scale))
    every = {".".join(part for part in one.path[2:] if part not in ("prepare", "weights")): one for one in found}
    strange = [name for name in names if name not in every]
    if strange:
        known = f"expected one of {', '.join(every)}" if every else "this scale trains all of its own; try --scale full"
        raise ValueError(f"no weights named {', '.join(strange)}: {known}")
    return paths, {name: every[name] for name in names or every}
