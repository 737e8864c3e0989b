"""`dongbo difficulty …`: the city's desk for difficulties; the work of each is imported when it is used."""

from __future__ import annotations

from typing import Annotated, Final

import typer

difficulty_app: Final = typer.Typer(
    name="difficulty",
    help="Difficulties of the wards: report, assign, resolve, list.",
    no_args_is_help=True,
)

Json = Annotated[bool, typer.Option("--json", help="One JSON value on stdout, nothing else.")]
Code = Annotated[str, typer.Argument(help="The difficulty's code, e.g. VM-00070-250721-3f2a.")]
InWard = Annotated[str | None, typer.Option("--ward", help="Its ward, if the code stands in several.")]


def _wards(incomplete: str) -> list[str]:
    from producers.contract.wards import WARDS

    return [code for code in WARDS if code.startswith(incomplete)]


@difficulty_app.command()
def report(
    ward: Annotated[str, typer.Argument(help="A ward's 5-digit code, e.g. 00070.", autocompletion=_wards)],
    group: Annotated[int, typer.Option(min=1, max=25, help="One of the 25 groups; see `groups`.")],
    code: Annotated[str | None, typer.Option(help="Its code; default: a new one.")] = None,
    as_json: Json = False,
) -> None:
    """Report a difficulty in a ward's name, e.g. `dongbo difficulty report 00070 --group 7`."""
    from ops.difficulty import report as tell

    raise typer.Exit(tell(ward=ward, group=group, code=code, as_json=as_json))


@difficulty_app.command()
def assign(
    code: Code,
    owner: Annotated[str, typer.Option(help="Code of who shall resolve it, e.g. so-noi-vu.")],
    due: Annotated[str, typer.Option(help="Until when: 2025-07-31, or a moment with its offset.")],
    ward: InWard = None,
    again: Annotated[bool, typer.Option("--again", help="Even if it is assigned already.")] = False,
    as_json: Json = False,
) -> None:
    """Assign an open difficulty to an owner with a due time."""
    from ops.difficulty import assign as give

    raise typer.Exit(give(code=code, owner=owner, due=due, ward=ward, again=again, as_json=as_json))


@difficulty_app.command()
def resolve(code: Code, ward: InWard = None, as_json: Json = False) -> None:
    """Say that a difficulty is resolved; reported again later, it is open again."""
    from ops.difficulty import resolve as end

    raise typer.Exit(end(code=code, ward=ward, as_json=as_json))


@difficulty_app.command("list")
def listing(
    only_open: Annotated[bool, typer.Option("--open", help="Only those that are not resolved.")] = False,
    group: Annotated[int | None, typer.Option(min=1, max=25, help="Only this group.")] = None,
    owner: Annotated[str | None, typer.Option(help="Only this owner; '' for those of nobody.")] = None,
    overdue: Annotated[bool, typer.Option("--overdue", help="Only those past their due time.")] = False,
    as_json: Json = False,
) -> None:
    """Show difficulties: open and overdue ones first, then by age."""
    from ops.difficulty import listing as show

    raise typer.Exit(show(only_open=only_open, group=group, owner=owner, overdue=overdue, as_json=as_json))


@difficulty_app.command()
def groups(as_json: Json = False) -> None:
    """Show the 25 groups, who is responsible, and how many are open."""
    from ops.difficulty import groups as show

    raise typer.Exit(show(as_json=as_json))
