"""From the outbox to the gateway, for a ward without access to Kafka: in order, again after any failure.

Invariants: an event is acknowledged to the outbox only after the gateway's answer for it, which means that
Kafka has it; a batch whose answer got lost is posted again under the same ids, and counted once.

Known limit: an event that the gateway rejects is acknowledged, so that it does not hold up those behind it.
The outbox checks by the city's own rules, so this means a wrong token or clock; `health` counts it.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any, Final, TypeVar

import msgspec
from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception_type,
    sleep_using_event,
    stop_when_event_set,
    wait_random_exponential,
)

from producers.contract.codec import encode
from producers.contract.envelope import wrap_heartbeat
from producers.contract.errors import Stop, Unavailable
from producers.contract.events import Heartbeat
from producers.gateway_client import Answer, GatewayClient, Later
from producers.outbox import Outbox, Stored
from producers.outbox.lock import only_publisher
from producers.repair import answer, new_request

_log: Final = logging.getLogger(__name__)
_EVENTS_PATH: Final = "/v1/events"
_REQUESTS_PATH: Final = "/v1/requests"
_BATCH_EVENTS_MAX: Final = 500
_BATCH_BYTES_MAX: Final = 1_000_000
_IDLE_S: Final = 0.05
_REFUSED_WAIT_S: Final = 15.0
_patience: Final = wait_random_exponential(multiplier=0.2, max=10.0)

T = TypeVar("T")


class SenderHealth(msgspec.Struct, frozen=True, kw_only=True):
    """How the sender is. `waiting`: the gateway does not take events now; `detail` says why."""

    state: str
    detail: str
    pending: int
    delivered: int
    rejected: int


class GatewaySender:
    """Sends one ward's outbox to the gateway, with heartbeats, and answers its requests."""

    def __init__(
        self,
        outbox: Outbox,
        ward: str,
        client: GatewayClient,
        *,
        beat_every_s: float = 60.0,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """Nothing is opened yet. At each heartbeat the gateway is asked what the city lacks, too."""
        self.outbox, self.ward = outbox, ward
        self._client, self._beat_every_s, self._clock = client, beat_every_s, clock
        self._state, self._detail = "stopped", ""
        self._delivered = self._rejected = self.answered = self.resent = 0
        self._batch_max = _BATCH_EVENTS_MAX
        self._beat_at_s = 0.0

    def run(self, stop: threading.Event) -> None:
        """Send until `stop` is set, whatever happens to the line.

        :raises Stop: another process sends this outbox, or it holds other wards' events
        """
        others = self.outbox.wards().keys() - {self.ward}
        if others:
            raise Stop("outbox_of_others", f"{self.outbox.path} holds other wards' events", "One file a ward")
        with only_publisher(self.outbox.path):
            try:
                while not stop.is_set():
                    self._step(stop)
            finally:
                self._client.close()
                self._state = "stopped"

    def health(self) -> SenderHealth:
        """How it goes."""
        return SenderHealth(
            state=self._state,
            detail=self._detail,
            pending=self.outbox.ward(self.ward).pending,
            delivered=self._delivered,
            rejected=self._rejected,
        )

    def _step(self, stop: threading.Event) -> None:
        rows = list(_bounded(self.outbox.pending(self._batch_max)))
        try:
            if rows:
                self._post(rows, stop)
                self._acknowledge(rows[-1].seq, stop)
            if self._beat_every_s and time.monotonic() >= self._beat_at_s:
                self._beat_at_s = time.monotonic() + self._beat_every_s
                self._beat_and_listen(stop)
            self._say("sending" if rows else "idle", "")
        except Later as error:
            self._say("waiting", str(error))
        if not rows:
            stop.wait(_IDLE_S)

    def _acknowledge(self, seq: int, stop: threading.Event) -> None:
        """A full disk stops nothing: the same events are posted again, and counted once."""
        try:
            self.outbox.acknowledge({self.ward: seq})
        except Unavailable as error:
            self._say("waiting", str(error))
            stop.wait(1.0)

    def _post(self, rows: list[Stored], stop: threading.Event) -> None:
        """Return when the gateway has answered for every row.

        :raises Later: `stop` came first, or the batch was too long and is to be tried shorter
        """
        said = self._patiently(lambda: self._posted(rows), stop)
        rejected = [one for one in said if one.get("outcome") == "rejected"]
        self._delivered += len(said) - len(rejected)
        self._rejected += len(rejected)
        for one in rejected:
            seq = rows[one["index"]].seq
            _log.error("the gateway rejects %s/%s: %s", self.ward, seq, one.get("code"))

    def _posted(self, rows: list[Stored]) -> list[dict[str, Any]]:
        reply = self._client.post_events(_EVENTS_PATH, [row.value for row in rows])
        said = answers_in(reply)
        if len(said) == len(rows):
            return said
        code = reply.body.get("code", "") if isinstance(reply.body, dict) else ""
        if code in ("batch_too_long", "body_too_large") and len(rows) > 1:
            self._batch_max = max(1, len(rows) // 2)
            raise _Shorter(code)
        raise Later(f"HTTP {reply.status} {code}".rstrip(), _REFUSED_WAIT_S)

    def _patiently(self, work: Callable[[], T], stop: threading.Event) -> T:
        retrying = Retrying(
            retry=retry_if_exception_type(Later),
            wait=_wait,
            stop=stop_when_event_set(stop),
            sleep=sleep_using_event(stop),
            before_sleep=self._note,
            reraise=True,
        )
        try:
            return retrying(work)
        except _Shorter as error:
            raise Later(str(error)) from None

    def _note(self, state: RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome else None
        self._say("waiting", str(error))

    def _beat_and_listen(self, stop: threading.Event) -> None:
        """One attempt each: a heartbeat that comes late says nothing, and requests are asked for again."""
        at = self.outbox.ward(self.ward)
        beat = Heartbeat(
            ward=self.ward,
            epoch=self.outbox.epoch,
            last_seq=at.sent_seq,
            outbox_pending=at.pending,
            clock=self._clock(),
        )
        self._client.post_events(_EVENTS_PATH, [encode(wrap_heartbeat(beat))])
        for epoch, first, last in ranges_in(self._client.get(_REQUESTS_PATH)):
            if epoch == self.outbox.epoch and not stop.is_set():
                request = new_request(self.ward, epoch, first, last)
                given = answer(self.outbox, request, self._again(stop), stop)
                self.answered += given is not None
                self.resent += given.sent if given else 0

    def _again(self, stop: threading.Event) -> Callable[[str, list[Stored]], bool]:
        def send(_ward: str, rows: list[Stored]) -> bool:
            while rows:
                some = list(_bounded(rows[: self._batch_max]))
                try:
                    self._post(some, stop)
                except Later:
                    return False
                rows = rows[len(some) :]
            return True

        return send

    def _say(self, state: str, detail: str) -> None:
        if detail and detail != self._detail:
            _log.warning("gateway sender %s: %s", state, detail)
        self._state, self._detail = state, detail


class _Shorter(Exception):
    """The gateway takes shorter batches only."""


def _wait(state: RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome else None
    asked = error.after_s if isinstance(error, Later) else 0.0
    return asked or float(_patience(state))


def _bounded(rows: list[Stored]) -> Iterator[Stored]:
    """The first rows that fit into one body, at least one."""
    size = 0
    for row in rows:
        size += len(row.value)
        if size > _BATCH_BYTES_MAX and size > len(row.value):
            return
        yield row


def answers_in(reply: Answer) -> list[dict[str, Any]]:
    """The answer for each event of a batch, in order; empty if the body has none."""
    found = _list_in(reply.body, "outcome")
    return sorted(found, key=lambda one: int(one["index"])) if all("index" in one for one in found) else []


def ranges_in(reply: Answer) -> list[tuple[str, int, int]]:
    """What the city asks for: epoch, first and last seq."""
    found = _list_in(reply.body, "first") if reply.status == 200 else []
    return [(str(one["epoch"]), int(one["first"]), int(one["last"])) for one in found]


def _list_in(body: Any, member: str) -> list[dict[str, Any]]:
    """The first list of objects with that member: the body itself, or one of its members."""
    lists = [body] if isinstance(body, list) else list(body.values()) if isinstance(body, dict) else []
    for found in lists:
        if isinstance(found, list) and found and all(isinstance(o, dict) and member in o for o in found):
            return found
    return []
