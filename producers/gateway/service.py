"""What the gateway does with a ward's requests, without HTTP: take events, ask the city."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone
from datetime import time as clock_time
from typing import Final, TypeVar

from producers.contract.envelope import DayClosedEvent, event_id, wrap, wrap_heartbeat
from producers.contract.errors import DongBoError, Reject, Unavailable
from producers.contract.events import DayClosed, Heartbeat
from producers.gateway import intake
from producers.gateway.acks import Acks
from producers.gateway.config import GatewayConfig
from producers.gateway.intake import EventAnswer, Numberless, Sorted
from producers.gateway.metrics import Metrics
from producers.gateway.numbered import Numbered
from producers.gateway.ports import Authority, CityView
from producers.gateway.problem import Problem, body_of
from producers.gateway.sender import Sender
from producers.gateway.shapes import BatchAnswer, DayTotals, HeartbeatBody
from producers.outbox import Draft

T = TypeVar("T")
_HANOI: Final = timezone(timedelta(hours=7))
# A large batch is judged in parts, so that others are served in between.
_PART: Final = 100
# A revoked token works for so long, beside what `Authority` itself remembers: together under a second.
_TOKEN_KEPT_S: Final = 0.4
_TOKENS_MAX: Final = 10_000
_TOKEN_CHARS_MAX: Final = 512
_CITY_WAITING_MAX: Final = 64


class Service:
    """Everything that the routes share. `city`, `numbered`, `acks` may be missing: an installation's wish."""

    def __init__(
        self,
        config: GatewayConfig,
        authority: Authority,
        sender: Sender,
        numbered: Numbered | None,
        city: CityView | None,
        metrics: Metrics,
        acks: Acks | None = None,
    ) -> None:
        self.config, self.sender, self.numbered, self.metrics = config, sender, numbered, metrics
        self._authority, self._city, self._acks = authority, city, acks
        self._threads = ThreadPoolExecutor(config.city_threads, thread_name_prefix="gateway-city")
        self._identity = ThreadPoolExecutor(1, thread_name_prefix="gateway-identity")
        self._asked = 0
        self._known: dict[str, tuple[str, float]] = {}

    def close(self) -> None:
        """Let the threads go."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._identity.shutdown(wait=False, cancel_futures=True)

    async def ward_of(self, header: str | None) -> str:
        """The ward of an Authorization header.

        :raises Problem: unauthorized, identity_away
        """
        scheme, _, token = (header or "").partition(" ")
        if scheme.lower() != "bearer" or not _is_plain(token):
            raise Problem("unauthorized", hang_up=True)
        ward, until_s = self._known.get(token, ("", 0.0))
        if time.monotonic() < until_s:
            return ward
        ward = await self._looked_up(token)
        if len(self._known) >= _TOKENS_MAX:
            self._known.clear()
        self._known[token] = ward, time.monotonic() + _TOKEN_KEPT_S
        return ward

    async def _looked_up(self, token: str) -> str:
        try:
            found = await asyncio.get_running_loop().run_in_executor(
                self._identity, self._authority.ward_of, token
            )
        except DongBoError:
            raise Problem("identity_away", retry_after_s=5.0, hang_up=True) from None
        if found is None:
            self._known.pop(token, None)
            raise Problem("unauthorized", hang_up=True)
        return found

    async def judge(self, ward: str, events: Sequence[bytes]) -> Sorted:
        """Judge a batch in parts, so that a large one does not hold up the others."""
        whole = Sorted([], [], [])
        seen: dict[str, bytes] = {}
        for first in range(0, len(events), _PART):
            if first:
                await asyncio.sleep(0)
            part = events[first : first + _PART]
            intake.sort(part, first, ward, time.time(), self.config.json_depth_max, seen, whole)
        return whole

    async def take(self, ward: str, batch: Sorted) -> BatchAnswer:
        """Bring a judged batch to Kafka and answer for each event.

        :raises Problem: kafka_away, busy, outbox_full: send the whole batch again
        """
        # All or an error: a client that gets 503 sends again everything, under the same ids.
        async with asyncio.TaskGroup() as group:
            group.create_task(self.sender.send(ward, [event.value for event in batch.wholes]))
            group.create_task(self._number(ward, batch))
        for event in batch.wholes:
            batch.answers[event.place] = EventAnswer(event.place, "accepted", event.id)
        for epoch, seq in _highest(batch).items():
            self.acked(ward, epoch, seq)
        return self._answer(batch)

    def acked(self, ward: str, epoch: str, seq: int) -> None:
        """Note that Kafka has the ward's seq; it is written down later, and no answer waits for that."""
        if self._acks is not None:
            self._acks.note(ward, epoch, seq)

    async def _number(self, ward: str, batch: Sorted) -> None:
        if not batch.numberless:
            return
        if self.numbered is None:
            self._refuse_numberless(batch)
            return
        try:
            given = await self.numbered.give(ward, [one.draft for one in batch.numberless])
        except Reject as reject:  # judged before, so only the clock or the size of a seq can differ
            self._refuse_numberless(batch, reject)
            return
        self.acked(ward, self.numbered.epoch, max(place.seq for place in given))
        for one, place in zip(batch.numberless, given, strict=True):
            if place.conflict:
                batch.answers[one.place] = intake.rejected(one.place, Reject("id_reused"))
                continue
            outcome: intake.Outcome = "duplicate" if place.duplicate else "accepted"
            name = event_id(ward, self.numbered.epoch, place.seq)
            batch.answers[one.place] = EventAnswer(one.place, outcome, name)

    def _refuse_numberless(self, batch: Sorted, reject: Reject | None = None) -> None:
        why = reject or Reject("bad_shape", "this gateway numbers no events; send id, epoch and seq", "$.id")
        for one in batch.numberless:
            batch.answers[one.place] = intake.rejected(one.place, why)

    def dry_run(self, batch: Sorted) -> BatchAnswer:
        """The answer to a batch that is sent nowhere."""
        for event in batch.wholes:
            batch.answers[event.place] = EventAnswer(event.place, "valid", event.id)
        for draft in batch.numberless:
            batch.answers[draft.place] = EventAnswer(draft.place, "valid")
        return self._answer(batch)

    def _answer(self, batch: Sorted) -> BatchAnswer:
        answers = [answer for answer in batch.answers if answer is not None]
        refused = [answer for answer in answers if answer.outcome == "rejected"]
        duplicate = sum(answer.outcome == "duplicate" for answer in answers)
        accepted = len(answers) - len(refused) - duplicate
        for answer in refused:
            self.metrics.events("rejected", 1, answer.code or "")
        self.metrics.events("duplicate", duplicate)
        self.metrics.events("accepted", accepted)
        words = body_of("some_rejected") if refused else None
        return BatchAnswer(
            accepted=accepted,
            duplicate=duplicate,
            rejected=len(refused),
            events=answers,
            code=words.code if words else None,
            vi=words.vi if words else None,
            en=words.en if words else None,
            remedy_vi=words.remedy_vi if words else None,
            remedy_en=words.remedy_en if words else None,
        )

    async def heartbeat(self, ward: str, body: HeartbeatBody) -> Sorted:
        """A heartbeat as a batch of one; without an epoch it speaks for the events that the gateway numbered.

        :raises Reject: the contract's
        """
        clock = body.clock or datetime.now(UTC)
        epoch, last_seq, pending = body.epoch, body.last_seq, body.outbox_pending
        if epoch is None:
            if self.numbered is None:
                raise Reject("bad_shape", "epoch is missing", "$.epoch")
            position = await self.numbered.position(ward)
            epoch, last_seq, pending = self.numbered.epoch, position.sent_seq, position.pending
        data = Heartbeat(ward=ward, epoch=epoch, last_seq=last_seq, outbox_pending=pending, clock=clock)
        event = wrap_heartbeat(data)
        intake.check(event, ward, time.time())
        return Sorted([intake.whole(0, event)], [], [None])

    def day_totals(self, ward: str, body: DayTotals) -> Sorted:
        """A day's totals as a batch of one; the time without which they come is the day's last second.

        That time does not depend on when they are sent, so a blind retry is the same event.

        :raises Reject: the contract's
        """
        if (body.epoch is None) != (body.seq is None):
            raise Reject("bad_shape", "epoch and seq: both or neither", "$.seq")
        at = body.time or datetime.combine(body.day, clock_time(23, 59, 59), _HANOI)
        data = DayClosed(
            ward=ward,
            epoch=body.epoch or "gateway",
            seq=body.seq or 1,
            day=body.day,
            counts=body.counts,
            first_seq=body.first_seq,
            last_seq=body.last_seq,
        )
        event = wrap(DayClosedEvent, data, at)
        intake.check(event, ward, time.time())
        if body.seq is None:
            return Sorted([], [Numberless(0, Draft(DayClosedEvent, data, at, ward))], [None])
        return Sorted([intake.whole(0, event)], [], [None])

    async def ask_city(self, ask: Callable[[CityView], T]) -> T:
        """Ask what may block, in one of few threads; a slow city makes its askers wait, and nobody else.

        :raises Problem: city_away
        """
        if self._city is None or self._asked >= _CITY_WAITING_MAX:
            raise Problem("city_away", retry_after_s=30.0)
        self._asked += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, ask, self._city)
        except Unavailable:
            raise Problem("city_away", retry_after_s=30.0) from None
        finally:
            self._asked -= 1


def _highest(batch: Sorted) -> dict[str, int]:
    """The highest seq of each epoch; heartbeats have none."""
    found: dict[str, int] = {}
    for event in batch.wholes:
        if event.seq > found.get(event.epoch, 0):
            found[event.epoch] = event.seq
    return found


def _is_plain(token: str) -> bool:
    """A token is visible ASCII without blanks: a stray line end is told as such, never looked up."""
    return 0 < len(token) <= _TOKEN_CHARS_MAX and all("!" <= letter <= "~" for letter in token)
