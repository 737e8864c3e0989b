"""`dongbo cut …` and `dongbo calendar …`; each command's work is imported when it is used."""

from __future__ import annotations

from typing import Annotated, Final

import typer

from ops.ward_cli import AnyCode, Json

cut_app: Final = typer.Typer(
    name="cut", help="The city's cuts: complete up to when, without whom.", no_args_is_help=True
)
calendar_app: Final = typer.Typer(
    name="calendar", help="Office hours that a ward has for itself.", no_args_is_help=True
)
WardOrAll = Annotated[str, typer.Argument(help="A ward's 5-digit code, or `all`.")]
From = Annotated[str | None, typer.Option("--from", help="First day, YYYY-MM-DD; default: today.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only show what would be written.")]


@cut_app.command("list")
def cut_list(
    limit: Annotated[int, typer.Option("-n", "--count", min=1, max=100_000, help="How many.")] = 20,
    as_json: Json = False,
) -> None:
    """Show the newest cuts."""
    from ops.picture import cuts

    raise typer.Exit(cuts(limit, as_json=as_json))


@cut_app.command("show")
def cut_show(
    which: Annotated[
        str | None, typer.Argument(help="A number, or an instant: '2025-07-21 14:32:05'; none: the newest.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Show a cut: its totals, the wards that are left out and why."""
    from ops.picture import cut

    raise typer.Exit(cut(which, as_json=as_json))


@calendar_app.command("show")
def calendar_show(ward: AnyCode = None, as_json: Json = False) -> None:
    """Show the hours that wards have for themselves; of one ward its next 14 days."""
    from ops.calendar import show

    raise typer.Exit(show(ward, as_json=as_json))


@calendar_app.command("set")
def calendar_set(
    ward: WardOrAll,
    hours: Annotated[
        str | None, typer.Argument(help="e.g. 08:00-12:00,13:30-17:30; none: the usual ones.")
    ] = None,
    closed: Annotated[bool, typer.Option("--closed", help="The office does not open.")] = False,
    first: From = None,
    last: Annotated[str | None, typer.Option("--to", help="Last day; default: the first one.")] = None,
    silent_after: Annotated[
        int, typer.Option("--silent-after", min=0, max=604_800, help="Silent after so many seconds.")
    ] = 0,
    note: Annotated[str, typer.Option(help="Why; no person's name.")] = "",
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Give a ward hours of its own, e.g. `dongbo calendar set 00070 --closed --from 2026-12-24`."""
    from ops.calendar import put

    raise typer.Exit(
        put(
            ward,
            hours,
            closed=closed,
            first=first,
            last=last,
            silent_after_s=silent_after,
            note=note,
            dry_run=dry_run,
            as_json=as_json,
        )
    )


@calendar_app.command("remove")
def calendar_remove(
    ward: WardOrAll,
    first: Annotated[str | None, typer.Option("--from", help="Only the one of this first day.")] = None,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Give a ward the usual hours again; exit 1 if it had no others."""
    from ops.calendar import remove

    raise typer.Exit(remove(ward, first, dry_run=dry_run, as_json=as_json))
