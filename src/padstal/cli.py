"""`padstal …`: what a person asks of the repository at a prompt; each command is imported when it runs."""

from pathlib import Path
from typing import Annotated

import typer

from padstal import cli_bench, cli_models
from padstal.cli_options import JsonOption, ScaleOption, SystemOption, finish

app = typer.Typer(
    name="padstal",
    help="From a folder of music to a text-to-music model whose quality, alignment and diversity are measured.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)

TargetsArgument = Annotated[list[str] | None, typer.Argument(help="stages or paths; everything if left out")]
RemoteNameOption = Annotated[str, typer.Option("--remote-name", help="another DVC remote than the default one")]


@app.command(epilog="Examples: [bold]padstal doctor[/bold], [bold]padstal doctor --remote-name local[/bold]")
def doctor(remote_name: RemoteNameOption = "") -> None:
    """Say what is installed, what this machine has, and what is missing (exit status 1 if something needed is)."""
    from padstal.commands.doctor import run

    raise typer.Exit(run(Path.cwd(), remote_name))


@app.command(
    epilog="Examples: [bold]padstal fsck[/bold], [bold]padstal fsck --remote --repair[/bold], "
    "[bold]padstal fsck --remote --json[/bold]"
)
def fsck(
    remote: Annotated[bool, typer.Option("--remote", help="check the DVC remote too")] = False,
    remote_name: RemoteNameOption = "",
    repair: Annotated[
        bool, typer.Option("--repair", help="move what is corrupt aside and put a good copy there")
    ] = False,
    read_all: Annotated[
        bool, typer.Option("--read-all", help="read every byte of an S3 remote, also where the ETag is proof")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Hash all that DVC keeps, say what is corrupt or lost, and repair it (exit status 1 if not all is well)."""
    from padstal.commands.fsck import run

    finish(lambda: run(Path.cwd(), remote=remote, name=remote_name, repair=repair, read_all=read_all, as_json=as_json))


@app.command(
    epilog="Examples: [bold]padstal pull[/bold], [bold]padstal pull train_vae@tal reports/demo/page.html[/bold]"
)
def pull(
    targets: TargetsArgument = None,
    remote_name: RemoteNameOption = "",
) -> None:
    """Get from the DVC remote what dvc.lock names; wrong bytes are refused, and what they are is said."""
    from padstal.commands.transfer import run

    finish(lambda: run(Path.cwd(), "pull", targets or (), remote_name))


@app.command(epilog="Examples: [bold]padstal push[/bold], [bold]padstal push --remote-name local[/bold]")
def push(
    targets: TargetsArgument = None,
    remote_name: RemoteNameOption = "",
) -> None:
    """Put the outputs and the run-cache into the DVC remote, and look whether all of it is there."""
    from padstal.commands.transfer import run

    finish(lambda: run(Path.cwd(), "push", targets or (), remote_name))


@app.command(epilog="Examples: [bold]padstal params[/bold], [bold]padstal params train_vae --scale full[/bold]")
def params(
    section: Annotated[
        str | None,
        typer.Argument(help="a stage's section, runtime, tracking, operations, promote or budget; all if left out"),
    ] = None,
    scale: ScaleOption = None,
) -> None:
    """Check params.yaml at all scales and explain every value."""
    from padstal.commands.params import run

    finish(lambda: run(Path.cwd(), section, scale))


@app.command(epilog="Example: [bold]padstal scan[/bold], then [bold]dvc repro[/bold]")
def scan(scale: ScaleOption = None) -> None:
    """List what the sources hold now in data/<scale>/sources.json, so that DVC sees a changed folder."""
    from padstal.commands.scan import run

    finish(lambda: run(Path.cwd(), scale))


@app.command(epilog="Example: [bold]padstal profile[/bold], then commit data/<scale>/reference")
def profile(scale: ScaleOption = None) -> None:
    """Make the current data, which passed the gate, the reference that drift is measured against."""
    from padstal.commands.profile import run

    finish(lambda: run(Path.cwd(), scale))


@app.command(
    epilog='Examples: [bold]padstal generate "slow solo piano"[/bold], '
    '[bold]padstal generate "fast techno" -n 4 --method cads --strength 0.3 --guidance 5 --out takes[/bold], '
    '[bold]padstal generate "dub" --system audio_dit --solver ddim --steps 50 --set method.tau1=0.3[/bold], '
    '[bold]padstal generate "dub" --system qa_mdt --quality 5 --negative "low quality" --best-of 3[/bold], '
    '[bold]padstal generate "dub" --system discodiff --preview[/bold], '
    '[bold]padstal generate "dub" --retain 0.9[/bold], [bold]padstal generate "dub" --seconds 47[/bold]'
)
def generate(
    prompt: Annotated[str, typer.Argument(help="what to hear")],
    count: Annotated[int, typer.Option("-n", "--count", min=1, help="takes")] = 8,
    system: SystemOption = None,
    method: Annotated[
        str | None,
        typer.Option(
            metavar="KIND",
            help="diversity method of the sampling grid, or none; by default promote.method. What is not said below is "
            "as in the grid's first setting with it",
        ),
    ] = None,
    retain: Annotated[
        float | None,
        typer.Option(
            metavar="SHARE",
            min=0,
            max=1,
            help="the most diverse setting that keeps so much alignment: `padstal choose`",
        ),
    ] = None,
    strength: Annotated[float | None, typer.Option(help="s of the method (method.strength)")] = None,
    guidance: Annotated[float | None, typer.Option(help="w (guidance.w)")] = None,
    steps: Annotated[int | None, typer.Option(help="noise levels (steps)")] = None,
    solver: Annotated[str | None, typer.Option(metavar="KIND", help="solver with its defaults (solver)")] = None,
    values: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="PATH=VALUE", help="any other value of the setting, e.g. method.tau1=0.3"),
    ] = None,
    quality: Annotated[
        float | None, typer.Option(help="level from 1 to 5 (attributes.quality), of systems that are told one")
    ] = None,
    negative: Annotated[
        str | None,
        typer.Option(metavar="TEXT", help="guidance away from this prompt; w is --guidance, or 1 (QA-MDT eq. 12)"),
    ] = None,
    preview: Annotated[
        bool, typer.Option("--preview", help="the first denoiser alone, of systems with two: coarser, sooner there")
    ] = False,
    best_of: Annotated[
        int, typer.Option(min=1, help="takes that each is the best of, by CLAP score; all are generated")
    ] = 1,
    seconds: Annotated[
        float | None, typer.Option(min=1, max=190, help="length of a take; by default that of the training clips")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="same seed, same audio")] = 0,
    out: Annotated[Path, typer.Option(help="folder for the WAV files and their setting (JSON)")] = Path("generated"),
    scale: ScaleOption = None,
) -> None:
    """Generate music from a prompt with a trained system."""
    from padstal.commands.generate import Options, changes_of, run

    named = {
        "solver": {"kind": solver} if solver else None,
        "guidance": {"kind": "negative_prompt", "prompt": negative, "w": 1.0} if negative else None,
        "attributes.quality": quality,
        "method.strength": strength,
        "guidance.w": guidance,
        "steps": steps,
    }
    asked = {path: own for path, own in named.items() if own is not None}

    def options() -> Options:
        changes = asked | changes_of(values or [])
        return Options(prompt, count, best_of, preview, system, method, retain, changes, seed, out, seconds)

    finish(lambda: run(Path.cwd(), options(), scale))


@app.command(
    epilog="Examples: [bold]padstal choose[/bold], "
    "[bold]padstal choose --system audio_dit --retain 0.75 --by mrecall[/bold]"
)
def choose(
    system: SystemOption = None,
    retain: Annotated[
        float, typer.Option(min=0, max=1, metavar="SHARE", help="least share of CLAP-f above chance that is to be kept")
    ] = 0.9,
    by: Annotated[str, typer.Option(metavar="METRIC", help="metric of diversity")] = "vendi_within",
    scale: ScaleOption = None,
) -> None:
    """Say which evaluated setting gives the most diversity while it keeps so much of the alignment."""
    from padstal.commands.choose import run

    finish(lambda: run(Path.cwd(), system, retain, by, scale))


@app.command(epilog="Example: [bold]padstal report --open[/bold]")
def report(
    open_: Annotated[bool, typer.Option("--open", help="open the page in a browser")] = False,
    scale: ScaleOption = None,
) -> None:
    """Write this machine's record into the report, say where the page is and what each stage took of its budget."""
    from padstal.commands.report import run

    finish(lambda: run(Path.cwd(), scale, open_))


data_app = typer.Typer(
    help="Show what the dataset holds, and everything that is known of any clip.",
    invoke_without_command=True,
    rich_markup_mode="rich",
)
app.add_typer(
    data_app,
    name="data",
    epilog="Examples: [bold]padstal data[/bold], [bold]padstal data list --split test --sort -pmos[/bold], "
    "[bold]padstal data show 0112-electric-river.mp3 --page clip.html --open[/bold]",
)


@data_app.callback()
def data(context: typer.Context, scale: ScaleOption = None) -> None:
    """Say what the dataset holds: sources, counts, licences, splits, captions, quality, and how far the pipeline is."""
    context.obj = scale
    if context.invoked_subcommand is None:
        from padstal.commands.data import overview

        finish(lambda: overview(Path.cwd(), scale))


@data_app.command(
    "list",
    epilog="Examples: [bold]padstal data list --search piano --quality 5[/bold], "
    "[bold]padstal data list --reason licence --limit 0 > refused.tsv[/bold]",
)
def data_list(
    context: typer.Context,
    split: Annotated[str, typer.Option(help="train, validation or test")] = "",
    source: Annotated[str, typer.Option(help="name of a source")] = "",
    licence: Annotated[str, typer.Option(help="licence id")] = "",
    decision: Annotated[str, typer.Option(help="what was decided on the caption")] = "",
    quality: Annotated[str, typer.Option(help="quality level, 1 to 5 or unknown")] = "",
    reason: Annotated[str, typer.Option(help="why it is in quarantine or was removed")] = "",
    artist: Annotated[str, typer.Option(help="artist, in any letter case")] = "",
    search: Annotated[str, typer.Option(help="part of a path, artist, album, title, tag or caption")] = "",
    sort: Annotated[str, typer.Option(help="column to sort by; -column for the largest first")] = "",
    limit: Annotated[int, typer.Option(min=0, help="how many to show; 0 shows all")] = 20,
    scale: ScaleOption = None,
) -> None:
    """List clips and refused files; where the output is no terminal, as tab-separated lines."""
    from padstal.commands.data import listing

    asked = {"split": split, "source": source, "licence": licence, "decision": decision, "quality": quality}
    asked |= {"reason": reason, "artist": artist}
    finish(lambda: listing(Path.cwd(), scale or context.obj, asked, search, sort, limit))


@data_app.command(
    "show",
    epilog="Examples: [bold]padstal data show 0001-paper-mirror.flac[/bold], "
    "[bold]padstal data show 0112-electric-river.mp3[/bold], "
    "[bold]padstal data show 0112-electric-river.mp3 --page clip.html --open[/bold]",
)
def data_show(
    context: typer.Context,
    wanted: Annotated[
        str,
        typer.Argument(
            metavar="CLIP|TRACK|PATH", help="id of a clip or track, or a unique beginning; or a path, or its end"
        ),
    ],
    page: Annotated[Path | None, typer.Option(help="write a page with player, pictures and all facts")] = None,
    open_: Annotated[bool, typer.Option("--open", help="open that page in a browser")] = False,
    scale: ScaleOption = None,
) -> None:
    """Show a clip, track or refused file: provenance, captions, scores, decisions; --page adds pictures."""
    from padstal.commands.data import show

    finish(lambda: show(Path.cwd(), wanted, scale or context.obj, page=page, open_page=open_))


app.add_typer(cli_bench.app, name="bench")


@app.command(
    epilog="Examples: [bold]padstal compare main HEAD[/bold], [bold]padstal compare HEAD~1 --out comparison[/bold], "
    "[bold]padstal compare v1.0 v1.1 --scale study[/bold]"
)
def compare(
    base: Annotated[str, typer.Argument(help="revision to compare with: a commit, a branch, a tag, HEAD~2 …")],
    head: Annotated[
        str, typer.Argument(help="revision to compare, or `workspace` for the files as they are")
    ] = "workspace",
    out: Annotated[
        Path | None, typer.Option(help="folder for comment.md, comparison.json, plots/ and audio/; else it is printed")
    ] = None,
    scale: ScaleOption = None,
) -> None:
    """Say what differs between two revisions: licences, metrics with a verdict, params, data, stages."""
    from padstal.commands.compare import run

    finish(lambda: run(Path.cwd(), base, head, scale, out))


@app.command(epilog="Examples: [bold]padstal sync --dry-run[/bold], [bold]WANDB_API_KEY=… padstal sync[/bold]")
def sync(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="say what there is to send, and ask nobody")] = False,
) -> None:
    """Send to W&B what was recorded offline, and the lineage from raw data to report; a second time adds nothing."""
    from padstal.commands.sync import run

    finish(lambda: run(Path.cwd(), dry_run))


@app.command(
    epilog="Examples: [bold]padstal wandb-report --offline[/bold], [bold]padstal wandb-report --out report.md[/bold]"
)
def wandb_report(
    out: Annotated[
        Path | None, typer.Option(help="file for the Markdown; by default in reports/<scale>/local/")
    ] = None,
    offline: Annotated[bool, typer.Option("--offline", help="write the Markdown alone")] = False,
    scale: ScaleOption = None,
) -> None:
    """Write the run's report as Markdown and, where there are credentials, publish the same at W&B.

    Where $PADSTAL_WANDB_REPORT is the address of a report, it takes that one's place.
    """
    from padstal.commands.wandb_report import run

    finish(lambda: run(Path.cwd(), scale, out, offline))


app.add_typer(cli_models.app)


if __name__ == "__main__":
    app()
