"""`dongbo analyst …`: who may ask ClickHouse with a password of their own."""

from __future__ import annotations

from typing import Annotated, Final

import typer

analyst_app: Final = typer.Typer(
    name="analyst",
    help="Analysts of ClickHouse: of the city, or of one ward.",
    no_args_is_help=True,
)

Json = Annotated[bool, typer.Option("--json", help="One JSON value on stdout, nothing else.")]
Name = Annotated[str, typer.Argument(metavar="NAME", help="The user name, e.g. lan.nguyen.")]


@analyst_app.command("add")
def analyst_add(
    name: Name,
    ward: Annotated[str | None, typer.Option("--ward", help="Sees this ward only: its 5-digit code.")] = None,
    days: Annotated[
        int | None, typer.Option("--days", min=1, max=3650, help="Access ends after so many.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Give an analyst a password, e.g. `dongbo analyst add lan --ward 00070`; it is shown this once."""
    from ops.analysts import add

    raise typer.Exit(add(name, ward, days, as_json=as_json))


@analyst_app.command("revoke")
def analyst_revoke(name: Name, as_json: Json = False) -> None:
    """End an analyst's access: the next request is refused."""
    from ops.analysts import revoke

    raise typer.Exit(revoke(name, as_json=as_json))


@analyst_app.command("list")
def analyst_list(as_json: Json = False) -> None:
    """Show analysts and until when their access lasts, never their passwords."""
    from ops.analysts import show

    raise typer.Exit(show(as_json=as_json))


@analyst_app.command("sql")
def analyst_sql(
    ward: Annotated[
        str | None, typer.Option("--ward", help="The role of this ward's analysts, or the user's.")
    ] = None,
    user: Annotated[str | None, typer.Option("--user", help="One user; the password is shown once.")] = None,
) -> None:
    """Print what makes roles and users on a ClickHouse server of your own; nothing is changed."""
    from ops.analysts import sql

    raise typer.Exit(sql(ward, user))
