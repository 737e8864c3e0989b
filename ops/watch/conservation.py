"""Conservation on the command line: what each hop of the way has, and what is lost between two of them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

from ops import console
from ops.city.prepare import reader
from ops.settings import Settings, load

OK, FINDING = 0, 1
# The monitor looks every ten seconds; after a minute without a look, nobody knows.
STALE_S: Final = 60.0
# A look takes a quarter of a second on a year; a ClickHouse that hangs must be told of, not waited for.
ANSWER_S: Final = 10
COLUMNS: Final = (
    "hop",
    "partition",
    "state",
    "expected",
    "found",
    "in_flight",
    "broken",
    "detail_vi",
    "detail_en",
    "at",
)


class Standing(NamedTuple):
    """The whole way in one line: `state` is equal, in_flight, broken, stale or unknown."""

    state: str
    ok: bool
    in_flight: int
    broken: int
    at: datetime | None
    detail: str


def conservation(*, as_json: bool) -> int:
    """`dongbo conservation`: 1 if something is lost between two hops, or nobody has looked for a minute."""
    rows = _rows(load())
    whole = _standing(rows)
    shown = rows if as_json else [*_sums(rows), *(row for row in rows if row["state"] != "equal")]
    console.emit_rows(COLUMNS, [[row[name] for name in COLUMNS] for row in shown], as_json=as_json)
    console.note(
        f"{whole.state}: {whole.broken} broken, {whole.in_flight} in flight"
        f" / sai {whole.broken}, trên đường {whole.in_flight}. {whole.detail}".rstrip()
    )
    return OK if whole.state in ("equal", "in_flight") else FINDING


def _sums(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """A line a hop; what is not equal follows partition by partition."""
    lines = []
    for hop in dict.fromkeys(row["hop"] for row in rows):
        own = [row for row in rows if row["hop"] == hop]
        sums = {name: sum(row[name] for row in own) for name in ("expected", "found", "in_flight", "broken")}
        state = "broken" if sums["broken"] else "in_flight" if sums["in_flight"] else "equal"
        words = {"detail_vi": own[0]["hop_vi"], "detail_en": own[0]["hop_en"]}
        at = min(row["at"] for row in own)
        lines.append({"hop": hop, "partition": "all", "state": state, **sums, **words, "at": at})
    return lines


def standing(settings: Settings) -> Standing:
    """For `dongbo status`.

    :raises Unavailable: ClickHouse does not answer
    """
    return _standing(_rows(settings))


def _rows(settings: Settings) -> list[dict[str, Any]]:
    with reader(settings, ANSWER_S) as store:
        return store.query("SELECT * FROM v_conservation ORDER BY hop, partition").dicts()


def _standing(rows: list[dict[str, Any]]) -> Standing:
    if not rows:
        return Standing("unknown", True, 0, 0, None, "not judged yet / chưa xét")
    at = min(row["at"] for row in rows)
    broken, in_flight = sum(row["broken"] for row in rows), sum(row["in_flight"] for row in rows)
    lost = [row for row in rows if row["broken"]]
    if broken:
        told = (
            f"{row['hop']}/{row['partition']}: {row['detail_vi']} / {row['detail_en']}" for row in lost[:3]
        )
        return Standing("broken", False, in_flight, broken, at, "; ".join(told))
    if (datetime.now(UTC) - at).total_seconds() > STALE_S:
        return Standing("stale", False, in_flight, 0, at, "not judged for a minute / hơn một phút chưa xét")
    return Standing("in_flight" if in_flight else "equal", True, in_flight, 0, at, "")
