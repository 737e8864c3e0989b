"""`dongbo rebuild`; its work is imported when it is used."""

from __future__ import annotations

from typing import Annotated, Final

import typer

from ops.ward_cli import Json

rebuild_app: Final = typer.Typer()
Ward = Annotated[str | None, typer.Option("--ward", help="Only this ward, e.g. 00070.")]


@rebuild_app.command()
def rebuild(
    ward: Ward = None,
    first: Annotated[
        str | None, typer.Option("--from", help="From this day of the books, YYYY-MM-DD.")
    ] = None,
    last: Annotated[str | None, typer.Option("--to", help="To this day of the books, YYYY-MM-DD.")] = None,
    apply: Annotated[
        bool, typer.Option("--apply", help="Replace what differs, after showing it; stops the workers.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    accept_missing: Annotated[
        bool, typer.Option("--accept-missing", help="Also books that hold events without a raw row.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Count books anew from raw events and compare them; only --apply replaces any. Exit 1 if any differs."""
    from ops.rebuild import rebuild as run

    raise typer.Exit(
        run(
            ward=ward,
            first=first,
            last=last,
            apply=apply,
            yes=yes,
            accept_missing=accept_missing,
            as_json=as_json,
        )
    )
