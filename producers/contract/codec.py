"""Bytes to events and back. Worker and loader admit by this one function, so they never disagree.

`admit` is a pure function of the message (value, key, partition, broker time; where signatures are asked
for, its headers too): the same message is admitted or rejected alike by every process, at every replay.
"""

from __future__ import annotations

import re
from datetime import datetime, timezone
from typing import Final, NamedTuple

import msgspec

from producers.contract.envelope import Event, Payload, StatusChangedEvent
from producers.contract.errors import Reject
from producers.contract.events import Heartbeat, Retracted, StatusChanged
from producers.contract.signing import Headers, Verifier
from producers.contract.topics import PARTITION_OF_WARD, VALUE_BYTES_MAX

TIME_MIN_S: Final = 1577811600.0  # 2020-01-01T00:00:00+07:00
TIME_AHEAD_MAX_S: Final = 86_400.0
# The times inside a payload: an appointment may be far ahead, but every store must be able to hold it.
PAYLOAD_YEARS: Final = range(1950, 2200)
_YEAR_MIN, _YEAR_END = PAYLOAD_YEARS.start, PAYLOAD_YEARS.stop
_DAY_S: Final = 86_400

_decoder: Final[msgspec.json.Decoder[Event]] = msgspec.json.Decoder(Event)
_encoder: Final = msgspec.json.Encoder()
_ERROR_PATH: Final = re.compile(r" - at `(?:key in )?(\$[^`]*)`$")
_PATTERNS: Final = {
    "epoch": re.compile(r"(?!.*[0-9]{9})[0-9A-Za-z_-]{1,40}"),
    "procedure": re.compile(r"[0-9]\.[0-9]{6}(\.[0-9A-Z]{2,3}){0,4}"),
    "field": re.compile(r"[a-z][a-z-]{0,39}"),
    "heartbeat": re.compile(r"[0-9T:+.Z-]{10,40}"),
}
# Combinations of (epoch, of's epoch, procedure, field) that have passed their patterns. A city has some
# thousand of them; a flood of new ones empties the memory instead of growing it.
_PASSED_MAX: Final = 50_000
_passed: set[tuple[str, str, str, str]] = set()
# 1970-01-01T00:00Z as each offset's clock shows it; there are as many as minutes in two days.
_origins: dict[timezone, datetime] = {}


class _WardFacts(NamedTuple):
    """What every message of a ward must say."""

    key: bytes
    source: str
    partition: int


_FACTS_OF_WARD: Final = {
    ward: _WardFacts(ward.encode(), f"/wards/{ward}", partition)
    for ward, partition in PARTITION_OF_WARD.items()
}


def encode(event: Event) -> bytes:
    """The event as one line of UTF-8 JSON."""
    return _encoder.encode(event)


def seconds_of(moment: datetime) -> float:
    """`moment.timestamp()` to the bit, in a third of the time: within one offset no offset is looked up."""
    zone = moment.tzinfo
    if type(zone) is not timezone:  # a zone with rules: its wall clock cannot be subtracted
        return moment.timestamp()
    origin = _origins.get(zone)
    if origin is None:
        origin = _origins[zone] = datetime.fromtimestamp(0, zone)
    passed = moment - origin
    seconds = passed.days * _DAY_S + passed.seconds
    return (seconds * 1_000_000 + passed.microseconds) / 1_000_000 if passed.microseconds else seconds


def decode(value: bytes | None) -> Event:
    """Parse one message value.

    :raises Reject: null_value, too_large, not_json, unknown_type, bad_shape
    """
    if value is None:
        raise Reject("null_value")
    if len(value) > VALUE_BYTES_MAX:
        raise Reject("too_large", f"{len(value)} bytes")
    try:
        return _decoder.decode(value)
    except msgspec.ValidationError as error:
        raise shape_error(str(error)) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Reject("not_json", type(error).__name__) from None


def admit(
    value: bytes | None,
    key: bytes | None,
    partition: int,
    arrived_s: float,
    headers: Headers = (),
    verify: Verifier | None = None,
) -> tuple[Event, float]:
    """Parse and check one Kafka message: shape, ward, identity, partition, time, and the signature if asked.

    `arrived_s` is the broker's append time. Returns the event and its own time, both times in seconds
    since 1970.

    :raises Reject: with any code of `REASONS`, and with `verify` of `SIGNATURE_REASONS`
    """
    event = decode(value)
    facts = _check_known(event) or check(event)
    if key != facts.key:
        raise Reject("identity_mismatch", "the Kafka key is not the ward's code")
    if partition != facts.partition:
        raise Reject("misrouted", f"partition {partition}, not {facts.partition}")
    time_s = seconds_of(event.time)
    if not TIME_MIN_S <= time_s <= arrived_s + TIME_AHEAD_MAX_S:
        raise Reject("time_out_of_range", "time", "$.time")
    if verify is not None:
        assert value is not None
        verify(event.data.ward, value, headers, round(arrived_s * 1000))
    return event, time_s


