"""The command line `dongbo`: every command in one place, its work in a module that is imported when used.

Data on stdout, notes on stderr. Exit codes: 0 ok, 1 finding, 2 usage, 3 service unreachable, 4 data rejected.
"""

from __future__ import annotations

import logging
import sys
from pathlib import Path
from typing import Annotated, Final

import typer

from ops.alerts_cli import alerts_app
from ops.analyst_cli import analyst_app
from ops.audit_cli import audit_app
from ops.difficulty_cli import difficulty_app
from ops.keeping_cli import add_to as add_keeping
from ops.picture_cli import calendar_app, cut_app
from ops.rebuild_cli import rebuild_app
from ops.viewer_cli import viewer_app
from ops.ward_cli import ward_app
from producers.contract.errors import DongBoError, OutboxFull, Refused, Reject, Unavailable

OK, FINDING, USAGE, UNREACHABLE, REJECTED = range(5)

app: Final = typer.Typer(
    name="dongbo",
    help="Đồng Bộ: the city's dossier pipeline. First `./dev up`, then `./dev status`, `./dev ask`.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

app.add_typer(ward_app)
app.add_typer(audit_app)
app.add_typer(rebuild_app)
app.add_typer(difficulty_app)
app.add_typer(cut_app)
add_keeping(app)
app.add_typer(calendar_app)
app.add_typer(viewer_app)
app.add_typer(alerts_app)
app.add_typer(analyst_app)

Json = Annotated[bool, typer.Option("--json", help="One JSON value on stdout, nothing else.")]
AsOf = Annotated[
    str | None, typer.Option("--as-of", help="A cut's number, or an instant as '2025-07-21 14:32:05'.")
]
Ward = Annotated[str | None, typer.Option("--ward", help="A ward's 5-digit code, e.g. 00070.")]


@app.command()
def up() -> None:
    """Start the whole city on this machine and keep it running; Ctrl-C stops all of it."""
    from ops.city.up import up as start

    raise typer.Exit(start())


@app.command()
def demo(
    once: Annotated[bool, typer.Option(help="Stop when all is loaded and reconciled.")] = False,
    as_json: Json = False,
) -> None:
    """Replay the three weeks of July 2025 as fast as the pipeline takes them, then go on live."""
    from ops.city.demo import demo as replay

    raise typer.Exit(replay(once=once, as_json=as_json))


@app.command()
def scenario(
    name: Annotated[str, typer.Argument(help="troubled-day")] = "troubled-day",
    pause: Annotated[bool, typer.Option("--pause", help="Wait for Enter after each step.")] = False,
    as_json: Json = False,
) -> None:
    """Play a day on which much goes wrong and compare what comes of it; the operators' training piece."""
    from ops.city.scenario import scenario as play

    raise typer.Exit(play(name, pause=pause, as_json=as_json))


@app.command()
def run(
    name: Annotated[
        str, typer.Argument(help="kafka, clickhouse, worker, loader, monitor, dashboard, gateway or city")
    ],
) -> None:
    """Run one process in the foreground (the supervisor and the containers call this)."""
    from ops.processes import run as start

    start(name)


@app.command()
def gateway() -> None:
    """Run the wards' HTTP gateway in the foreground; its page is at http://127.0.0.1:8820/docs."""
    from ops.processes import run as start

    start("gateway")


@app.command()
def fetch() -> None:
    """Fetch Kafka's jars, so that the first start needs no network."""
    from ops.processes import fetch as fetch_jars

    fetch_jars()


@app.command()
def migrate(
    render: Annotated[bool, typer.Option("--render", help="Print the statements, change nothing.")] = False,
    cluster: Annotated[str | None, typer.Option("--cluster", help="With --render: for this cluster.")] = None,
    as_json: Json = False,
) -> None:
    """Create or check the topics, and bring ClickHouse's schema up to date."""
    from ops.city.prepare import migrate as bring
    from ops.city.prepare import render as show

    if render:
        raise typer.Exit(show(cluster))
    raise typer.Exit(bring(as_json=as_json))


@app.command()
def status(as_json: Json = False) -> None:
    """Every process, its lag and its last event, one line each."""
    from ops.watch.status import status as show

    raise typer.Exit(show(as_json=as_json))


@app.command()
def doctor(as_json: Json = False) -> None:
    """Each check: found, wanted, and the exact command that mends it."""
    from ops.watch.doctor import doctor as examine

    raise typer.Exit(examine(as_json=as_json))


@app.command()
def lag(as_json: Json = False) -> None:
    """How many messages each group has not processed yet, per partition."""
    from ops.watch.lag import show

    raise typer.Exit(show(as_json=as_json))


@app.command()
def conservation(as_json: Json = False) -> None:
    """What each hop has of what the one before it had, per partition; exit 1 if anything is lost."""
    from ops.watch.conservation import conservation as show

    raise typer.Exit(show(as_json=as_json))


@app.command()
def tap(
    ward: Ward = None,
    beginning: Annotated[bool, typer.Option("--from-beginning", help="Start with the oldest.")] = False,
    count: Annotated[int, typer.Option("-n", "--count", min=0, help="Stop after so many; 0: never.")] = 0,
    seconds: Annotated[float, typer.Option(help="Stop after so many seconds without an event.")] = 3600.0,
    as_json: Json = False,
) -> None:
    """Show events as they pass, each with its partition and offset, rejected ones with their reason."""
    from ops.watch.tap import show

    raise typer.Exit(show(ward=ward, beginning=beginning, count=count, seconds=seconds, as_json=as_json))


@app.command()
def ask(
    name: Annotated[str | None, typer.Argument(help="A question of sql/questions; none lists them.")] = None,
    param: Annotated[list[str] | None, typer.Option("-p", "--param", help="name=value, repeatable.")] = None,
    as_of: AsOf = None,
    about: Annotated[bool, typer.Option("--about", help="What it answers and takes, and its SQL.")] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="CSV on stdout.")] = False,
    out: Annotated[Path | None, typer.Option(help="A file: .csv, .json, .parquet or .xlsx.")] = None,
    as_json: Json = False,
) -> None:
    """Answer a saved question, e.g. `dongbo ask city-by-day`; as of a cut the answer never changes."""
    from ops import ask as asking

    if name is None:
        raise typer.Exit(asking.listed(as_json=as_json))
    if about:
        raise typer.Exit(asking.about(name, as_json=as_json))
    raise typer.Exit(asking.ask(name, param or [], asking.Wish(as_json, as_csv, out, as_of)))


