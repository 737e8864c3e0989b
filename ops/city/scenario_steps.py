"""The steps of the scripted day: what is done, and what must come of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, time
from typing import Final

from ops.city.scenario_day import SILENT_AFTER_S, Day, Expectation, Step
from ops.city.scenario_questions import ALERT_WITHIN_S, Questions
from ops.city.scenario_wards import closing, now, received, retraction
from ops.city.scenario_words import SCENES, Words
from producers.contract.vocabulary import Status
from producers.outbox import Draft
from streams.domain.days import HANOI

LOST: Final = range(4, 7)
SENT: Final = 3
SENT_BY_B: Final = 10
OVER: Final = 5
WORKING: Final = "ACDEF"
# Nothing of these changes a day that is over.
UNCHANGED: Final = "ABCFG"
ALERTS: Final = [["conflict", "F"], ["control-totals", "C"], ["silent-ward", "A"]]
_B_HAS: Final = Words(
    "B: thiếu, từ số, đến số, liền đến, cao nhất", "B: missing, from, to, contiguous, highest"
)
_C_TOTALS: Final = Words(
    "C: kết quả, kê khai, trong sổ, chênh lệch", "C: result, declared, counted, difference"
)


def steps(day: Day) -> list[Step]:
    """All of them, in order."""
    script = _Script(day)
    return [
        script.morning(),
        script.silence(),
        script.loss(),
        script.declaration(),
        script.late_event(),
        script.taken_back(),
        script.reused_seq(),
        script.alarm(),
        script.holiday(),
        script.cut(),
        script.request(),
        script.alerts(),
        script.put_right(),
    ]


class _Script:
    """The day's steps, with what one of them must know of another."""

    def __init__(self, day: Day) -> None:
        self._day, self._wards = day, day.wards
        self._ask = Questions(day)
        self._counts: dict[Status, int] = {}
        self._late = self._wrong = self._had = 0

    def _step(
        self, name: str, act: Callable[[], object], expect: Callable[[], Sequence[Expectation]]
    ) -> Step:
        title, happens, look = SCENES[name]
        figures = {
            **self._wards,
            "names": ", ".join(f"{letter} = {ward}" for letter, ward in self._wards.items()),
            "sent": SENT,
            "yesterday": self._day.yesterday,
            "seconds": SILENT_AFTER_S,
            "within": ALERT_WITHIN_S,
        }
        said = Words(happens.vi.format(**figures), happens.en.format(**figures))
        return Step(title, said, look.format(**figures), act, expect)

    def morning(self) -> Step:
        """Everybody works."""
        line = self._day.main

        def act() -> None:
            for letter in WORKING:
                ward = self._wards[letter]
                line.append(ward, *(received(ward, number, now()) for number in range(1, SENT + 1)))
            line.wait_sent()
            line.beat(self._wards["G"])

        def expect() -> list[Expectation]:
            words = Words("số sự kiện đã đến", "events that arrived")
            return [Expectation(words, dict.fromkeys(WORKING, SENT), self._ask.arrived)]

        return self._step("morning", act, expect)

    def silence(self) -> Step:
        """A says nothing more."""

        def expect() -> list[Expectation]:
            words = Words("trước hạn không có cảnh báo về A", "before the deadline no alert about A")
            return [Expectation(words, [], lambda: self._ask.alerts_of("A"))]

        return self._step("silence", lambda: self._day.main.silence(self._wards["A"]), expect)

    def loss(self) -> Step:
        """B's events 4 to 6 never reach Kafka."""
        line, ward = self._day.lossy, self._wards["B"]

        def act() -> None:
            line.append(ward, *(received(ward, number, now()) for number in range(1, SENT_BY_B + 1)))
            line.lose(ward, LOST)
            line.start()

        def expect() -> list[Expectation]:
            holed = [len(LOST), [LOST[0]], [LOST[-1]], LOST[0] - 1, SENT_BY_B]
            return [
                Expectation(_B_HAS, holed, self._ask.holes),
                self._ask.state("B", ["complete"], ["missing"]),
            ]

        return self._step("loss", act, expect)

    def declaration(self) -> Step:
        """C declares more than it sent."""

        def expect() -> list[Expectation]:
            total = sum(self._counts.values())
            return [
                Expectation(_C_TOTALS, ["short", total + OVER, total, -OVER], self._ask.declared),
                self._ask.state("C", ["reconciled", "status", "reason"], ["mismatch", "bad", "mismatch"]),
            ]

        return self._step("declaration", lambda: self._declare(OVER), expect)

    def late_event(self) -> Step:
        """D sends an event of yesterday."""
        line, ward = self._day.main, self._wards["D"]

        def act() -> None:
            self._had = self._received_yesterday("D")
            event = received(ward, SENT + 1, self._yesterday())
            self._late = line.append(ward, event, *self._again("D"))[0]
            line.wait_sent()

        def expect() -> list[Expectation]:
            cause, had = self._ask.late_cause("D"), self._had
            wanted = [self._ask.correction("D", cause, self._late, had, had + 1)]
            return [
                Expectation(self._ask.why_late("D"), wanted, lambda: self._ask.corrections("D")),
                self._ask.state("D", ["status", "reason"], ["good", "active"]),
            ]

        return self._step("late_event", act, expect)

    def taken_back(self) -> Step:
        """E takes an event of yesterday back."""
        line, ward = self._day.main, self._wards["E"]

        def act() -> None:
            self._had = self._received_yesterday("E")
            wrong = received(ward, SENT + 1, self._yesterday())
            self._wrong = line.append(ward, wrong, retraction(wrong))[0]
            line.wait_sent()

        def expect() -> list[Expectation]:
            cause, had = self._ask.late_cause("E"), self._had
            wanted = [
                self._ask.correction("E", cause, self._wrong, had, had + 1),
                self._ask.correction("E", "retraction", self._wrong + 1, had + 1, had),
            ]
            return [
                Expectation(self._ask.why_late("E"), wanted, lambda: self._ask.corrections("E")),
                self._ask.state("E", ["status", "reason"], ["good", "active"]),
            ]

        return self._step("taken_back", act, expect)

    def reused_seq(self) -> Step:
        """F uses a seq again."""

        def expect() -> list[Expectation]:
            words = Words("xung đột của F: số, được tính", "conflicts of F: seq, counts")
            still = Words("F vẫn có bấy nhiêu sự kiện", "F still has as many events")
            return [
                Expectation(words, [[1, True], [1, False]], self._ask.conflicts),
                Expectation(still, SENT, lambda: self._ask.arrived().get("F")),
                self._ask.state("F", ["status", "reason"], ["attention", "conflict"]),
            ]

        return self._step("reused_seq", lambda: self._day.main.reuse(self._wards["F"], 1), expect)

    def alarm(self) -> Step:
        """A's deadline passes."""

        def expect() -> list[Expectation]:
            words = Words("cảnh báo về A", "alerts about A")
            soon = Words(
                f"cảnh báo mở trong vòng {ALERT_WITHIN_S} giây sau hạn",
                f"the alert opened within {ALERT_WITHIN_S} s of the deadline",
            )
            return [
                self._ask.state("A", ["alive", "status", "reason"], ["silent", "bad", "silent"]),
                Expectation(words, ["silent-ward"], lambda: self._ask.alerts_of("A")),
                Expectation(soon, True, self._ask.alarmed_in_time),
            ]

        return self._step("alarm", lambda: None, expect)

    def holiday(self) -> Step:
        """G is closed today."""

        def expect() -> list[Expectation]:
            quiet = Words("G cũng quá hạn ấy", "G is past the same deadline")
            return [
                self._ask.alive_of_g(),
                Expectation(quiet, True, lambda: self._ask.unheard("G")),
                Expectation(Words("cảnh báo về G", "alerts about G"), [], lambda: self._ask.alerts_of("G")),
            ]

        return self._step("holiday", lambda: None, expect)

    def cut(self) -> Step:
        """The city's cut says who is left out."""

        def act() -> None:
            self._ask.since = now()

        def expect() -> list[Expectation]:
            words = Words("mốc mới không tính", "the new cut leaves out")
            return [Expectation(words, [["A", "silent"], ["B", "in_flight"]], self._ask.left_out)]

        return self._step("cut", act, expect)

    def request(self) -> Step:
        """B is asked for what it lost."""
        line, ward = self._day.lossy, self._wards["B"]

        def act() -> None:
            self._day.ask(ward, line.epoch, LOST)
            line.answer()

        def expect() -> list[Expectation]:
            asked = Words("yêu cầu gửi lại được ghi", "the request is recorded")
            then = Words("hỏi tại mốc trước đó: B thiếu", "asked as of the cut before: B lacks")
            return [
                Expectation(_B_HAS, [0, [], [], SENT_BY_B, SENT_BY_B], self._ask.holes),
                self._ask.state("B", ["complete", "status", "reason"], ["complete", "good", "active"]),
                Expectation(asked, [[LOST[0], LOST[-1]]], self._ask.requests),
                Expectation(then, len(LOST), self._ask.missing_at_the_cut),
            ]

        return self._step("request", act, expect)

    def alerts(self) -> Step:
        """Which alerts are open, and no others."""

        def expect() -> list[Expectation]:
            words = Words("cảnh báo đang mở", "open alerts")
            return [Expectation(words, ALERTS, lambda: self._ask.alerts(open_only=True))]

        return self._step("alerts", lambda: None, expect)

    def put_right(self) -> Step:
        """A speaks, C declares again."""

        def act() -> None:
            self._day.main.speak(self._wards["A"])
            self._declare(0)

        def expect() -> list[Expectation]:
            still, all_day = (
                Words("cảnh báo còn mở", "alerts still open"),
                Words("mọi cảnh báo trong ngày", "all alerts of the day"),
            )
            total = sum(self._counts.values())
            city = Words("cảnh báo về cả thành phố", "alerts about the whole city")
            unchanged = Words(
                f"sổ điều chỉnh của {', '.join(UNCHANGED)}", f"the corrections of {', '.join(UNCHANGED)}"
            )
            equal = Words("ô mà sổ khác sự kiện thô", "cells in which books differ from raw events")
            return [
                self._ask.state("A", ["status", "reason"], ["good", "active"]),
                self._ask.state("C", ["reconciled", "status", "reason"], ["matched", "good", "active"]),
                Expectation(_C_TOTALS, ["matched", total, total, 0], self._ask.declared),
                Expectation(still, ALERTS[:1], lambda: self._ask.alerts(open_only=True)),
                Expectation(all_day, ALERTS, lambda: self._ask.alerts(open_only=False)),
                Expectation(city, [], self._ask.city_alerts),
                Expectation(unchanged, [], lambda: self._ask.corrected(UNCHANGED)),
                Expectation(equal, 0, self._ask.differences),
            ]

        return self._step("put_right", act, expect)

    def _declare(self, more: int) -> None:
        """C declares what its book has, and `more` of those taken in."""
        self._counts = self._ask.counts("C")
        counts = self._counts | {Status.RECEIVED: self._counts[Status.RECEIVED] + more}
        self._day.main.append(self._wards["C"], closing(self._wards["C"], self._day.today, counts, SENT))
        self._day.main.wait_sent()

    def _again(self, letter: str) -> list[Draft]:
        """Yesterday's totals once more, if the ward has declared them, with the event that comes late."""
        if not self._ask.has_declared(letter, self._day.yesterday):
            return []
        counts = self._ask.counts(letter, self._day.yesterday)
        counts[Status.RECEIVED] = counts.get(Status.RECEIVED, 0) + 1
        return [closing(self._wards[letter], self._day.yesterday, counts, SENT + 1)]

    def _received_yesterday(self, letter: str) -> int:
        return self._ask.counts(letter, self._day.yesterday).get(Status.RECEIVED, 0)

    def _yesterday(self) -> datetime:
        return datetime.combine(self._day.yesterday, time(10), HANOI)
