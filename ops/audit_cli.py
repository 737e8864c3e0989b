"""`dongbo reconcile | totals | why`: the city's books against everything else; work is imported when used."""

from __future__ import annotations

from typing import Annotated, Final

import typer

from ops.ward_cli import Json

audit_app: Final = typer.Typer()
Ward = Annotated[str | None, typer.Option("--ward", help="A ward's 5-digit code, e.g. 00070.")]
Day = Annotated[str | None, typer.Option("--day", help="Only this day, YYYY-MM-DD.")]
AsOf = Annotated[
    str | None, typer.Option("--as-of", help="A cut's number, or an instant as '2025-07-21 14:32:05'.")
]


@audit_app.command()
def reconcile(
    ward: Ward = None,
    day: Day = None,
    repair: Annotated[
        bool, typer.Option("--repair", help="Send again what one side lacks, and look whether it helped.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Compare every book with a recomputation from raw rows; exit 1 if any differs."""
    from ops.reconcile import reconcile as compare

    raise typer.Exit(compare(ward=ward, day=day, repair=repair, as_json=as_json))


@audit_app.command()
def totals(day: Day = None, ward: Ward = None, as_of: AsOf = None, as_json: Json = False) -> None:
    """Compare what wards declared with the books, down to the missing seqs; exit 1 if any does not match."""
    from ops.audit import totals as show

    raise typer.Exit(show(day=day, ward=ward, at=as_of, as_json=as_json))


@audit_app.command()
def why(
    day: Annotated[str, typer.Argument(help="The day that changed, YYYY-MM-DD.")],
    ward: Ward = None,
    as_of: AsOf = None,
    as_json: Json = False,
) -> None:
    """Say why a day's figures changed after its end, e.g. `dongbo why 2025-07-14`."""
    from ops.audit import why as explain

    raise typer.Exit(explain(day=day, ward=ward, at=as_of, as_json=as_json))
