"""The city at the real pace: dossiers come in as they would, and move on faster than they would.

The paths are those of the profiles, with all delays divided by `compress`: at 60 an hour of waiting takes a
minute. Day and night by default, so that a newcomer sees life at any hour; `office_hours` keeps to them.

Known limits:
- Nothing is remembered: after a restart the dossiers that were open stay where they are and new ones begin,
  with the outbox's next seqs. A day of which this city has not seen the beginning is not declared, because
  its totals are not known.
- Compressed dossiers end on the day they began, or soon after: overdue ones are rare. Replay a profile to
  see them.
- A mistake taken back after midnight leaves the declared totals of its day as they were.
"""

from __future__ import annotations

import heapq
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from functools import partial
from itertools import accumulate
from random import Random
from typing import Final, NamedTuple

import msgspec

from producers.contract.envelope import DayClosedEvent
from producers.contract.errors import OutboxFull, Unavailable
from producers.contract.events import DayClosed
from producers.contract.vocabulary import Channel, Status
from producers.contract.wards import WARDS
from producers.outbox import Draft, Outbox
from producers.simulator.clock import Clock
from producers.simulator.lifecycle import (
    LOOKBACK_DAYS,
    REFUSED_SHARE,
    Dossier,
    Kind,
    Step,
    draw_received,
    draw_reception,
    draw_refused,
)
from producers.simulator.messages import payload_of, type_of_step
from producers.simulator.mix import draw_channel, online_share, traits_of
from producers.simulator.office import WORKDAY_S, Office, office_of
from producers.simulator.plan import ward_weight
from producers.simulator.times import DAY_S, VN, day_of, local_seconds, moment
from producers.simulator.troubles import Troubles

# After a longer silence (a suspended machine) the city goes on from now instead of catching up.
_CATCH_UP_MAX_S: Final = 600.0
_STEP_MAX_S: Final = 0.5
_BATCH_MAX: Final = 2_000


class Pace(msgspec.Struct, frozen=True, kw_only=True):
    """How fast the city lives. 3,143 a day is 66,000 in 21 days; `rate` multiplies it."""

    seed: int = 1
    dossiers_per_day: float = 3_143.0
    difficulties_per_day: float = 40.0
    rate: float = 1.0
    compress: float = 60.0
    office_hours: bool = False
    beat_every_s: float = 60.0
    open_max: int = 20_000

    @property
    def arrivals_per_s(self) -> float:
        """A day's dossiers come in within the hours of a working day."""
        return self.rate * self.dossiers_per_day / WORKDAY_S


class _Moving(NamedTuple):
    """An open dossier and when its next step is due."""

    at_s: float
    number: int
    ward: str
    dossier: Dossier
    step_number: int


class _WardDay:
    """What a ward has said today. `whole` when this city has seen the day from its beginning."""

    def __init__(self, whole: bool, serial: int = 0) -> None:
        self.whole = whole
        self.serial = serial
        self.counts: Counter[Status] = Counter()
        self.first_seq = self.last_seq = 0

    def add(self, step: Step, seq: int) -> None:
        """Count a step that the outbox has taken."""
        self.counts[step.status] += -1 if step.kind is Kind.TAKEN_BACK else 1
        self.first_seq = self.first_seq or seq
        self.last_seq = seq


class _Said(NamedTuple):
    """A draft for the outbox and, if it is a step, what to count once it is taken."""

    ward: str
    draft: Draft
    step: Step | None


