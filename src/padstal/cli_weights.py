"""`padstal weights …`: published weights in and out."""

from pathlib import Path
from typing import Annotated

import typer

from padstal.cli_options import ScaleOption, finish

app = typer.Typer(help="Published weights in and out (docs/weights.md).", no_args_is_help=True, rich_markup_mode="rich")

NamesArgument = Annotated[
    list[str] | None, typer.Argument(metavar="[NAME]...", help="as `weights list` has them; by default all")
]


@app.command("list", epilog="Example: [bold]padstal weights list --scale full[/bold]")
def list_(scale: ScaleOption = None) -> None:
    """List the published weights that params name: what for, whence, pinned or not, there or not, licence."""
    from padstal.commands.weights import show

    finish(lambda: show(Path.cwd(), scale))


@app.command(
    epilog="Examples: [bold]padstal weights fetch --scale full[/bold], "
    "[bold]padstal weights fetch clap clap.tokenizer --scale full[/bold]"
)
def fetch(names: NamesArgument = None, scale: ScaleOption = None) -> None:
    """Bring weights of pinned revisions to checkpoints/; what cannot be had says where to put it by hand."""
    from padstal.commands.weights import fetch

    finish(lambda: fetch(Path.cwd(), scale, names or ()))


@app.command(
    epilog="Examples: [bold]padstal weights verify --scale full[/bold], "
    "[bold]padstal weights verify dac --scale full[/bold]"
)
def verify(names: NamesArgument = None, scale: ScaleOption = None) -> None:
    """Hold files against their pins (exit status 1 unless all are there and what was pinned)."""
    from padstal.commands.weights import verify

    finish(lambda: verify(Path.cwd(), scale, names or ()))


@app.command(
    epilog="Examples: [bold]padstal weights pin dac --licence MIT --scale full[/bold], "
    "[bold]padstal weights pin clap --from /media/usb/clap --licence CC0-1.0 --scale full[/bold]"
)
def pin(
    name: Annotated[str, typer.Argument(metavar="NAME", help="as `weights list` has it")],
    folder: Annotated[
        Path | None, typer.Option("--from", help="where the files lie; they are copied to checkpoints/")
    ] = None,
    revision: Annotated[str, typer.Option(help="commit that they are of, 40 hexadecimal digits")] = "",
    licence: Annotated[str, typer.Option(help="that their publisher states; by default the one in params.yaml")] = "",
    replace: Annotated[bool, typer.Option("--replace", help="another sha256 or revision may stand there")] = False,
    scale: ScaleOption = None,
) -> None:
    """Record sha256, revision and licence of weights that were fetched by hand in params.yaml, whose text stays."""
    from padstal.commands.weights import pin

    finish(lambda: pin(Path.cwd(), scale, name, folder=folder, revision=revision, licence=licence, replace=replace))


@app.command(
    epilog="Examples: [bold]padstal weights convert stable_audio_open --scale full[/bold], "
    "[bold]padstal weights convert stable_audio_open --to models/published/sao --scale full[/bold]"
)
def convert(
    name: Annotated[str, typer.Argument(metavar="NAME", help="stable_audio_open; the stage prepare converts others")],
    to: Annotated[Path | None, typer.Option(help="folder; by default models/published/NAME")] = None,
    scale: ScaleOption = None,
) -> None:
    """Make a codec and a denoiser of pinned files of Stable Audio Open, to begin trainings from (init_from)."""
    from padstal.commands.weights import convert

    finish(lambda: convert(Path.cwd(), scale, name, to))


@app.command(
    epilog="Examples: [bold]padstal weights export audio_dit --to exported/audio_dit --scale full[/bold], "
    "[bold]padstal weights export tal_dit --to exported/tal_dit[/bold]"
)
def export(
    name: Annotated[str, typer.Argument(metavar="DENOISER", help="of params.yaml's denoisers, with a backbone dit")],
    to: Annotated[Path, typer.Option(help="new folder")],
    scale: ScaleOption = None,
) -> None:
    """Write a denoiser, its codec and its text encoder as diffusers' StableAudioPipeline loads them, with a card."""
    from padstal.commands.weights import export

    finish(lambda: export(Path.cwd(), scale, name, to))
