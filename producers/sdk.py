"""A ward's system in five lines: durable, ordered, re-requestable, with heartbeats and day totals by itself.

    from producers import Ward

    with Ward("00070", outbox="ward.sqlite", kafka="kafka.example:9092") as ward:
        ward.status(dossier="H26.00070-250701-0001", procedure="2.000815", channel="counter", status=2,
                    received_at=datetime.now())

`status`, `retract`, `close_day` and `difficulty` return once the event is on this machine's disk; a thread
sends it, now or when the line is back. Without access to Kafka: `gateway="https://…", token="…"` in place of
`kafka`.

A time without a zone is taken as Asia/Ho_Chi_Minh. One outbox file a ward, on a local disk, never restored
from a copy; all methods may be called by any thread.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Protocol, Self

import msgspec

from producers.contract.codec import decode
from producers.contract.envelope import DifficultyReportedEvent, RetractedEvent, StatusChangedEvent
from producers.contract.errors import DongBoError, Refused, Stop
from producers.contract.events import Difficulty, Retracted, StatusChanged
from producers.contract.procedures import PROCEDURES
from producers.contract.topics import EVENTS_TOPIC
from producers.contract.vocabulary import Applicant, Channel, Status
from producers.contract.wards import WARDS
from producers.outbox import Draft, Outbox
from producers.totals import HANOI, DayTotals

_log: Final = logging.getLogger(__name__)
_TICK_S: Final = 1.0
_CLOSE_EVERY_S: Final = 600.0
# A desk's last events of a day may reach the outbox a moment after midnight.
_AFTER_MIDNIGHT: Final = timedelta(minutes=1)
_FLUSH_S: Final = 10.0
_END_S: Final = 20.0


class _SenderHealth(Protocol):
    @property
    def state(self) -> str: ...
    @property
    def detail(self) -> str: ...
    @property
    def delivered(self) -> int: ...


class _Sender(Protocol):
    """What sends the outbox: a `Publisher` or a `GatewaySender`."""

    def run(self, stop: threading.Event) -> None:
        """Send until `stop` is set."""

    def health(self) -> _SenderHealth:
        """How it goes."""


class _Listener(Protocol):
    """What answers the city's requests."""

    @property
    def answered(self) -> int: ...
    @property
    def resent(self) -> int: ...


class WardHealth(msgspec.Struct, frozen=True, kw_only=True):
    """How the ward's sending is. `last_seq` is on this disk, `sent_seq` is with the city.

    `answered`, `resent`: requests of the city that this program has answered, and their events.
    """

    state: str
    detail: str
    epoch: str
    last_seq: int
    sent_seq: int
    delivered: int
    answered: int
    resent: int