class LiveCity:
    """A city that lives while `step` is called; `beat(ward)` sends a ward's heartbeat and must not raise.

    One city an outbox, one thread a city. In memory are at most `open_max` open dossiers.
    """

    def __init__(
        self,
        outbox: Outbox,
        beat: Callable[[str], object],
        clock: Clock,
        pace: Pace | None = None,
        wards: Sequence[str] = tuple(WARDS),
    ) -> None:
        self._outbox, self._beat, self._clock = outbox, beat, clock
        self.pace = pace = pace or Pace()
        now = clock.now()
        now_s = now.timestamp()
        # The start is part of the seed: a second run must not tell the first one's dossiers again.
        self._rng = Random(f"{pace.seed}/live/{now.isoformat()}")  # noqa: S311 (a simulation, not a secret)
        self._wards = tuple(wards)
        self._weights = list(accumulate(ward_weight(pace.seed, ward) for ward in wards))
        self._day = local_seconds(now) // DAY_S
        self._today = {ward: self._joined(ward) for ward in wards}
        self._moving: list[_Moving] = []
        self._unsent: list[_Said] = []
        self._next_arrival_s = now_s + self._gap_s()
        every_s = pace.beat_every_s
        self._beats = [(now_s + every_s * i / len(wards), ward) for i, ward in enumerate(wards)]
        self._number = 0
        self._troubles = Troubles(
            Random(f"{pace.seed}/troubles/{now.isoformat()}"),  # noqa: S311 (a simulation, not a secret)
            self._wards,
            pace.rate * pace.difficulties_per_day / WORKDAY_S,
            pace.compress,
            now_s,
        )

    @property
    def open_dossiers(self) -> int:
        """Dossiers that still move."""
        return len(self._moving)

    def run(self, stop: threading.Event) -> None:
        """Live until `stop` is set."""
        while not stop.is_set():
            stop.wait(self.step())

    def step(self) -> float:
        """Do what is due now; return the seconds until something is due again, at most half a second.

        An outbox that is full or away halts the city, but not its heartbeats: nothing new happens until it
        has taken what is waiting.
        """
        now = self._clock.now()
        now_s = now.timestamp()
        self._send_beats(now_s)
        if self._unsent and not self._send():
            return _STEP_MAX_S
        self._unsent.extend(self._happenings(now))
        self._send()
        following_s = min(self._next_arrival_s, self._moving[0].at_s if self._moving else now_s + 1)
        return min(max(following_s - now_s, 0.01), _STEP_MAX_S)

    def _happenings(self, now: datetime) -> Iterator[_Said]:
        local_s = local_seconds(now)
        if local_s // DAY_S > self._day:
            yield from self._close_day()
            self._day = local_s // DAY_S
        office = self._office()
        if self.pace.office_hours and not office.is_open(local_s):
            self._next_arrival_s = now.timestamp() + self._gap_s()
            return
        self._admit_arrivals(now.timestamp(), office)
        yield from self._move(now, office)
        yield from (_Said(draft.ward, draft, None) for draft in self._troubles.due(now))

    def _send(self) -> bool:
        """Give the outbox what has happened, and count what it took; whether it took all."""
        size = min(_BATCH_MAX, self._outbox.pending_max)
        while batch := self._unsent[:size]:
            try:
                given = self._outbox.append_mixed([said.draft for said in batch])
            except (OutboxFull, Unavailable):
                return False
            seqs = {ward: iter(seqs) for ward, seqs in given.items()}
            for ward, _, step in batch:
                seq = next(seqs[ward])
                if step:
                    self._today[ward].add(step, seq)
            del self._unsent[:size]
        return True

    def _send_beats(self, now_s: float) -> None:
        """Beats that were missed are left out; each ward keeps its own second of the minute."""
        every_s = self.pace.beat_every_s
        while self._beats[0][0] <= now_s:
            at_s, ward = self._beats[0]
            self._beat(ward)
            heapq.heapreplace(self._beats, (at_s + every_s * ((now_s - at_s) // every_s + 1), ward))

    def _gap_s(self) -> float:
        return self._rng.expovariate(self.pace.arrivals_per_s)

    def _office(self) -> Office:
        day = day_of(self._day)
        return office_of(day, day)

    def _joined(self, ward: str) -> _WardDay:
        """Serials go on from the outbox's seq, which no earlier serial of the day can have reached."""
        following = self._outbox.next_seq(ward)
        return _WardDay(whole=following == 1, serial=following - 1)

    def _admit_arrivals(self, now_s: float, office: Office) -> None:
        if now_s - self._next_arrival_s > _CATCH_UP_MAX_S:
            self._next_arrival_s = now_s
        while self._next_arrival_s <= now_s:
            if len(self._moving) < self.pace.open_max:
                (ward,) = self._rng.choices(self._wards, cum_weights=self._weights)
                self._put(_Moving(self._next_arrival_s, 0, ward, self._arrival(ward, office), 0))
            self._next_arrival_s += self._gap_s()

    def _arrival(self, ward: str, office: Office) -> Dossier:
        """A dossier as a profile would have it; its times only say how far apart its steps are."""
        rng = self._rng
        traits = traits_of(self.pace.seed, ward)
        channel = draw_channel(rng, online_share(traits, 0.5))
        received = draw_reception(rng, office, office.next_working(self._day))
        earliest = received - LOOKBACK_DAYS * DAY_S
        if channel is not Channel.COUNTER and rng.random() < REFUSED_SHARE:
            return draw_refused(rng, channel, received, earliest)
        return draw_received(rng, office, traits, channel, received, earliest)

    def _put(self, moving: _Moving) -> None:
        """Dossiers whose steps are due at once go in the order in which they were put."""
        self._number += 1
        heapq.heappush(self._moving, moving._replace(number=self._number))

    def _move(self, now: datetime, office: Office) -> Iterator[_Said]:
        """Every step that is due happens now, so that a ward's events are in the order of their time."""
        now_s = now.timestamp()
        while self._moving and self._moving[0].at_s <= now_s:
            moving = heapq.heappop(self._moving)
            dossier, i = moving.dossier, moving.step_number
            following = i + 1
            if following < len(dossier.steps):
                wait_s = (dossier.steps[following].at - dossier.steps[i].at) / self.pace.compress
                self._put(moving._replace(at_s=now_s + wait_s, step_number=following))
            yield self._say(moving.ward, dossier, i, now, office)

    def _say(self, ward: str, dossier: Dossier, i: int, now: datetime, office: Office) -> _Said:
        at = local_seconds(now)
        if i == 0:
            day = self._today[ward]
            day.serial += 1
            dossier.code = f"H26.{ward}-{now.astimezone(VN):%y%m%d}-{day.serial:04d}"
            dossier.submitted = at
        step = dossier.steps[i] = dossier.steps[i]._replace(at=at)
        if step.status is Status.RECEIVED:
            dossier.received, dossier.due = at, office.due(dossier.application.procedure, at)
        payload = partial(payload_of, dossier, ward, step)
        return _Said(ward, Draft(type_of_step(step), payload, now, ward), step)

    def _close_day(self) -> Iterator[_Said]:
        """Declare the day that has ended, for every ward of which this city has seen all of it."""
        end = moment((self._day + 1) * DAY_S) - timedelta.resolution
        for ward in self._wards:
            day, self._today[ward] = self._today[ward], _WardDay(whole=True)
            if day.whole:
                closed = partial(self._closed, ward, day, end)
                yield _Said(ward, Draft(DayClosedEvent, closed, end, ward), None)

    @staticmethod
    def _closed(ward: str, day: _WardDay, end: datetime, epoch: str, seq: int) -> DayClosed:
        return DayClosed(
            ward=ward,
            epoch=epoch,
            seq=seq,
            day=end.date(),
            counts={status: number for status, number in sorted(day.counts.items()) if number},
            first_seq=day.first_seq,
            last_seq=day.last_seq,
        )
