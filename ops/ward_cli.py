"""`dongbo ward …`: what an operator does about a ward; each command's work is imported when it is used."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

import typer

ward_app: Final = typer.Typer(
    name="ward",
    help="Wards: what is missing, ask for it, take a wrong event back.",
    no_args_is_help=True,
)

Json = Annotated[bool, typer.Option("--json", help="One JSON value on stdout, nothing else.")]
Epoch = Annotated[str | None, typer.Option("--epoch", help="Life of the outbox; default: the present one.")]


def _codes(incomplete: str) -> list[str]:
    from producers.contract.wards import WARDS

    return [code for code in WARDS if code.startswith(incomplete)]


Code = Annotated[str, typer.Argument(help="A ward's 5-digit code, e.g. 00070.", autocompletion=_codes)]
AnyCode = Annotated[
    str | None, typer.Argument(help="A ward's 5-digit code; none: all.", autocompletion=_codes)
]


@ward_app.command()
def gaps(ward: AnyCode = None, as_json: Json = False) -> None:
    """Show the seqs that wards have given and the city has not; exit 1 if there are any."""
    from ops.ward_repair import gaps as show

    raise typer.Exit(show(ward=ward, as_json=as_json))


@ward_app.command()
def request(
    ward: AnyCode = None,
    seqs: Annotated[str | None, typer.Argument(help="e.g. 17-19,25; none: all that is missing.")] = None,
    epoch: Epoch = None,
    as_json: Json = False,
) -> None:
    """Ask a ward for seqs again, e.g. `dongbo ward request 00070 17-19`; its outbox answers by itself."""
    from ops.ward_repair import request as ask

    raise typer.Exit(ask(ward=ward, seqs=seqs, epoch=epoch, as_json=as_json))


@ward_app.command()
def retract(
    ward: Code,
    seq: Annotated[int, typer.Argument(min=1, help="The seq of the wrong status event.")],
    reason: Annotated[str, typer.Option("--reason", help="A code, e.g. wrong-status.")],
    epoch: Epoch = None,
    outbox: Annotated[
        Path | None,
        typer.Option(
            exists=True, dir_okay=False, help="At the ward: take it from this outbox, and send by it."
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Take a wrong event back, e.g. `dongbo ward retract 00070 17 --reason wrong-status`."""
    from ops.ward_repair import retract as take_back

    raise typer.Exit(
        take_back(ward=ward, seq=seq, reason=reason, epoch=epoch, outbox=outbox, as_json=as_json)
    )