class Ward:
    """One ward, its outbox, and the thread that sends."""

    def __init__(
        self,
        ward: str,
        *,
        outbox: str | Path,
        kafka: str | None = None,
        gateway: str | None = None,
        token: str | None = None,
        topic: str = EVENTS_TOPIC,
        beat_every_s: float = 60.0,
        close_days: bool = True,
        signing_key: str | Path | None = None,
        librdkafka: Mapping[str, object] | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """Open or create the outbox. Nothing is sent before `start`, which `with` calls.

        `beat_every_s` of 0 sends no heartbeats. `close_days`: declare each day's totals after midnight, and
        again when late events or retractions change them. Over Kafka `signing_key` is the file of the ward's
        private key, where the city asks for signatures, and `librdkafka` adds e.g. SASL.

        :raises Refused: the ward is none of the 126; not exactly one of kafka and gateway; a bad token
        :raises Stop: the file is damaged or not ours; `Unavailable`: disk full
        """
        _check_arguments(ward, kafka, gateway, token, signing_key)
        self.ward = ward
        self._clock, self._close_days = clock, close_days
        self.outbox = Outbox(outbox)
        self._totals = DayTotals(self.outbox, ward)
        self._totals_guard = threading.Lock()
        self._stop = threading.Event()
        self._fault: BaseException | None = None
        self._ended: bool | None = None
        try:
            self._sender, self._listener, loops = (
                _through_kafka(self.outbox, ward, kafka, topic, beat_every_s, signing_key, librdkafka, clock)
                if kafka
                else _through_gateway(self.outbox, ward, gateway or "", token or "", beat_every_s, clock)
            )
        except DongBoError:
            self.outbox.close()
            raise
        # Daemons: a program that forgets to close must still end; what was not sent stays in the outbox.
        self._threads = [
            threading.Thread(target=self._guarded, args=(loop,), name=f"ward-{ward}", daemon=True)
            for loop in (*loops, self._keep_days)
        ]

    def status(
        self,
        *,
        dossier: str,
        procedure: str,
        channel: Channel | str,
        status: Status | int,
        received_at: datetime,
        field: str | None = None,
        at: datetime | None = None,
        due_at: datetime | None = None,
        finished_at: datetime | None = None,
        applicant: Applicant | str | None = None,
        service_level: int | None = None,
        paid_online: bool | None = None,
        digitised: bool | None = None,
    ) -> int:
        """A dossier reached a status, `at` that moment or now; return the event's seq once it is durable.

        `field` may be left out for the procedures of `PROCEDURES`.

        :raises Reject: a member breaks the contract; its `reason` says what to send instead, in vi and en
        :raises OutboxFull: too many events wait; `Unavailable`: disk full
        """
        known: dict[str, Any] = {"channel": channel, "status": status, "applicant": applicant}
        payload = StatusChanged(
            ward=self.ward,
            epoch=self.outbox.epoch,
            seq=1,
            dossier=dossier,
            procedure=procedure,
            field=field or (PROCEDURES[procedure].field if procedure in PROCEDURES else ""),
            received_at=_aware(received_at),
            due_at=_aware(due_at) if due_at else None,
            finished_at=_aware(finished_at) if finished_at else None,
            service_level=service_level,
            paid_online=paid_online,
            digitised=digitised,
            **known,  # the outbox checks the words as the city does
        )
        return self._append(Draft(StatusChangedEvent, payload, _aware(at or self._clock())))

    def retract(self, seq: int, reason: str) -> int:
        """Take a wrong status event back; return the retraction's seq. Twice is once.

        :raises Refused: the outbox keeps no status event of that seq
        :raises Reject: `reason` is no code of letters, digits, `.`, `_`, `-`
        """
        with self._totals_guard:
            already = self._totals.retraction_of(seq)
            if already is not None:
                return already
            rows = self.outbox.kept(self.ward, range(seq, seq + 1))
            event = decode(rows[0].value) if rows else None
            if not isinstance(event, StatusChangedEvent):
                raise Refused(
                    "no_such_event",
                    f"Hộp gửi không có sự kiện trạng thái số {seq}",
                    f"The outbox keeps no status event with the seq {seq}",
                )
            make = partial(_retraction, event, reason)
            return self._append(Draft(RetractedEvent, make, self._clock(), self.ward))

    def close_day(self, day: date) -> int:
        """Declare a day's totals as this outbox counts them; return the event's seq.

        :raises Refused: the outbox no longer keeps the whole day
        """
        with self._totals_guard:
            return self._append(self._totals.closing(day, self._clock()))

    def difficulty(self, code: str, group: int, *, at: datetime | None = None) -> int:
        """Report a difficulty under one of the city's 25 groups; return the event's seq once it is durable.

        The city gives it an owner and a due time. Reported again once it was resolved, it is open again.

        :raises Reject: a code with other than letters, digits, `.`, `_`, `-`; a group that is none of 1 to 25
        """
        payload = Difficulty(ward=self.ward, epoch=self.outbox.epoch, seq=1, difficulty=code, group=group)
        return self._append(Draft(DifficultyReportedEvent, payload, _aware(at or self._clock())))

    def start(self) -> Self:
        """Begin to send. An outbox with events from before goes on where it was."""
        for thread in self._threads:
            thread.start()
        return self

    def flush(self, timeout_s: float = _FLUSH_S) -> bool:
        """Wait until the city has all that was appended so far; say whether it has.

        :raises Stop: sending has ended and a person must act, e.g. another process sends this outbox
        """
        goal, until_s = self.outbox.ward(self.ward).last_seq, time.monotonic() + timeout_s
        while self.outbox.ward(self.ward).sent_seq < goal and time.monotonic() < until_s:
            if self._fault is not None:
                raise self._fault
            time.sleep(0.01)
        return self.outbox.ward(self.ward).sent_seq >= goal

    def health(self) -> WardHealth:
        """How it goes, for a status page or a log line."""
        sender, at = self._sender.health(), self.outbox.ward(self.ward)
        return WardHealth(
            state="stopped" if self._fault else sender.state,
            detail=str(self._fault or sender.detail),
            epoch=self.outbox.epoch,
            last_seq=at.last_seq,
            sent_seq=at.sent_seq,
            delivered=sender.delivered,
            answered=self._listener.answered,
            resent=self._listener.resent,
        )

    def close(self, timeout_s: float = _FLUSH_S) -> bool:
        """Send what waits for at most `timeout_s`, then end; say whether the city has all. Twice is once."""
        if self._ended is not None:
            return self._ended
        sending = any(thread.is_alive() for thread in self._threads)
        try:
            sent = self.flush(timeout_s if sending else 0.0)
        except DongBoError:
            sent = False
        self._stop.set()
        for thread in self._threads:
            if thread.ident is not None:
                thread.join(_END_S)
        self.outbox.close()
        self._ended = sent
        return sent

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self.close(_FLUSH_S if kind is None else 0.0)

    def _append(self, draft: Draft) -> int:
        return self.outbox.append(self.ward, [draft])[0]

    def _guarded(self, loop: Callable[[threading.Event], None]) -> None:
        """Keep what ended a thread, for `flush` and `health`; what is appended is durable all the same."""
        try:
            loop(self._stop)
        except BaseException as error:
            self._fault = error
            level = logging.ERROR if isinstance(error, Stop) else logging.CRITICAL
            _log.log(level, "sending for %s has ended: %s", self.ward, error)

    def _keep_days(self, stop: threading.Event) -> None:
        """Declare ended days: at the start, after midnight, and now and then for what changed afterwards."""
        looked_at, looked_s = date.min, 0.0
        while self._close_days and not stop.is_set():
            today = (self._clock() - _AFTER_MIDNIGHT).astimezone(HANOI).date()
            if today != looked_at or time.monotonic() - looked_s > _CLOSE_EVERY_S:
                looked_at, looked_s = today, time.monotonic()
                self._close_until(today)
            stop.wait(_TICK_S)

    def _close_until(self, today: date) -> None:
        try:
            with self._totals_guard:
                for day in self._totals.due(today):
                    self._append(self._totals.closing(day, self._clock()))
        except DongBoError as error:  # a full disk or outbox: the next look declares it
            _log.warning("a day of %s is not declared yet: %s", self.ward, error)


def _check_arguments(
    ward: str, kafka: str | None, gateway: str | None, token: str | None, signing_key: str | Path | None
) -> None:
    if ward not in WARDS:
        raise Refused(
            "unknown_ward",
            "Mã phường, xã không có trong danh sách 126 đơn vị: ghi đủ 5 chữ số, có số 0 ở đầu",
            "The ward code is not one of the 126: write all 5 digits, leading zeros included",
        )
    by_gateway = gateway is not None
    mixed = by_gateway != (token is not None) or (by_gateway and signing_key is not None)
    if (kafka is None) != by_gateway or mixed:
        raise Refused(
            "way_to_the_city",
            "Cần đúng một đường: kafka=… (có thể kèm signing_key=…), hoặc gateway=… cùng token=…",
            "Name exactly one way: kafka=… (perhaps with signing_key=…), or gateway=… with token=…",
        )


def _aware(moment: datetime) -> datetime:
    return moment.replace(tzinfo=HANOI) if moment.tzinfo is None else moment


def _retraction(of: StatusChangedEvent, reason: str, epoch: str, seq: int) -> Retracted:
    return Retracted(ward=of.data.ward, epoch=epoch, seq=seq, of=of.data, of_time=of.time, reason=reason)


_Loops = tuple[Callable[[threading.Event], None], ...]


def _through_kafka(
    outbox: Outbox,
    ward: str,
    bootstrap: str,
    topic: str,
    beat_every_s: float,
    signing_key: str | Path | None,
    librdkafka: Mapping[str, object] | None,
    clock: Callable[[], datetime],
) -> tuple[_Sender, _Listener, _Loops]:
    from producers.publisher import Publisher
    from producers.repair import RequestListener

    sign = None
    if signing_key is not None:
        from producers.identity.signatures import read_signer

        sign = read_signer(Path(signing_key))
    publisher = Publisher(
        outbox,
        bootstrap,
        topic,
        beat_every_s=beat_every_s,
        beat_wards=(ward,),
        clock=clock,
        sign=sign,
        librdkafka=librdkafka,
    )
    listener = RequestListener(outbox, publisher, bootstrap, librdkafka=librdkafka)
    return publisher, listener, (publisher.run, listener.run)


def _through_gateway(
    outbox: Outbox, ward: str, url: str, token: str, beat_every_s: float, clock: Callable[[], datetime]
) -> tuple[_Sender, _Listener, _Loops]:
    from producers.gateway_client import GatewayClient
    from producers.gateway_sender import GatewaySender

    sender = GatewaySender(outbox, ward, GatewayClient(url, token), beat_every_s=beat_every_s, clock=clock)
    return sender, sender, (sender.run,)
