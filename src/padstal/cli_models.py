"""`padstal …` for a model's life: plan, frozen prompts, challenge, promotion, champion, lineage, forgetting."""

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from padstal import cli_weights
from padstal.cli_options import JsonOption, ScaleOption, SystemOption, finish

app = typer.Typer(rich_markup_mode="rich")
app.add_typer(cli_weights.app, name="weights")


@app.command(
    epilog="Examples: [bold]padstal plan --scale full --gpus 8 --clips 1000000[/bold], "
    "[bold]padstal plan --scale full --device a100 --clips 200000 --json[/bold], "
    "[bold]padstal plan --device here[/bold], [bold]padstal plan --tflops 400 --mfu 1[/bold] (a measured speed)"
)
def plan(
    gpus: Annotated[
        int | None, typer.Option(min=1, help="that train together; by default runtime.devices × runtime.nodes")
    ] = None,
    memory: Annotated[float | None, typer.Option(min=1, help="of a GPU, GiB; by default the device's")] = None,
    device: Annotated[
        str, typer.Option(help="h100, a100, h200, … (a wrong name lists all), or here: measured")
    ] = "h100",
    tflops: Annotated[
        float | None, typer.Option(min=0.001, help="peak of a GPU in bfloat16, TFLOP/s; by default the device's")
    ] = None,
    mfu: Annotated[
        float | None, typer.Option(min=0.001, max=1, help="share of the peak that work reaches; by default assumed")
    ] = None,
    clips: Annotated[
        int | None, typer.Option(min=1, help="by default as ingest counted them, or as the scanned sources say")
    ] = None,
    as_json: JsonOption = False,
    scale: ScaleOption = None,
) -> None:
    """Say what a scale will take before anything runs: parameters, FLOP, GPU memory, disk and hours of every stage.

    Where a training does not fit, it says which param to set to what (exit status 1).
    """
    from padstal.commands.plan import run

    told = partial(run, Path.cwd(), scale, gpus=gpus, memory=memory, device=device, tflops=tflops, mfu=mfu)
    finish(lambda: told(clips=clips, as_json=as_json))


@app.command(epilog="Example: [bold]padstal freeze-prompts[/bold], then commit data/<scale>/frozen_prompts.json")
def freeze_prompts(
    count: Annotated[int | None, typer.Option(min=2, help="prompts; by default promote.prompts")] = None,
    force: Annotated[bool, typer.Option("--force", help="write them anew; earlier decisions will not compare")] = False,
    scale: ScaleOption = None,
) -> None:
    """Fix the prompts and seeds that champion and challenger are judged on, once, from the test split."""
    from padstal.commands.freeze_prompts import run

    finish(lambda: run(Path.cwd(), scale, count, force))


@app.command(
    epilog="Examples: [bold]padstal challenge --out decision.json[/bold], "
    "[bold]padstal challenge --champion v1.2.0 --out decision.json[/bold], "
    "[bold]padstal challenge --champion none --out decision.json[/bold], [bold]padstal challenge --check[/bold]"
)
def challenge(
    out: Annotated[
        Path | None, typer.Option(help="file for the decision (JSON); its text goes beside it (.md)")
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="only say whether all that a challenge takes, but the challenger, is there")
    ] = False,
    champion_: Annotated[
        str | None,
        typer.Option(
            "--champion",
            help="version or revision to compare with, or none; by default the remote's champion",
        ),
    ] = None,
    system: SystemOption = None,
    scale: ScaleOption = None,
) -> None:
    """Let the workspace's model and the champion's play the frozen prompts, and decide which is better."""
    from padstal.commands.challenge import check_ready, run

    if check:
        finish(lambda: check_ready(Path.cwd(), system, scale))
    elif out is None:
        raise typer.BadParameter("expected --out FILE for the decision, or --check")
    else:
        finish(lambda: run(Path.cwd(), out, champion_, system, scale))


@app.command(
    epilog="Example: [bold]padstal challenge --out decision.json && padstal promote --decision decision.json[/bold]"
)
def promote(
    decision: Annotated[Path, typer.Option(help="what `padstal challenge` wrote")],
) -> None:
    """Make the challenger champion, if the decision says so: tags, branch and pull request, all or nothing."""
    from padstal.commands.promote import run

    finish(lambda: run(Path.cwd(), decision))


@app.command(
    epilog="Examples: [bold]padstal champion[/bold], [bold]padstal champion --export /srv/music-model[/bold], "
    "[bold]padstal champion --json[/bold]"
)
def champion(
    export: Annotated[Path | None, typer.Option(help="new folder for its weights, params and model cards")] = None,
    system: SystemOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show who is champion, its figures and its history."""
    from padstal.commands.champion import show

    finish(lambda: show(Path.cwd(), system, export, as_json))


@app.command(
    epilog="Examples: [bold]padstal rollback[/bold], [bold]padstal rollback --to v1.0.0 --reason 'hums at 50 Hz'[/bold]"
)
def rollback(
    to: Annotated[str | None, typer.Option(help="version; by default the one before the champion")] = None,
    reason: Annotated[str, typer.Option(help="kept in the tag")] = "",
    system: SystemOption = None,
) -> None:
    """Make an earlier version champion again."""
    from padstal.commands.champion import rollback

    finish(lambda: rollback(Path.cwd(), system, to, reason))


@app.command(
    epilog="Examples: [bold]padstal lineage 0112-electric-river.mp3[/bold], "
    "[bold]padstal lineage tal_dit --json[/bold], [bold]padstal lineage audio_dit[/bold]"
)
def lineage(
    wanted: Annotated[
        str,
        typer.Argument(
            metavar="TRACK|CLIP|MODEL",
            help="SHA-256 or id of a track or clip, or a beginning; a path or its end; a model's name, path or tag",
        ),
    ],
    as_json: JsonOption = False,
) -> None:
    """Walk from a track to clips, artefacts, models and promotions, or from a model to its data, over all history."""
    from padstal.commands.lineage import run

    finish(lambda: run(Path.cwd(), wanted, as_json=as_json))


@app.command(
    epilog="Examples: [bold]padstal forget 0112-electric-river.mp3 --dry-run[/bold], "
    '[bold]padstal forget 0112-electric-river.mp3 --reason "withdrawn by the artist" --duplicates --yes[/bold], '
    "[bold]padstal forget --yes[/bold] (all tombstones, in this clone)"
)
def forget(
    tracks: Annotated[
        list[str] | None,
        typer.Argument(metavar="[TRACK]...", help="as of `lineage`; none for all of data/tombstones.jsonl"),
    ] = None,
    reason: Annotated[str, typer.Option(help="for the tombstone, which is in git")] = "",
    requested_by: Annotated[str, typer.Option(help="who asked, if git is to know")] = "",
    duplicates: Annotated[bool, typer.Option("--duplicates", help="near-duplicates of the recording too")] = False,
    source: Annotated[bool, typer.Option("--source", help="your own file or bucket object too")] = False,
    models: Annotated[
        str, typer.Option(help="keep: models that saw it stay until they are trained again; remove: they go too")
    ] = "keep",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="only say what would be done")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="do not ask")] = False,
    as_json: JsonOption = False,
) -> None:
    """Forget tracks: tombstones, which models saw them, and removal from data, cache and remotes with all versions."""
    from padstal.commands.forget import Options, run

    options = Options(tuple(tracks or ()), reason, requested_by, duplicates, source, models, dry_run, yes, as_json)
    finish(lambda: run(Path.cwd(), options, typer.confirm))
