"""What the scripted day asks of the city: each answer in plain values, wards by their letters."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any, Final

from ops.city.scenario_day import SILENT_AFTER_S, Day, Expectation
from ops.city.scenario_wards import now
from ops.city.scenario_words import Words
from producers.contract.vocabulary import Status

ALERT_WITHIN_S: Final = 60
_ALERTS: Final = """
SELECT rule, ward FROM v_alerts
WHERE ward IN {wards:Array(String)} AND started_at >= {began:DateTime64(3)} AND (open OR NOT {open:Bool})
ORDER BY rule, ward
"""
_ARRIVED: Final = """
SELECT ward, epoch_events[indexOf(epochs, {epoch:String})] FROM v_ward_sync WHERE has(epochs, {epoch:String})
"""
_HOLES: Final = """
SELECT missing, hole_first, hole_last, contiguous, highest FROM v_ward_sync WHERE ward = {ward:String}
"""
_COUNTS: Final = """
SELECT status, sum(count) FROM v_ward_day_detail WHERE ward = {ward:String} AND day = {day:Date}
GROUP BY status
"""
_DECLARED: Final = """
SELECT state, declared, counted, difference FROM v_control_totals
WHERE ward = {ward:String} AND day = {day:Date}
"""
# Not how fast this machine is: that is no fact of the day.
_CITY_ALERTS: Final = """
SELECT DISTINCT rule FROM v_alerts
WHERE ward = '' AND started_at >= {began:DateTime64(3)} AND rule NOT IN ('pipeline-lag', 'cut-stalled')
ORDER BY rule
"""
_CORRECTIONS: Final = """
SELECT toString(day), cause, change, event, old_count, new_count FROM v_corrections
WHERE ward = {ward:String} AND splitByChar('/', event)[2] = {epoch:String}
ORDER BY toUInt64(splitByChar('/', event)[3])
"""
_CORRECTED: Final = """
SELECT ward, toString(day), cause FROM v_corrections
WHERE ward IN {wards:Array(String)} AND arrived_at >= {began:DateTime64(3)}
ORDER BY ward, day, cause
"""
_CONFLICTS: Final = """
SELECT seq, counted != 0 FROM v_conflicts WHERE ward = {ward:String} AND epoch = {epoch:String}
ORDER BY seq, counted DESC
"""
_ALARMED: Final = """
SELECT min(started_at) FROM v_alerts
WHERE rule = 'silent-ward' AND ward = {ward:String} AND started_at >= {began:DateTime64(3)}
"""
_CUT: Final = """
SELECT number, left_out, left_out_reason FROM v_city_cut WHERE at > {since:DateTime64(3)}
ORDER BY number LIMIT 1
"""
_REQUESTS: Final = """
SELECT DISTINCT first_seq, last_seq FROM repairs
WHERE ward = {ward:String} AND epoch = {epoch:String} AND kind = 'request'
"""
_DIFFERENCES: Final = """
SELECT count() FROM v_reconcile WHERE ward IN {wards:Array(String)} AND day IN {days:Array(Date)}
"""


class Questions:
    """`since`: cuts before it do not count; `cut`: the one that was looked at."""

    def __init__(self, day: Day) -> None:
        self._day = day
        self._letters = {ward: letter for letter, ward in day.wards.items()}
        self.since: datetime = day.began
        self.cut = 0

    def state(self, letter: str, columns: Sequence[str], wanted: list[Any]) -> Expectation:
        """That a ward's row in v_ward_status says so."""
        shown = ", ".join(columns)
        words = Words(f"tình trạng của {letter}: {shown}", f"status of {letter}: {shown}")
        return Expectation(words, wanted, lambda: self._day.ward_status(letter, *columns))

    def arrived(self) -> dict[str, int]:
        """Events of the run that are here, by letter."""
        rows = self._day.rows(_ARRIVED, epoch=self._day.epoch)
        return dict(sorted((self._letters[ward], n) for ward, n in rows))

    def holes(self) -> list[Any]:
        """What B lacks, and how far it is complete."""
        return self._first(_HOLES, ward=self._day.wards["B"])

    def counts(self, letter: str, day: date | None = None) -> dict[Status, int]:
        """A ward's book of today, or of a day, by status."""
        rows = self._day.rows(_COUNTS, ward=self._day.wards[letter], day=day or self._day.today)
        return {Status(status): count for status, count in rows}

    def has_declared(self, letter: str, day: date) -> bool:
        """Whether a ward has declared its totals of a day."""
        found = self._first(_DECLARED, ward=self._day.wards[letter], day=day)
        return bool(found) and found[0] != "not_declared"

    def declared(self) -> list[Any]:
        """C's control totals of today."""
        return self._first(_DECLARED, ward=self._day.wards["C"], day=self._day.today)

    def corrections(self, letter: str) -> list[list[Any]]:
        """What the ledger has of a ward and this run."""
        return self._day.rows(_CORRECTIONS, ward=self._day.wards[letter], epoch=self._day.epoch)

    def late_cause(self, letter: str) -> str:
        """What an event of yesterday is: late of a ward that was known then, else history that it brings."""
        return "late" if self._day.known_before(letter) else "backfill"

    def why_late(self, letter: str) -> Words:
        """That cause with its reason, for people."""
        known = self._day.known_before(letter)
        if known is None:
            return Words(
                f"sổ điều chỉnh của {letter}: backfill, vì trước hôm nay chưa từng gửi",
                f"the corrections of {letter}: backfill, since it was never heard of before today",
            )
        return Words(
            f"sổ điều chỉnh của {letter}: late, vì đã kết nối từ {known:%d/%m/%Y}",
            f"the corrections of {letter}: late, since it is known since {known}",
        )

    def correction(self, letter: str, cause: str, seq: int, old: int, new: int) -> list[Any]:
        """A row that the ledger must have."""
        event = f"{self._day.wards[letter]}/{self._day.epoch}/{seq}"
        return [str(self._day.yesterday), cause, new - old, event, old, new]

    def corrected(self, letters: str) -> list[list[Any]]:
        """What the ledger has of these wards since the run began."""
        wards = [self._day.wards[letter] for letter in letters]
        rows = self._day.rows(_CORRECTED, wards=wards, began=self._day.began)
        return [[self._letters[ward], *said] for ward, *said in rows]

    def conflicts(self) -> list[list[Any]]:
        """F's seqs that were used twice, and which content counts."""
        rows = self._day.rows(_CONFLICTS, ward=self._day.wards["F"], epoch=self._day.epoch)
        return [[seq, bool(counted)] for seq, counted in rows]

    def alerts(self, *, open_only: bool) -> list[list[Any]]:
        """Alerts about the seven wards since the run began: rule and letter."""
        wards = list(self._day.wards.values())
        rows = self._day.rows(_ALERTS, wards=wards, began=self._day.began, open=open_only)
        return [[rule, self._letters[ward]] for rule, ward in rows]

    def city_alerts(self) -> list[str]:
        """Rules of the alerts about the whole city since the run began."""
        return [rule for (rule,) in self._day.rows(_CITY_ALERTS, began=self._day.began)]

    def alerts_of(self, letter: str) -> list[str]:
        """Rules of the open alerts about one of them."""
        return [rule for rule, ward in self.alerts(open_only=True) if ward == letter]

    def alarmed_in_time(self) -> bool:
        """Whether the alert about A opened within a minute of its deadline."""
        started = self._day.value(_ALARMED, ward=self._day.wards["A"], began=self._day.began)
        (heard,) = self._day.ward_status("A", "heard_at")
        return bool(started - heard <= timedelta(seconds=SILENT_AFTER_S + ALERT_WITHIN_S))

    def unheard(self, letter: str) -> bool:
        """Whether nothing came for longer than an open office may be quiet."""
        (heard,) = self._day.ward_status(letter, "heard_at")
        return bool(now() - heard > timedelta(seconds=SILENT_AFTER_S))

    def alive_of_g(self) -> Expectation:
        """Closed; but active for a while after its last event, if no ward could be chosen that had rested.

        When that event arrived was known before the day began, and G sends none.
        """
        ward = self._day.chosen["G"]
        columns, alive = ["office_open", "status", "alive"], "closed" if ward.rests(now()) else "active"
        vi, en = "nghỉ, không có sự kiện nào trong 15 phút", "closed, with no event within 15 minutes"
        if alive == "active":
            vi, en = (
                f"nghỉ, nhưng sự kiện cuối mới đến lúc {ward.arrived_at:%H:%M:%S}",
                f"closed, but its last event arrived only at {ward.arrived_at:%H:%M:%S}",
            )
        words = Words(f"tình trạng của G: {alive}, vì {vi}", f"status of G: {alive}, since it is {en}")
        return Expectation(words, [False, "good", alive], lambda: self._day.ward_status("G", *columns))

    def left_out(self) -> list[list[str]]:
        """Who of the seven is left out of the first cut after `since`, and why."""
        found = self._first(_CUT, since=self.since)
        if not found:
            return []
        self.cut = found[0]
        reasons = dict(zip(found[1], found[2], strict=True))
        return [[letter, reasons[ward]] for letter, ward in self._day.wards.items() if ward in reasons]

    def missing_at_the_cut(self) -> Any:
        """What B lacked as of that cut."""
        sql = "SELECT missing FROM v_ward_sync_at(as_of = {as_of:String}) WHERE ward = {ward:String}"
        return self._day.value(sql, as_of=str(self.cut), ward=self._day.wards["B"])

    def requests(self) -> list[list[int]]:
        """What B was asked for."""
        return self._day.rows(_REQUESTS, ward=self._day.wards["B"], epoch=self._day.lossy.epoch)

    def differences(self) -> Any:
        """Cells of the run's days in which the seven wards' books differ from raw events."""
        days = [self._day.yesterday, self._day.today]
        return self._day.value(_DIFFERENCES, wards=list(self._day.wards.values()), days=days)

    def _first(self, sql: str, **parameters: Any) -> list[Any]:
        rows = self._day.rows(sql, **parameters)
        return rows[0] if rows else []
