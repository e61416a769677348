"""What the files of the command line share: the option --scale, and how a command ends."""

import traceback
from collections.abc import Callable
from typing import Annotated

import typer

from padstal.core.data import room
from padstal.core.secrets import redact

ScaleOption = Annotated[
    str | None, typer.Option("--scale", help="demo, study or full; by default the active one of params.yaml")
]
SystemOption = Annotated[
    str | None, typer.Option("--system", metavar="NAME", help="of params.yaml's systems; by default promote.system")
]
JsonOption = Annotated[bool, typer.Option("--json", help="print the answer as JSON")]
RepeatsOption = Annotated[int, typer.Option(min=1, help="how often each is measured; the median counts")]


def finish(command: Callable[[], int]) -> None:
    """Run a command; what is the user's to mend becomes one message without a traceback."""
    try:
        status = command()
    except (ValueError, FileNotFoundError) as error:
        typer.echo(f"padstal: {redact(str(error))}", err=True)
        raise typer.Exit(1) from None
    except (typer.Exit, typer.Abort, typer.BadParameter):
        raise
    except Exception as error:
        told = traceback.format_exc()
        if isinstance(error, OSError) and error.errno in room.NO_ROOM:
            told = f"padstal: {room.said(error)}"
        typer.echo(redact(told), err=True)
        raise typer.Exit(1) from None
    raise typer.Exit(status)
