"""What is kept for how long, and how the rest is removed without a figure going wrong in silence.

- What nothing else depends on (heartbeats, loads, ...) goes by the tables' own TTLs, set from the settings.
- Raw events and the steps of ended dossiers go behind a seal, history behind a mark, both by `remove`: a TTL
  can look neither at a seal nor at the double entry, and by age alone a history would lose the one revision
  that a book which changed again later had at a cut.

The order makes a crash harmless: seals (the first row stays), then the mark (from which on earlier cuts are
refused), then the set of removed seqs, then the rows. Everything may be done again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final, NamedTuple

from producers.contract.errors import Stop
from streams.domain.days import HANOI
from streams.warehouse import removal_sql as sql
from streams.warehouse.comparison import DIFFERENCES_MAX, Scope, compare
from streams.warehouse.store import Store

RAW, HISTORY = "raw", "history"
# Kafka keeps a month: a loader that reads it again must find each event still there, or still unknown.
RAW_DAYS_MIN: Final = 62
HELD_MAX: Final = 1_000


@dataclass(frozen=True, slots=True)
class Policy:
    """Days that are kept, 0 for ever."""

    raw_days: int = 0
    history_days: int = 400
    heartbeats_days: int = 7
    loads_days: int = 7
    conservation_days: int = 90
    alerts_days: int = 0
    double_entry_days: int = 0


class Lifetime(NamedTuple):
    """A table whose rows go by themselves: what it counts from, and what stands before the TTL."""

    table: str
    setting: str
    column: str
    before: str = ""


class Removed(NamedTuple):
    """One removal: up to before which day, what is held and why, how many rows went."""

    what: str
    until: date
    events: int
    sealed: int
    held: list[tuple[str, date]]


_OLD_BEATS: Final = "toDateTime(at) + toIntervalDay(1) WHERE (broken = 0) AND (toMinute(at) != 0), "
# Of rows that are written anew while they matter, the newest version is the youngest and goes last.
LIFETIMES: Final = (
    Lifetime("heartbeats", "heartbeats_days", "arrived_at"),
    Lifetime("loads", "loads_days", "stored_at"),
    Lifetime("conservation", "conservation_days", "at", _OLD_BEATS),
    Lifetime("alerts", "alerts_days", "last_seen_at"),
    Lifetime("alert_acks", "alerts_days", "acked_at"),
    Lifetime("alert_deliveries", "alerts_days", "next_at"),
    Lifetime("alert_history", "alerts_days", "last_seen_at"),
    Lifetime("alert_ack_history", "alerts_days", "acked_at"),
    Lifetime("alert_delivery_history", "alerts_days", "next_at"),
    Lifetime("double_entry", "double_entry_days", "checked_at"),
    Lifetime("double_entry_history", "double_entry_days", "checked_at"),
)


def apply_lifetimes(store: Store, policy: Policy) -> list[str]:
    """Give each table the TTL of its setting; names of those that had another. Twice changes nothing.

    :raises Unavailable: ClickHouse is away; run again
    """
    engines: dict[str, str] = dict(store.query(sql.ENGINES, {"names": [one.table for one in LIFETIMES]}).rows)
    changed = []
    for one in LIFETIMES:
        wanted, found = _expression(one, policy), engines[one.table]
        if wanted not in found and (getattr(policy, one.setting) or " TTL " in found):
            store.command(f"ALTER TABLE {one.table} MODIFY TTL {one.before}{wanted}")
            changed.append(f"retention/{one.table}")
    return changed


def _expression(one: Lifetime, policy: Policy) -> str:
    days = getattr(policy, one.setting)
    # A hundred years, not REMOVE TTL: that fails when it is run twice.
    return (
        f"toDateTime({one.column}) + toIntervalDay({days})"
        if days
        else f"toDate({one.column}) + toIntervalYear(100)"
    )


def remove(store: Store, policy: Policy) -> list[Removed]:
    """Remove what is older than the policy as of the newest cut; nothing where no cut was published.

    :raises Unavailable: ClickHouse is away; run again
    :raises Stop: `too_many_differences`: books and raw rows differ so widely that nothing was removed
    """
    cut = store.query(sql.NEWEST_CUT).rows
    if not cut:
        return []
    number, at_ms = cut[0]
    done = []
    if policy.raw_days:
        done.append(_Raw(store, number, horizon(at_ms, policy.raw_days), policy.raw_days).remove())
    if policy.history_days:
        done.append(_history(store, number, horizon(at_ms, policy.history_days), policy.history_days))
    return [one for one in done if one is not None]


def horizon(at_ms: int, days: int) -> date:
    """The first day of the month in Hanoi that lies `days` before an instant: whole months go at once."""
    day = datetime.fromtimestamp(at_ms / 1000, HANOI).date() - timedelta(days=days)
    return day.replace(day=1)


class _Raw:
    """One removal of raw rows up to a day."""

    def __init__(self, store: Store, cut: int, until: date, days: int) -> None:
        self._store, self._cut, self._until, self._days = store, cut, until, days
        self._known: dict[str, Any] = {"until": until, "cut": cut, "as_of": str(cut)}

    def remove(self) -> Removed | None:
        """:raises Stop: `too_many_differences`"""
        self._repeats()
        if not self._ask(sql.CANDIDATES):
            return None
        held = self._held()
        sealed = self._seal(held)
        _mark(self._store, RAW, self._until, self._days, self._cut, len(held))
        events = int(self._ask(sql.REMOVABLE)[0][0])
        if not events:
            return None
        self._delete()
        return Removed(RAW, self._until, events, sealed, held)

    def _delete(self) -> None:
        self._run(sql.REMEMBER)
        self._run(sql.DELETE_EVENTS)
        self._run(sql.DELETE_STEPS)

    def _held(self) -> list[tuple[str, date]]:
        """Books that do not agree with their raw rows, or with their seals and what came since."""
        differing = compare(
            self._store, Scope(last=self._until - timedelta(days=1)), str(self._cut), threads=1
        )
        books = {(one.ward, one.day) for one in differing}
        books |= {(ward, day) for ward, day in self._ask(sql.MISCOUNTED)}
        if len(differing) >= DIFFERENCES_MAX or len(books) > HELD_MAX:
            raise Stop(
                "too_many_differences",
                f"{len(books)} books differ from their raw rows; nothing was removed"
                f" / {len(books)} sổ khác dữ liệu thô; chưa gỡ gì",
                "See dongbo reconcile, mend, then try again / xem dongbo reconcile, sửa rồi thử lại",
            )
        return sorted(books)

    def _seal(self, held: Sequence[tuple[str, date]]) -> int:
        self._run(sql.SEAL.replace("{held}", _tuples(held)))
        return int(self._ask(sql.SEALED)[0][0])

    def _repeats(self) -> None:
        """What was removed and came again is taken away again: its place is under a seal."""
        if self._store.value(sql.REPEATS):
            self._run(sql.DELETE_REPEATED_STEPS)
            self._run(sql.DELETE_REPEATS)

    def _ask(self, statement: str) -> list[tuple[Any, ...]]:
        known = {name: value for name, value in self._known.items() if f"{{{name}:" in statement}
        return self._store.query(statement, known).rows

    def _run(self, statement: str) -> None:
        self._store.command(_filled(statement, self._known))


def _history(store: Store, cut: int, until: date, days: int) -> Removed | None:
    known: Mapping[str, Any] = {"until": until}
    months = store.query(sql.STATE_MONTHS, known).rows
    rows = int(store.query(sql.SUPERSEDED, known).rows[0][0])
    if not months and not rows:
        return None
    _mark(store, HISTORY, until, days, cut, 0)
    for table, month in months:
        store.command(f"ALTER TABLE {table} DROP PARTITION ID '{int(month)}'")
    if rows:
        store.command(_filled(sql.DELETE_HISTORY, known))
    return Removed(HISTORY, until, rows, 0, [])


def _mark(store: Store, what: str, until: date, days: int, cut: int, held: int) -> None:
    known = {"what": what, "until": until, "days": days, "cut": cut, "held": held}
    store.command(_filled(sql.MARK, known))


def _filled(statement: str, known: Mapping[str, Any]) -> str:
    """Numbers, days and words of ours in place of parameters: a mutation is kept as text, nothing bound."""
    for name, value in known.items():
        text = f"'{value}'" if isinstance(value, date | str) else str(int(value))
        for kind in ("Date32", "UInt64", "String"):
            statement = statement.replace(f"{{{name}:{kind}}}", text)
    return statement


def _tuples(books: Sequence[tuple[str, date]]) -> str:
    return (
        ", ".join(f"('{ward}', toDate32('{day}'))" for ward, day in books) or "('', toDate32('1900-01-01'))"
    )
