"""The scripted day's stage: its wards and their office hours, what is expected and what is found."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, Final, NamedTuple

from ops import console
from ops.city.prepare import store
from ops.city.scenario_wards import Line, now
from ops.city.scenario_words import Words
from ops.settings import Settings
from producers.contract.errors import Stop
from producers.repair import ask, new_request
from streams.domain.days import number_of
from streams.warehouse.repairs import REQUEST, Repair, record
from streams.warehouse.store import Store

LETTERS: Final = "ABCDEFG"
# Who is chosen first: D and E of wards that are known since yesterday, G of those that rest.
_CHOSEN: Final = "DEGABCF"
SILENT_AFTER_S: Final = 15
DAY_MINUTES: Final = 1440
WAIT_S: Final = 90.0
POLL_S: Final = 0.5
# An office is active for so long after its newest event.
ACTIVE: Final = timedelta(minutes=15)
_HEARD_S: Final = 30.0
_CANDIDATES: Final = """
SELECT s.ward, toDate(l.first_at), s.arrived_at
FROM v_ward_status AS s
LEFT JOIN (SELECT ward, min(first_arrived_at) AS first_at FROM landed_seqs GROUP BY ward) AS l
    ON l.ward = s.ward
WHERE s.at > toDateTime64(0, 3) AND s.reason IN ('never', 'quiet', 'closed', 'active')
    AND s.status IN ('waiting', 'good')
    AND s.missing = 0 AND s.conflicts = 0 AND s.mismatches = 0 AND s.differences = 0