@app.command()
def sql(
    query: Annotated[str, typer.Argument(help="One statement; it runs as the read-only user.")],
    as_json: Json = False,
) -> None:
    """Run one read-only SQL statement, e.g. `dongbo sql "SELECT * FROM v_city_day"`."""
    from ops.query import sql as answer

    raise typer.Exit(answer(query, as_json=as_json))


@app.command()
def describe(
    name: Annotated[str | None, typer.Argument(help="A view or reference table; none lists them.")] = None,
    member: Annotated[
        str | None, typer.Option("--member", help="An event's member, e.g. due_at: what is made of it.")
    ] = None,
    write: Annotated[
        bool, typer.Option("--write", help="Make docs/dictionary.md and sql/lineage.json anew.")
    ] = False,
    as_json: Json = False,
) -> None:
    """The data dictionary: views, columns and the events' members behind them, e.g. `describe v_city_day`."""
    from ops import describe as words

    raise typer.Exit(words.write() if write else words.describe(name, member, as_json=as_json))


@app.command()
def validate(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="One event a line (NDJSON).")],
    as_json: Json = False,
) -> None:
    """Check a file of events as the city will; every bad line is reported. Exit 4 if any is bad."""
    from ops.ward import validate as check

    raise typer.Exit(check(file, as_json=as_json))


@app.command()
def publish(
    file: Annotated[
        Path | None,
        typer.Argument(exists=True, dir_okay=False, help="NDJSON (an event a line), CSV or XLSX."),
    ] = None,
    mapping: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, help="CSV, XLSX: which column is which member (TOML)."),
    ] = None,
    example_mapping: Annotated[
        bool, typer.Option("--example-mapping", help="Print a mapping file to begin with.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only check.")] = False,
    as_json: Json = False,
) -> None:
    """Send a file to Kafka, all or nothing: one bad line and none is sent; twice is once."""
    from ops.ward import publish as send

    raise typer.Exit(
        send(file, mapping=mapping, example_mapping=example_mapping, dry_run=dry_run, as_json=as_json)
    )


@app.command()
def simulate(
    seconds: Annotated[float, typer.Option(min=1, help="How long.")] = 60.0,
    rate: Annotated[float, typer.Option(min=0.01, help="Times the real pace of the city.")] = 1.0,
    malformed: Annotated[bool, typer.Option(help="Send one bad message of every kind, too.")] = False,
    as_json: Json = False,
) -> None:
    """Let simulated wards work for a while, beside whatever else runs."""
    from ops.city.live import simulate as live

    raise typer.Exit(live(seconds=seconds, rate=rate, malformed=malformed, as_json=as_json))


@app.command()
def settings(as_json: Json = False) -> None:
    """All settings as they are in force; secrets are masked."""
    from ops.query import settings as show

    raise typer.Exit(show(as_json=as_json))


def main() -> None:
    """Run a command; our own errors become one line on stderr and an exit code."""
    # Clients' own warnings while a service starts are not news for a person; a process logs all (see run).
    logging.basicConfig(level=logging.ERROR)
    try:
        app()
    except Unavailable as error:
        _fail(str(error), UNREACHABLE)
    except (Reject, OutboxFull) as error:
        _fail(str(error), REJECTED)
    except Refused as error:
        _fail(str(error), USAGE)
    except DongBoError as error:
        _fail(str(error), FINDING)


def _fail(message: str, code: int) -> None:
    sys.stderr.write(f"dongbo: {message}\n")
    sys.exit(code)
