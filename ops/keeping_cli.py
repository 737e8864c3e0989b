"""`dongbo retention …`, `dongbo export`, `dongbo import`; each command's work is imported when it is used."""

from __future__ import annotations

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
