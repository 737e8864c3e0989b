"""`dongbo alerts …`: what is wrong now, who has it in hand, what was; work is imported lazily."""

from __future__ import annotations

from typing import Annotated, Final

import typer

alerts_app: Final = typer.Typer(
    name="alerts",
    help="Alerts: `dongbo alerts` lists the open ones and exits 1 if one is critical.",
    invoke_without_command=True,
)

Json = Annotated[bool, typer.Option("--json", help="One JSON value on stdout, nothing else.")]
Instant = "A day or an instant in Hanoi's time, e.g. 2025-07-14 or '2025-07-14 09:30:00'."
From = Annotated[str | None, typer.Option("--from", help=Instant)]
To = Annotated[str | None, typer.Option("--to", help=Instant)]
Ward = Annotated[str | None, typer.Option("--ward", help="A ward's 5-digit code, e.g. 00070.")]
Rule = Annotated[str, typer.Argument(help="A rule of sql/alerts; `dongbo alerts rules` lists them.")]


@alerts_app.callback()
def alerts(context: typer.Context, as_json: Json = False) -> None:
    """Alerts: evaluate all rules now and list what is open; exit 1 if one is critical."""
    if context.invoked_subcommand is None:
        from ops.alerts import show

        raise typer.Exit(show(as_json=as_json))


@alerts_app.command()
def ack(
    rule: Rule,
    key: Annotated[str, typer.Argument(help="The alert's key, as the list shows it.")],
    note: Annotated[str, typer.Option(help="What is being done; no person's name.")] = "",
    by: Annotated[str, typer.Option(help="Which desk has it in hand; no person's name.")] = "operator",
    as_json: Json = False,
) -> None:
    """Say that an open alert is in hand, e.g. `dongbo alerts ack silent-ward 00070 --note "line is down"`."""
    from ops.alerts import ack as acknowledge

    raise typer.Exit(acknowledge(rule, key, note=note, by=by, as_json=as_json))


@alerts_app.command()
def history(first: From = None, last: To = None, ward: Ward = None, as_json: Json = False) -> None:
    """Alerts that were open in a span, by default the last seven days."""
    from ops.alerts import history as past

    raise typer.Exit(past(first=first, last=last, ward=ward, as_json=as_json))


@alerts_app.command()
def rules(as_json: Json = False) -> None:
    """The rules, what each is about, and whether it can be evaluated; exit 1 if one cannot."""
    from ops.alerts import rules as all_rules

    raise typer.Exit(all_rules(as_json=as_json))


@alerts_app.command("test")
def try_out(
    rule: Rule,
    first: From = None,
    last: To = None,
    every: Annotated[int, typer.Option(min=10, help="Seconds between two evaluations.")] = 10,
    param: Annotated[list[str] | None, typer.Option("-p", "--param", help="name=value, repeatable.")] = None,
    as_json: Json = False,
) -> None:
    """Try a rule on history: what would have started and ended when, evaluated at each cut of a span."""
    from ops.alerts import try_out as run

    raise typer.Exit(run(rule, first=first, last=last, every=every, given=param or [], as_json=as_json))


@alerts_app.command("send-test")
def send_test(as_json: Json = False) -> None:
    """Send a test message over every channel that is set up, and say what came of it."""
    from ops.alerts import send_test as send

    raise typer.Exit(send(as_json=as_json))
