"""`dongbo retention …`, `dongbo export`, `dongbo import`; each command's work is imported when it is used."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

import typer

retention_app: Final = typer.Typer(
    name="retention", help="What is kept for how long, and removing the rest.", no_args_is_help=True
)
Json = Annotated[bool, typer.Option("--json", help="One JSON value on stdout, nothing else.")]


@retention_app.command("show")
def retention_show(as_json: Json = False) -> None:
    """Show from when on raw rows and cuts are whole, and the settings."""
    from ops.retention import show

    raise typer.Exit(show(as_json=as_json))


@retention_app.command("apply")
def retention_apply(as_json: Json = False) -> None:
    """Set the TTLs and remove what is older than the settings; exit 1 if books that do not agree are held."""
    from ops.retention import apply

    raise typer.Exit(apply(as_json=as_json))


def add_to(app: typer.Typer) -> None:
    """The commands of this module."""
    app.add_typer(retention_app)
    app.command("export")(export_files)
    app.command("import")(import_files)


def export_files(
    out: Annotated[
        Path | None, typer.Option("--out", help="A folder that is empty or holds this export.")
    ] = None,
    what: Annotated[str, typer.Option("--what", help="events, books, dossiers, views or all.")] = "all",
    first: Annotated[str | None, typer.Option("--from", help="First day, YYYY-MM-DD.")] = None,
    last: Annotated[str | None, typer.Option("--to", help="Last day, YYYY-MM-DD.")] = None,
    ward: Annotated[str | None, typer.Option("--ward", help="A ward's 5-digit code.")] = None,
    as_of: Annotated[
        str | None, typer.Option("--as-of", help="A cut's number or an instant; default: newest.")
    ] = None,
    check: Annotated[
        Path | None, typer.Option("--check", help="Only verify this export, without a database.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Write the data as Parquet files with a manifest that proves them; run again to go on after a break."""
    from ops import export

    if check is not None:
        raise typer.Exit(export.check(check, as_json=as_json))
    if out is None:
        raise typer.BadParameter("--out DIR or --check DIR / cần --out DIR hoặc --check DIR")
    raise typer.Exit(
        export.write(out, what=what, first=first, last=last, ward=ward, at=as_of, as_json=as_json)
    )


def import_files(
    folder: Annotated[Path, typer.Argument(help="The folder of an export.")],
    check: Annotated[bool, typer.Option("--check", help="Only compare the database with the files.")] = False,
    as_json: Json = False,
) -> None:
    """Bring an export back into this database; twice is once; exit 1 if the two differ afterwards."""
    from ops.export import bring

    raise typer.Exit(bring(folder, only_check=check, as_json=as_json))
