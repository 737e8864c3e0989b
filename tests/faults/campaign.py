"""One campaign: start a city, let it live, do to it what the schedule says, wait for rest, compare."""

from __future__ import annotations

import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any, Final

from streams.domain.cut import instant_of_cut
from tests.faults.catalogue import FAULTS, Fault
from tests.faults.catalogue.base import NoEffect, Wanted
from tests.faults.city import City
from tests.faults.oracle import Verdict, as_dict, judge
from tests.faults.plan import Plan
from tests.faults.schedule import Round, again, rounds
from tests.faults.spent import Spent
from tests.faults.standing import tolerant
from tests.faults.watch import Watch, named

RECOVERED_S_MAX: Final = 120.0
NAMED_S_MAX: Final = 60.0
_REST_S_MAX: Final = 300.0
_ATTEMPTS: Final = 3
_POLL_S: Final = 0.3
# What a round is thought to last until some have been measured.
ROUND_S: Final = 40.0
# Rounds' worth of events held back for rounds that come again.
_SPARE: Final = 3
_NOT_DONE: Final = "not done"


@dataclass
class Happened:
    """One fault that was injected. Times in seconds: of the campaign, of the fault, until it was named."""

    round: int
    id: str
    name: str
    group: str
    at_s: float
    what: str
    expectation: str
    effect: bool = True
    begun_s: float = 0.0
    lasted_s: float = 0.0
    told: bool = False
    named_s: float | None = None
    wanted: Wanted = field(default_factory=Wanted)

    def as_dict(self) -> dict[str, Any]:
        """For the report."""
        shown = {key: value for key, value in vars(self).items() if key != "wanted"}
        return shown | {"named_by": bool(self.told or self.wanted != Wanted())}


@dataclass
class Ran:
    """One round: from when, how long, until all was well again, how many events the wards said meanwhile."""

    began_s: float
    seconds: float
    recovered_s: float
    events: int


