"""`dongbo viewer …`: who may look at the live page with a token of their own."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Final

import typer

viewer_app: Final = typer.Typer(
    name="viewer", help="Viewers of the live page: their tokens, by role.", no_args_is_help=True
)

Json = Annotated[bool, typer.Option("--json", help="One JSON value on stdout, nothing else.")]


class RoleName(StrEnum):
    """What a viewer sees: the whole city, or one ward."""

    CITY = "city"
    WARD = "ward"


@viewer_app.command("add")
def viewer_add(
    role: Annotated[RoleName, typer.Option("--role", help="city: all wards; ward: its own only.")],
    ward: Annotated[str | None, typer.Option("--ward", help="A ward's 5-digit code, e.g. 00070.")] = None,
    as_json: Json = False,
) -> None:
    """Give a viewer a token, e.g. `dongbo viewer add --role ward --ward 00070`; it is shown this once."""
    from ops.viewers import add

    raise typer.Exit(add(role.value, ward, as_json=as_json))


@viewer_app.command("revoke")
def viewer_revoke(
    identity: Annotated[str, typer.Argument(metavar="ID", help="As the list shows it; never the token.")],
    as_json: Json = False,
) -> None:
    """End a viewer's token and sessions; open pages stop within seconds."""
    from ops.viewers import revoke

    raise typer.Exit(revoke(identity, as_json=as_json))


@viewer_app.command("list")
def viewer_list(as_json: Json = False) -> None:
    """Show viewers by their ids, never their tokens."""
    from ops.viewers import show

    raise typer.Exit(show(as_json=as_json))
