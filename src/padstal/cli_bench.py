"""`padstal bench …`: what work costs on this machine."""

from pathlib import Path
from typing import Annotated

import typer

from padstal.cli_options import RepeatsOption, ScaleOption, finish

app = typer.Typer(help="Measure this machine, as ratios of one run.", no_args_is_help=True, rich_markup_mode="rich")


@app.command(
    "ingest",
    epilog="Examples: [bold]padstal bench ingest[/bold], [bold]padstal bench ingest --tracks 200[/bold]",
)
def bench_ingest(
    tracks: Annotated[int, typer.Option(help="files to make")] = 1000,
    seconds: Annotated[float, typer.Option(help="length of each; three clips have 30.1")] = 30.2,
    workers: Annotated[int, typer.Option(min=1, help="processes")] = 2,
    repeats: RepeatsOption = 3,
    folder: Annotated[
        Path | None, typer.Option(help="where to make the files; they go again. By default the system's")
    ] = None,
) -> None:
    """Say what ingestion costs against decoding alone, when nothing is new, with more tracks and more processes.

    1000 tracks take some five minutes of two quiet cores and up to 10 GB of disk for the time.
    """
    from padstal.commands.bench import Options, run

    finish(lambda: run(Options(tracks, seconds, workers, repeats, folder)))


@app.command(
    "train",
    epilog="Examples: [bold]padstal bench train qa_mdt --latent 8,103,16 --mask 0.5[/bold], "
    "[bold]padstal bench train discodiff_secondary --latent 16,128 --first 4[/bold]",
)
def bench_train(
    denoiser: Annotated[str, typer.Argument(help="of train_diffusion in params.yaml")],
    latent: Annotated[str, typer.Option(help="shape of its codec's latents: channels,frames or channels,frames,bands")],
    first: Annotated[
        int | None, typer.Option(min=1, help="channels of their first group, if there are several")
    ] = None,
    text: Annotated[str, typer.Option(help="rows of a text, and features of a row")] = "128,128",
    batch: Annotated[int | None, typer.Option(min=1, help="clips of a step; by default the training's")] = None,
    mask: Annotated[
        float | None, typer.Option(min=0, max=0.99, help="also compare a step with this share of patches hidden")
    ] = None,
    repeats: RepeatsOption = 5,
    scale: ScaleOption = None,
) -> None:
    """Say what a training step costs against its matrix products, convolutions and attention alone.

    It needs no data: latents and texts are random.
    """
    from padstal.commands.bench_train import Options, run, sizes

    def options() -> Options:
        return Options(sizes("--latent", latent, 2, 3), first, sizes("--text", text, 2), batch, mask, repeats)

    finish(lambda: run(Path.cwd(), denoiser, scale, options()))


@app.command(
    "gpu",
    epilog="Examples: [bold]padstal bench gpu --scale full --gpus 8[/bold], "
    "[bold]padstal bench gpu --scale demo --limit 60 --out /tmp/figures[/bold]",
)
def bench_gpu(
    gpus: Annotated[int, typer.Option(min=1, help="that share each batch; one step is of one GPU's part")] = 8,
    limit: Annotated[float, typer.Option(min=0, help="seconds after which no measurement begins")] = 540,
    repeats: RepeatsOption = 3,
    out: Annotated[Path, typer.Option(help="folder for DEVICE-DATE.json and .md")] = Path("reports/gpu"),
    scale: ScaleOption = None,
) -> None:
    """Say what a step of each training, encoding and sampling take on the GPU, beside their goals at scale full.

    It needs no data: weights are fresh, audio, latents and texts are random. Without a GPU the processor is measured.
    """
    from padstal.commands.bench_gpu import Options, run

    finish(lambda: run(Path.cwd(), scale, Options(gpus, limit, repeats), out))