@dataclass
class Campaign:
    """What is asked for, and what came of it."""

    seed: int
    plan: Plan
    kinds: list[str]
    kills: int
    folder: Path
    together: int = 5
    happened: list[Happened] = field(default_factory=list)
    ran: list[Ran] = field(default_factory=list)
    findings: list[str] = field(default_factory=list)
    verdict: Verdict = field(default_factory=Verdict)
    kills_done: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0
    rest_s: float = 0.0
    looks: int = 0
    broken_looks: int = 0
    judged: bool = False

    @property
    def ok(self) -> bool:
        return self.judged and self.verdict.ok and not self.findings

    def run(self) -> None:
        """Everything; the city is stopped at the end, and what failed of the harness is a finding."""
        began = time.monotonic()
        city = City(self.folder, self.plan)
        self.kills_done = city.kills
        try:
            self._guarded("the city did not start", lambda: self._start(city))
            if not self.findings:
                self._live(city)
        finally:
            self._guarded("the city did not stop", city.stop)
            self.seconds = time.monotonic() - began

    def _guarded(self, what: str, work: Callable[[], object]) -> None:
        """An error of the harness ends a part, never the report."""
        try:
            work()
        except Exception as error:
            traceback.print_exc()
            self.findings.append(f"{what}: {type(error).__name__}: {error}")

    def _start(self, city: City) -> None:
        note("starting a city")
        city.start()
        city.begin(self._tau_s(len(self._planned())))

    def _live(self, city: City) -> None:
        with Watch(city) as watch:
            self._begun = time.monotonic()
            self._guarded("the rounds broke off", lambda: self._rounds(city, watch))
            self._guarded("no rest", lambda: self._rest(city))
            self._guarded("times were not judged", lambda: self._judge_times(watch))
            self._guarded("conservation was not judged", lambda: self._judge_conservation(watch))
            note("comparing the ledger with every table, view and cut")
            self._guarded("not compared", lambda: self._compare(city, watch))
            self.looks = len(watch.looks)

    def _compare(self, city: City, watch: Watch) -> None:
        losses = self._losses()
        self.verdict = judge(city, list(watch.asked), lambda cut: _within(self._at_s(cut), losses))
        self.judged = True

    def _losses(self) -> list[tuple[float, float]]:
        """The rounds in which a fault destroyed messages, in seconds of the campaign."""
        numbers = {one.round for one in self.happened if one.told}
        lost = [ran for number, ran in enumerate(self.ran, 1) if number in numbers]
        return [(ran.began_s, ran.began_s + ran.seconds) for ran in lost]

    def _at_s(self, cut: int) -> float:
        """The instant of a cut, in seconds of the campaign."""
        return instant_of_cut(cut) / 1000 - (time.time() - time.monotonic()) - self._begun

    def _rounds(self, city: City, watch: Watch) -> None:
        planned = self._planned()
        self._wait_for_life(city)
        for number, shots in enumerate(planned, 1):
            self._round(number, len(planned), shots, city, watch)
        for attempt in range(1, _ATTEMPTS):
            more = again(self.seed, attempt, self._without_effect(), self._kills_missing(city), self.together)
            for shots in more:
                number = len(self.ran) + 1
                self._round(number, number, shots, city, watch)
        self._judge_effects(city)

    def _planned(self) -> list[Round]:
        return rounds(self.seed, self.kinds, self.kills, self.together)

    def _without_effect(self) -> list[str]:
        """Kinds that have hit nothing so far."""
        hit = {one.name for one in self.happened if one.effect}
        return [name for name in self.kinds if name not in hit]

    def _kills_missing(self, city: City) -> int:
        return max(0, self.kills - sum(city.kills.values()))

    def _judge_effects(self, city: City) -> None:
        """A kind that hit nothing is no kind; a kill that is missing was not survived."""
        for name in self._without_effect():
            tried = [one.what for one in self.happened if one.name == name]
            self.findings.append(f"{name}: no effect in {len(tried)} attempts: {tried[-1:]}")
        if self._kills_missing(city):
            self.findings.append(f"{sum(city.kills.values())} kills instead of {self.kills}")

    def _wait_for_life(self, city: City) -> None:
        """Until some wards are counted: a fault that repeats events needs events."""
        deadline = time.monotonic() + RECOVERED_S_MAX * self.plan.patience
        while time.monotonic() < deadline:
            counted = tolerant(city.counted) or {}
            if sum(seq > min(30, self.plan.each // 2) for seq in counted.values()) > self.plan.wards // 2:
                return
            city.sleep(_POLL_S)
        self.findings.append("half of the wards were not counted before the first round")

    def _round(self, number: int, of: int, shots: Round, city: City, watch: Watch) -> None:
        rng, began = Random(f"{self.seed}/{number}"), time.monotonic()
        before = sum(city.marks().values())
        city.pace(self._tau_s(max(0, of - number) + 1))
        names = ", ".join(shot.fault.name for shot in shots)
        note(f"round {number}/{of}: {names}")
        open_faults: list[tuple[float, Fault, Happened]] = []
        for shot in shots:
            self._until(began + shot.after_s, open_faults, city)
            fault = shot.fault(city, Random(rng.random()))
            happened = self._inject(number, fault)
            open_faults.append((time.monotonic() + fault.seconds(), fault, happened))
        while open_faults:
            self._until(min(end for end, _, _ in open_faults), open_faults, city)
        took = self._recover(f"round {number}/{of}", names, city, watch)
        said = sum(city.marks().values()) - before
        self.ran.append(Ran(began - self._begun, time.monotonic() - began, took, said))
        if not said:
            self.findings.append(f"round {number} ({names}): the wards said nothing meanwhile")

    def _tau_s(self, to_come: int) -> float:
        """In what time the wards say most of the rest: that of the rounds to come, and some to spare.

        What a round lasts is known by those that were; at first by what was asked for.
        """
        known = [one.seconds for one in self.ran[-8:]] or [self.plan.round_s or ROUND_S]
        return sum(known) / len(known) * (to_come + _SPARE)

    def _until(self, moment: float, open_faults: list[tuple[float, Fault, Happened]], city: City) -> None:
        """Let time pass until a moment or nothing is open, healing what is over meanwhile."""
        waiting = bool(open_faults)
        while True:
            now = time.monotonic()
            for entry in [one for one in open_faults if one[0] <= now or one[1].over()]:
                open_faults.remove(entry)
                self._heal(*entry[1:])
            if now >= moment or (waiting and not open_faults):
                return
            ends = [end for end, _, _ in open_faults]
            city.sleep(min(_POLL_S, max(0.0, min([moment, *ends]) - now)))

    def _inject(self, number: int, fault: Fault) -> Happened:
        at_s = time.monotonic() - self._begun
        happened = Happened(
            number, fault.id, fault.name, fault.group, at_s, "", fault.expectation, told=fault.told
        )
        self.happened.append(happened)
        self._noted(happened, fault.inject)
        happened.wanted = fault.wanted()
        happened.begun_s = time.monotonic() - self._begun
        return happened

    def _noted(self, happened: Happened, work: Callable[[], str | None]) -> None:
        """Do a part of a fault; what came of it in words."""
        try:
            happened.what = work() or happened.what
        except NoEffect as error:
            happened.what, happened.effect = str(error), False
        except AssertionError as error:
            happened.what = f"refuted: {error}"
            self.findings.append(f"{happened.name}: {error}")
        except Exception as error:  # another fault may be in its way
            happened.what, happened.effect = f"{_NOT_DONE}: {error!r}", False

    def _heal(self, fault: Fault, happened: Happened) -> None:
        if happened.effect:
            self._noted(happened, fault.heal)
            undone = not happened.what.startswith(_NOT_DONE)
        else:
            undone = _undone(fault)
        if not undone:
            self.findings.append(f"{fault.name} could not be taken back: {happened.what}")
        happened.lasted_s = time.monotonic() - self._begun - happened.at_s

    def _recover(self, what: str, names: str, city: City, watch: Watch) -> float:
        """After the last of the round's faults: until all that was promised is counted, and all is well."""
        healed, spent = time.monotonic(), Spent(city)
        longest = RECOVERED_S_MAX * self.plan.patience
        late = city.settle(longest)
        exact = time.monotonic() - healed
        while not (city.well() and watch.well(healed)) and time.monotonic() - healed < longest:
            city.sleep(_POLL_S)
        took = time.monotonic() - healed
        note(f"{what}; all counted after {exact:.1f} s, all well after {took:.1f} s")
        if late or took >= longest:
            self.findings.append(
                f"{what} ({names}): not recovered within {longest:.0f} s: {late} {watch.unwell()};"
                f" {spent.words()}"
            )
        return took

    def _rest(self, city: City) -> None:
        """Until every ward has said all, and all of it is counted and loaded."""
        began = time.monotonic()
        city.hurry()
        limit = began + _REST_S_MAX * self.plan.patience
        while sum(city.marks().values()) < self.plan.events and time.monotonic() < limit:
            city.sleep(_POLL_S)
        late = city.settle(RECOVERED_S_MAX * self.plan.patience)
        if late:
            self.findings.append(f"not at rest: {late}")
        deadline = time.monotonic() + RECOVERED_S_MAX * self.plan.patience
        while not city.conserved() and time.monotonic() < deadline:
            city.sleep(_POLL_S)
        if not city.conserved():
            self.findings.append("not at rest: something was in flight or broken to the end (v_conservation)")
        self.rest_s = time.monotonic() - began

    def _judge_times(self, watch: Watch) -> None:
        """What lasted longer than a minute must have been named within it, and what was destroyed told of."""
        longest = NAMED_S_MAX * self.plan.patience
        for one in (one for one in self.happened if one.effect and one.wanted != Wanted()):
            since = self._begun + (one.begun_s if one.told else one.at_s)
            until = since + (longest if one.told else min(longest, max(one.lasted_s, 3.0) + 5.0))
            one.named_s = named(watch.looks, one.wanted, since, until)
            if one.named_s is None and (one.told or one.lasted_s > longest):
                self.findings.append(f"{one.name}: not named within {longest:.0f} s: {one.what}")

    def _judge_conservation(self, watch: Watch) -> None:
        """At every look, not only at rest: nothing is broken but while a fault destroys messages."""
        losses = self._losses()
        seen = [look for look in watch.looks if look.facts is not None]
        broken = [
            bool(look.facts and look.facts.broken) and not _within(look.began - self._begun, losses)
            for look in seen
        ]
        self.broken_looks = sum(broken)
        # Twice in a row: the rows of one look of the monitor's are not written at one instant.
        for before, now, look in zip(broken, broken[1:], seen[1:], strict=False):
            if before and now:
                at_s = look.began - self._begun
                self.findings.append(f"conservation was broken at {at_s:.0f} s without a cause: {look.facts}")
                return

    def as_dict(self) -> dict[str, Any]:
        """For the report."""
        return {
            "ok": self.ok,
            "seed": self.seed,
            "events": self.plan.events,
            "wards": self.plan.wards,
            "minutes": round(self.seconds / 60, 1),
            "kinds": len({one.name for one in self.happened if one.effect}),
            "kinds_asked": len(self.kinds),
            "attempts": len(self.happened),
            "effects": sum(one.effect for one in self.happened),
            "kills": dict(self.kills_done),
            "rounds": [{name: round(value, 1) for name, value in vars(one).items()} for one in self.ran],
            "recovered_s": [round(one.recovered_s, 1) for one in self.ran],
            "looks": self.looks,
            "broken_looks": self.broken_looks,
            "rest_s": round(self.rest_s, 1),
            "verdict": as_dict(self.verdict),
            "findings": self.findings,
            "faults": [one.as_dict() for one in self.happened],
        }


def _within(moment: float, spans: Sequence[tuple[float, float]]) -> bool:
    return any(begin <= moment <= end for begin, end in spans)


def _undone(fault: Fault) -> bool:
    """Take back what was perhaps half done; whether that went well."""
    try:
        fault.heal()
    except (NoEffect, AssertionError, AttributeError):
        pass  # there was nothing to take back
    except Exception:
        traceback.print_exc()
        return False
    return True


def note(text: str) -> None:
    """Progress goes to stderr."""
    sys.stderr.write(f"faults: {text}\n")
    sys.stderr.flush()


def every_kind() -> list[str]:
    """The whole catalogue."""
    return list(FAULTS)