def _check_known(event: Event) -> _WardFacts | None:
    """The facts of a status event whose words have passed before and that is as it should be: nearly all
    are, and this is the hot path of every replay. None sends the event through `check`, which says why.
    """
    if type(event) is not StatusChangedEvent:
        return None
    data = event.data
    ward, epoch, subject, due, finished = data.ward, data.epoch, event.subject, data.due_at, data.finished_at
    facts = _FACTS_OF_WARD.get(ward)
    if (
        facts is not None
        and event.source == facts.source
        and event.id == f"{ward}/{epoch}/{data.seq}"
        and (subject is None or subject == data.dossier)
        and (epoch, epoch, data.procedure, data.field) in _passed
        and _YEAR_MIN <= data.received_at.year < _YEAR_END
        and (due is None or _YEAR_MIN <= due.year < _YEAR_END)
        and (finished is None or _YEAR_MIN <= finished.year < _YEAR_END)
    ):
        return facts
    return None


def check(event: Event) -> _WardFacts:
    """What can be checked before an event is sent: ward, identity, words.

    :raises Reject: unknown_ward, identity_mismatch, bad_shape
    """
    data = event.data
    facts = _FACTS_OF_WARD.get(data.ward)
    if facts is None:
        raise Reject("unknown_ward", "ward", "$.data.ward")
    if event.source != facts.source:
        raise Reject("identity_mismatch", "source", "$.source")
    if isinstance(data, Heartbeat):
        _check_heartbeat(event.id, data)
    else:
        if event.id != f"{data.ward}/{data.epoch}/{data.seq}":
            raise Reject("identity_mismatch", "id", "$.id")
        _check_payload(event.subject, data)
    return facts


def _check_heartbeat(identity: str, data: Heartbeat) -> None:
    head = f"{data.ward}/{data.epoch}/hb/"
    if not identity.startswith(head) or not _PATTERNS["heartbeat"].fullmatch(identity[len(head) :]):
        raise Reject("identity_mismatch", "id", "$.id")
    _check_word("epoch", data.epoch)


def _check_payload(subject: str | None, data: Payload) -> None:
    status = data.of if isinstance(data, Retracted) else data
    if isinstance(status, StatusChanged):
        dossier: str | None = status.dossier
        _check_status(data, status)
    else:
        dossier = None
        _check_word("epoch", data.epoch)
    if status is not data or dossier is None:
        _check_days(data)
    # The subject is the dossier's code or absent: free text could carry a name.
    if subject is not None and subject != dossier:
        raise Reject("identity_mismatch", "subject", "$.subject")


def _check_days(data: Payload) -> None:
    """The times of everything but a status change: each names a book's day, or is kept as it is."""
    for member in ("of_time", "day", "due"):
        moment = getattr(data, member, None)
        if moment is not None and moment.year not in PAYLOAD_YEARS:
            raise Reject("time_out_of_range", "a time of the payload", f"$.data.{member}")


def _check_status(data: Payload, status: StatusChanged) -> None:
    """Check times and open words; a combination of words is remembered, so this is one look-up."""
    if status.ward != data.ward:
        raise Reject("identity_mismatch", "of.ward", "$.data.of.ward")
    for moment in (status.received_at, status.due_at, status.finished_at):
        if moment is not None and moment.year not in PAYLOAD_YEARS:
            raise Reject("time_out_of_range", "a time of the payload", "$.data")
    words = (data.epoch, status.epoch, status.procedure, status.field)
    if words in _passed:
        return
    for member, word in zip(("epoch", "epoch", "procedure", "field"), words, strict=True):
        _check_word(member, word)
    if len(_passed) >= _PASSED_MAX:
        _passed.clear()
    _passed.add(words)


def _check_word(member: str, word: str) -> None:
    if not _PATTERNS[member].fullmatch(word):
        raise Reject("bad_shape", "does not match its pattern", f"$.data.{member}")


def shape_error(message: str) -> Reject:
    """Turn msgspec's message into ours; values are cut out, since they could be personal data."""
    found = _ERROR_PATH.search(message)
    member = found.group(1) if found else "$"
    detail = message[: found.start()] if found else message
    if member == "$.type" or detail.endswith("required field `type`"):
        return Reject("unknown_type", "", "$.type")
    return Reject("bad_shape", re.sub(r"'[^']*'", "'…'", detail), member)