ORDER BY indexOf(['never', 'quiet', 'closed', 'active'], s.reason), s.ward
"""
_HEARD: Final = """
SELECT count() FROM v_ward_status WHERE ward IN {wards:Array(String)} AND heard_at >= {began:DateTime64(3)}
"""
_OVERRIDES: Final = (
    ("ward", "LowCardinality(String)"),
    ("first_day", "Date32"),
    ("last_day", "Date32"),
    ("open_minutes", "Array(UInt16)"),
    ("silent_after_s", "UInt32"),
    ("note", "String"),
    ("version", "UInt64"),
    ("deleted", "Bool"),
)


class Expectation(NamedTuple):
    """What must come to be. `ask` is called until it answers `wanted`, at most `within_s`."""

    words: Words
    wanted: Any
    ask: Callable[[], Any]
    within_s: float = WAIT_S


class Result(NamedTuple):
    """An expectation and what was found."""

    expectation: str
    wanted: Any
    found: Any
    ok: bool


class Ward(NamedTuple):
    """A ward as it was before anything of the day: the day on which it was first heard, if it was, and when
    its newest event arrived."""

    code: str
    first: date | None
    arrived_at: datetime | None

    def rests(self, at: datetime) -> bool:
        """Whether its office, closed, is no more active at an instant, unless another event arrives."""
        return self.arrived_at is None or at - self.arrived_at > ACTIVE


class Step(NamedTuple):
    """A part of the day: what happens, where to look, what is done, and what must come of it."""

    title: Words
    happens: Words
    look: str
    act: Callable[[], object]
    expect: Callable[[], Sequence[Expectation]]


@dataclass(slots=True)
class Day:
    """One run. `began` is before anything of it arrived."""

    settings: Settings
    stop: threading.Event
    folder: Path
    store: Store = field(init=False)
    chosen: dict[str, Ward] = field(init=False)
    wards: dict[str, str] = field(init=False)
    began: datetime = field(init=False)
    epoch: str = field(init=False)
    lines: list[Line] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.store = store(self.settings)
        self.began = now()
        # Not only the time: two runs within a second must not share seqs.
        self.epoch = f"troubled-{self.began:%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"
        self.chosen = self._choose()
        self.wards = {letter: ward.code for letter, ward in self.chosen.items()}

    @property
    def today(self) -> date:
        """The day in Hanoi on which the run began."""
        return self.began.date()

    @property
    def yesterday(self) -> date:
        """The day before."""
        return self.today - timedelta(days=1)

    @property
    def main(self) -> Line:
        """The line of all wards but B."""
        return self.lines[0]

    @property
    def lossy(self) -> Line:
        """B's line."""
        return self.lines[1]

    def open_lines(self) -> None:
        """Make both outboxes; the main one begins to send."""
        speaking = [self.wards[letter] for letter in "ACDEF"]
        self.lines.append(Line(self.settings, self.folder, self.epoch, speaking))
        self.lines.append(Line(self.settings, self.folder, f"{self.epoch}-b", [self.wards["B"]]))
        self.main.start()
        # Before the deadlines are short: who was last heard some minutes ago must not be silent at once.
        self.lossy.beat(self.wards["B"])
        for ward in speaking:
            self.main.beat(ward)
        self._wait_heard()

    def known_before(self, letter: str) -> date | None:
        """The day on which a ward was first heard, if that was before today."""
        first = self.chosen[letter].first
        return first if first is not None and first <= self.yesterday else None

    def close(self) -> None:
        """Send what is left."""
        for line in self.lines:
            line.close()

    def value(self, sql: str, **parameters: Any) -> Any:
        """The first column of the first row, or None."""
        return self.store.value(sql, parameters)

    def rows(self, sql: str, **parameters: Any) -> list[list[Any]]:
        """All rows, as plain lists."""
        return [list(row) for row in self.store.query(sql, parameters).rows]

    def ward_status(self, letter: str, *columns: str) -> list[Any]:
        """Columns of a ward's row in v_ward_status."""
        rows = self.rows(
            f"SELECT {', '.join(columns)} FROM v_ward_status WHERE ward = {{ward:String}}",  # noqa: S608
            ward=self.wards[letter],
        )
        return rows[0] if rows else []

    def office_hours(self, *, deleted: bool) -> None:
        """Give the wards of the day hours of their own, for today only, or take them back.

        A's deadline is short, and G's would be, if it were not closed; the others keep the usual one.
        """
        first = number_of(self.today)
        same = ("scenario troubled-day", time.time_ns(), deleted)
        rows = [
            (
                *(ward, first, first),
                [] if letter == "G" else [0, DAY_MINUTES],
                SILENT_AFTER_S if letter in "AG" else 0,
                *same,
            )
            for letter, ward in self.wards.items()
        ]
        names, types = zip(*_OVERRIDES, strict=True)
        self.store.insert("office_overrides", names, types, list(zip(*rows, strict=True)))

    def ask(self, ward: str, epoch: str, seqs: range) -> None:
        """Ask a ward for seqs again, and write down who did."""
        request = new_request(ward, epoch, seqs[0], seqs[-1])
        repair = Repair(request.request, REQUEST, "operator", ward, epoch, seqs[0], seqs[-1], "gap")
        record(self.store, [repair])
        ask(self.settings.kafka_bootstrap, [request], self.settings.events_topic)

    def check(self, expectation: Expectation) -> Result:
        """Ask until it is as it must be, or time is over."""
        deadline, wanted = time.monotonic() + expectation.within_s, expectation.wanted
        while (found := expectation.ask()) != wanted and time.monotonic() < deadline:
            if self.stop.wait(POLL_S):
                raise Stop("interrupted", "asked to stop", "Run it again: each run has an epoch of its own")
        text = f"{expectation.words.vi} / {expectation.words.en}"
        return Result(text, wanted, found, found == wanted)

    def _wait_heard(self) -> None:
        wards = [ward for letter, ward in self.wards.items() if letter != "G"]
        deadline = time.monotonic() + _HEARD_S
        while self.value(_HEARD, wards=wards, began=self.began) < len(wards) and time.monotonic() < deadline:
            if self.stop.wait(POLL_S):
                raise Stop("interrupted", "asked to stop", "Run it again: each run has an epoch of its own")

    def _choose(self) -> dict[str, Ward]:
        """Seven wards in which all is well; of equals those that nothing was ever heard of come first."""
        console.note("waiting until every ward is judged / đang chờ xét mọi phường, xã")
        deadline, found = time.monotonic() + WAIT_S, list[Ward]()
        while len(found) < len(LETTERS):
            if time.monotonic() > deadline or self.stop.wait(POLL_S):
                raise Stop(
                    "no_wards",
                    f"only {len(found)} wards are well, the day needs {len(LETTERS)}",
                    "See: dongbo status, v_ward_status",
                )
            found = [
                Ward(code, first if first.year > 1970 else None, at)
                for code, first, at in self.rows(_CANDIDATES)
            ]
        return self._parts(found)

    def _parts(self, found: list[Ward]) -> dict[str, Ward]:
        """Who plays whom: first those parts that not every ward can play."""
        wished = {
            "D": lambda ward: ward.first is not None and ward.first <= self.yesterday,
            "E": lambda ward: ward.first is not None and ward.first <= self.yesterday,
            "G": lambda ward: ward.rests(self.began),
        }
        parts = dict[str, Ward]()
        for letter in _CHOSEN:
            left = [ward for ward in found if ward not in parts.values()]
            fit = wished.get(letter, lambda _: True)
            parts[letter] = next(filter(fit, left), left[0])
        return {letter: parts[letter] for letter in LETTERS}
