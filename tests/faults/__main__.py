"""`./dev faults`: a campaign of faults against a city of its own, and what came of it."""

from __future__ import annotations

import argparse
import json
import logging
import math
import signal
import sys
import tempfile
from pathlib import Path

from tests.faults.campaign import ROUND_S, Campaign, every_kind, note
from tests.faults.catalogue import ALWAYS, FAULTS, NOT_HERE, SHORT
from tests.faults.plan import Plan
from tests.faults.report import markdown, write
from tests.faults.schedule import rounds

OK, FINDING, USAGE = 0, 1, 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="./dev faults", description=__doc__)
    parser.add_argument("files", nargs="*", help="report FILE...: a table of earlier reports")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--events", type=int, default=30_000, help="of all wards together")
    parser.add_argument("--wards", type=int, default=126)
    parser.add_argument(
        "--minutes",
        type=float,
        default=0.0,
        help="what all rounds are thought to last; then they are measured",
    )
    parser.add_argument("--faults", default="short", help="short, all, list, or names with commas")
    parser.add_argument("--kills", type=int, default=0, help="at least so many kill -9")
    parser.add_argument("--together", type=int, default=5, help="faults of a round")
    parser.add_argument("--patience", type=float, default=1.0, help="times the bounds of 60 s and 120 s")
    parser.add_argument(
        "--soak", type=float, default=0.0, metavar="MINUTES", help="a kill every 20 s instead"
    )
    parser.add_argument("--rate", type=float, default=200.0, help="of a soak, in events a second")
    parser.add_argument("--folder", type=Path, help="where the city is kept; default: a temporary folder")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--report", type=Path, help="write FILE.md and FILE.json")
    return parser


def _kinds(text: str) -> list[str]:
    if text in ("all", "short"):
        return every_kind() if text == "all" else list(SHORT)
    unknown = [name for name in text.split(",") if name not in FAULTS]
    if unknown:
        sys.stderr.write(f"no fault {', '.join(unknown)}; see ./dev faults --faults list\n")
        sys.exit(USAGE)
    return text.split(",")


def _list(as_json: bool) -> int:
    rows = [
        {"id": f.id, "name": f.name, "group": f.group, "expectation": f.expectation} for f in FAULTS.values()
    ]
    if as_json:
        others = {"always": [e._asdict() for e in ALWAYS], "not_here": [e._asdict() for e in NOT_HERE]}
        print(json.dumps({"faults": rows, **others}, ensure_ascii=False))
        return OK
    for row in rows:
        print(f"{row['id']:5} {row['name']:34} {row['group']:13} {row['expectation']}")
    for title, found in (("in every campaign", ALWAYS), ("not here", NOT_HERE)):
        print(f"\n{title}:")
        for one in found:
            print(f"{one.id:5} {one.what:34} {one.reason}" + (f" ({one.shown_by})" if one.shown_by else ""))
    return OK


def main() -> int:
    """Exit code 0: nothing lost, nothing counted twice, everything named and recovered; 1: a finding."""
    given = _parser().parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(FINDING))
    if given.faults == "list":
        return _list(given.json)
    if given.files:
        return _tables(given.files)
    # While it is away the driver says so at each attempt.
    logging.getLogger("clickhouse_connect").setLevel(logging.CRITICAL)
    folder = given.folder or Path(tempfile.mkdtemp(prefix="dongbo-faults-"))
    folder.mkdir(parents=True, exist_ok=True)
    if given.report:
        given.report.parent.mkdir(parents=True, exist_ok=True)
    if given.soak:
        from tests.faults.soak import soak

        return soak(given, folder)
    campaign = _campaign(given, folder)
    try:
        campaign.run()
    except BaseException as error:  # also a signal: what was seen so far is written down
        campaign.findings.append(f"broken off: {error!r}")
        raise
    finally:
        code = _show(campaign, given, folder)
    return code


def _campaign(given: argparse.Namespace, folder: Path) -> Campaign:
    kinds, each = _kinds(given.faults), max(1, math.ceil(given.events / given.wards))
    own_disk = "clickhouse-disk-full" in kinds
    often = len(rounds(given.seed, kinds, given.kills, given.together))
    round_s = given.minutes * 60 / often if given.minutes else ROUND_S
    plan = Plan(
        given.seed,
        each,
        round_s * often,
        given.wards,
        own_disk=own_disk,
        round_s=round_s,
        patience=given.patience,
    )
    return Campaign(given.seed, plan, kinds, given.kills, folder, given.together)


def _show(campaign: Campaign, given: argparse.Namespace, folder: Path) -> int:
    found = campaign.as_dict() | {"command": command(given)}
    if given.report:
        write(found, given.report)
    print(json.dumps(found, ensure_ascii=False, default=str) if given.json else markdown(found))
    if not campaign.ok:
        note(f"FAILED; logs and ledgers are in {folder}. Repeat it with: {command(given)}")
        return FINDING
    return OK


def command(given: argparse.Namespace) -> str:
    """The one command that repeats it."""
    return (
        f"./dev faults --seed {given.seed} --events {given.events} --wards {given.wards}"
        f" --minutes {given.minutes:g} --faults {given.faults} --kills {given.kills}"
        f" --together {given.together} --patience {given.patience:g}"
    )


def _tables(words: list[str]) -> int:
    from tests.faults.report import table

    if words[0] != "report" or len(words) < 2:
        sys.stderr.write("usage: ./dev faults report FILE.json...\n")
        return USAGE
    print(table([json.loads(Path(name).read_text(encoding="utf-8")) for name in words[1:]]))
    return OK


if __name__ == "__main__":
    sys.exit(main())
