"""One campaign: start a city, let it live, do to it what the schedule says, wait for rest, compare."""

from __future__ import annotations

import sys
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from producers.contract.errors import DongBoError
from tests.faults.catalogue import FAULTS, Fault
from tests.faults.city import City, Plan, tolerant
from tests.faults.oracle import Verdict, as_dict, judge
from tests.faults.schedule import Round, rounds
from tests.faults.watch import Watch

RECOVERED_S_MAX = 120.0
NAMED_S_MAX = 60.0
_REST_S_MAX = 300.0


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
    begun_s: float = 0.0
    lasted_s: float = 0.0
    told: bool = False
    named_s: float | None = None
    names: tuple[str, ...] = ()


@dataclass
class Campaign:
    """What is asked for, and what came of it."""

    seed: int
    plan: Plan
    kinds: list[str]
    kills: int
    folder: Path
    together: int = 5
    patience: float = 1.0
    happened: list[Happened] = field(default_factory=list)
    recovered_s: list[float] = field(default_factory=list)
    findings: list[str] = field(default_factory=list)
    verdict: Verdict = field(default_factory=Verdict)
    kills_done: dict[str, int] = field(default_factory=dict)
    seconds: float = 0.0
    rest_s: float = 0.0
    looks: int = 0

    @property
    def ok(self) -> bool:
        return self.verdict.ok and not self.findings

    def run(self) -> None:
        """Everything; the city is stopped at the end, whatever happens."""
        began = time.monotonic()
        city = City(self.folder, self.plan)
        try:
            note("starting a city")
            city.start()
            city.begin()
            with Watch(city) as watch:
                self._rounds(city, watch)
                self._rest(city)
                self._judge_times(watch)
                city.sleep(0)
                note("comparing the ledger with every table, view and cut")
                self.verdict = judge(city, watch.asked)
                self.looks = len(watch.looks)
            self.kills_done = dict(city.kills)
        finally:
            city.stop()
            self.seconds = time.monotonic() - began

    def _rounds(self, city: City, watch: Watch) -> None:
        self._begun = time.monotonic()
        planned = rounds(self.seed, self.kinds, self.kills, self.together)
        self._wait_for_life(city)
        for number, shots in enumerate(planned, 1):
            self._round(number, len(planned), shots, city, watch)

    def _wait_for_life(self, city: City) -> None:
        """Until some wards are counted: a fault that repeats events needs events."""
        deadline = time.monotonic() + RECOVERED_S_MAX * self.patience
        while time.monotonic() < deadline:
            counted = tolerant(city.counted) or {}
            if sum(seq > min(30, self.plan.each // 2) for seq in counted.values()) > self.plan.wards // 2:
                return
            city.sleep(0.3)

    def _round(self, number: int, of: int, shots: Round, city: City, watch: Watch) -> None:
        rng, began = Random(f"{self.seed}/{number}"), time.monotonic()
        open_faults: list[tuple[float, Fault, Happened]] = []
        for shot in shots:
            self._until(began + shot.after_s, open_faults, city)
            fault = shot.fault(city, Random(rng.random()))
            happened = self._inject(number, fault)
            open_faults.append((time.monotonic() + fault.seconds(), fault, happened))
        while open_faults:
            self._until(min(end for end, _, _ in open_faults), open_faults, city)
        self._recover(number, of, shots, city, watch)

    def _until(self, moment: float, open_faults: list[tuple[float, Fault, Happened]], city: City) -> None:
        """Let time pass until a moment, healing what is over meanwhile."""
        while True:
            now = time.monotonic()
            for entry in [entry for entry in open_faults if entry[0] <= now]:
                open_faults.remove(entry)
                self._heal(*entry[1:])
            if now >= moment:
                return
            ends = [end for end, _, _ in open_faults]
            city.sleep(max(0.0, min([moment, *ends]) - now))

    def _inject(self, number: int, fault: Fault) -> Happened:
        at_s = time.monotonic() - self._begun
        what = fault.name
        try:
            what = fault.inject()
        except Exception as error:  # another fault may be in its way; what it refutes is an AssertionError
            what = f"not injected: {error!r}"
            if isinstance(error, AssertionError):
                self.findings.append(f"{fault.name}: {error}")
        happened = Happened(number, fault.id, fault.name, fault.group, at_s, what, fault.expectation)
        happened.names, happened.told = fault.names, fault.told
        happened.begun_s = time.monotonic() - self._begun
        self.happened.append(happened)
        return happened

    def _heal(self, fault: Fault, happened: Happened) -> None:
        try:
            fault.heal()
        except AttributeError:
            pass  # it was not injected
        except Exception as error:
            self.findings.append(f"{fault.name} could not be taken back: {error}")
        happened.lasted_s = time.monotonic() - self._begun - happened.at_s

    def _recover(self, number: int, of: int, shots: Round, city: City, watch: Watch) -> None:
        """After the last of the round's faults: until all that was promised is counted, and all is well."""
        healed = time.monotonic()
        longest = RECOVERED_S_MAX * self.patience
        late = city.settle(longest)
        exact = time.monotonic() - healed
        while not (city.well() and watch.well(healed)) and time.monotonic() - healed < longest:
            city.sleep(0.3)
        took = time.monotonic() - healed
        self.recovered_s.append(took)
        names = ", ".join(shot.fault.name for shot in shots)
        note(f"round {number}/{of}: {names}; all counted after {exact:.1f} s, all well after {took:.1f} s")
        if late or took >= longest:
            unwell = watch.looks[-1].unwell if watch.looks else {}
            self.findings.append(
                f"round {number} ({names}): not recovered within {longest:.0f} s: {late} {unwell}"
            )

    def _rest(self, city: City) -> None:
        """Until every ward has said all, and all of it is counted and loaded."""
        began = time.monotonic()
        city.hurry()
        limit = self.plan.seconds + _REST_S_MAX * self.patience
        while sum(city.marks().values()) < self.plan.events and time.monotonic() - self._begun < limit:
            city.sleep(0.5)
        longest = RECOVERED_S_MAX * self.patience
        late = city.settle(longest)
        deadline = time.monotonic() + longest
        while not _conserved(city) and time.monotonic() < deadline:
            city.sleep(0.5)
        self.rest_s = time.monotonic() - began
        if late:
            self.findings.append(f"not at rest: {late}")

    def _judge_times(self, watch: Watch) -> None:
        """What lasted longer than a minute must have been named within it, and what was destroyed told of."""
        longest = NAMED_S_MAX * self.patience
        for one in (one for one in self.happened if one.names or one.told):
            since = self._begun + (one.begun_s if one.told else one.at_s)
            until = since + (longest if one.told else max(one.lasted_s, 3.0) + 5.0)
            one.named_s = watch.named(one.names, since, until, one.told)
            if one.named_s is None and (one.told or one.lasted_s > longest):
                self.findings.append(f"{one.name}: not named within {longest:.0f} s")

    def as_dict(self) -> dict[str, Any]:
        """For the report."""
        return {
            "ok": self.ok,
            "seed": self.seed,
            "events": self.plan.events,
            "wards": self.plan.wards,
            "minutes": round(self.seconds / 60, 1),
            "kinds": len({one.name for one in self.happened if not one.what.startswith("not injected")}),
            "kills": self.kills_done,
            "recovered_s": [round(value, 1) for value in self.recovered_s],
            "rest_s": round(self.rest_s, 1),
            "verdict": as_dict(self.verdict),
            "findings": self.findings,
            "faults": [asdict(one) for one in self.happened],
        }


def _conserved(city: City) -> bool:
    """Nothing in flight any more, in a look that is newer than rest."""
    try:
        rows = city.store.query("SELECT count(), sum(in_flight), sum(broken) FROM v_conservation").rows
    except DongBoError:
        return False
    return bool(rows) and rows[0][0] > 0 and rows[0][1] == 0 and rows[0][2] == 0


def note(text: str) -> None:
    """Progress goes to stderr."""
    sys.stderr.write(f"faults: {text}\n")
    sys.stderr.flush()


def every_kind() -> list[str]:
    """The whole catalogue."""
    return list(FAULTS)
