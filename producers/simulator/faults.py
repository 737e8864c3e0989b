"""Faults on request: what a line, a ward's system or a stranger may do to the messages.

`duplicated`, `reordered`, `late` and `lost` take any messages, in memory bounded by their distance, and
give the same ones again from the same seed. `malformed` makes messages that the city must reject.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator
from random import Random
from typing import Final, NamedTuple, TypeVar

import msgspec

from producers.contract.codec import encode
from producers.contract.envelope import StatusChangedEvent
from producers.contract.reasons import REASONS
from producers.contract.topics import PARTITION_OF_WARD, PARTITIONS
from producers.simulator.city import city_events
from producers.simulator.profile import scaled

T = TypeVar("T")
# The message's own number, the place it is moved to (never before that number), and the message.
_Place = tuple[int, float, T]
_HUGE_BYTES: Final = 2 * 1024 * 1024


def duplicated(messages: Iterable[T], share: float, seed: int, distance: int = 100) -> Iterator[T]:
    """Every message, and a share of them once more, up to `distance` messages later."""
    rng = _random(seed)

    def places() -> Iterator[_Place[T]]:
        for i, message in enumerate(messages):
            yield i, i, message
            if rng.random() < share:
                yield i, i + rng.uniform(0, distance), message

    return _by_place(places())


def reordered(messages: Iterable[T], distance: int, seed: int) -> Iterator[T]:
    """Every message once, each up to `distance` places too late."""
    rng = _random(seed)
    return _by_place((i, i + rng.uniform(0, distance), message) for i, message in enumerate(messages))


def late(messages: Iterable[T], share: float, seed: int, distance: int = 10_000) -> Iterator[T]:
    """Every message once, a share of them `distance` places too late."""
    rng = _random(seed)
    return _by_place((i, i + distance * (rng.random() < share), m) for i, m in enumerate(messages))


def lost(messages: Iterable[T], share: float, seed: int) -> Iterator[T]:
    """Every message but a share of them."""
    rng = _random(seed)
    return (message for message in messages if rng.random() >= share)


def _random(seed: int) -> Random:
    return Random(f"{seed}/faults")  # noqa: S311 (a simulation, not a secret)


def _by_place(places: Iterable[_Place[T]]) -> Iterator[T]:
    """Sort by place with a heap: what stands at or before `i` goes out, as nothing later comes before it."""
    heap: list[tuple[float, int, T]] = []
    for number, (i, place, message) in enumerate(places):
        heapq.heappush(heap, (place, number, message))
        while heap and heap[0][0] <= i:
            yield heapq.heappop(heap)[2]
    while heap:
        yield heapq.heappop(heap)[2]


class Malformed(NamedTuple):
    """A message that must be rejected with `code`, to be produced to exactly this partition."""

    code: str
    key: bytes | None
    value: bytes | None
    partition: int


def malformed(seed: int) -> Iterator[Malformed]:
    """Messages for every code of `REASONS`, some codes in several ways."""
    # A city's first event may be the closing of a day, of which other members are wrong.
    event = next(e for e in city_events(scaled(126, seed=seed)) if isinstance(e, StatusChangedEvent))
    ward, good = event.data.ward, encode(event)
    key, partition = ward.encode(), PARTITION_OF_WARD[ward]
    for code, make in _WAYS:
        yield Malformed(code, key, make(good), partition)
    strangers = ("99999", "00000", "1")
    for stranger in strangers:
        yield Malformed("unknown_ward", stranger.encode(), _of_ward(good, ward, stranger), partition)
    other = next(code for code in PARTITION_OF_WARD if code != ward)
    for wrong_key in (other.encode(), b"", None):
        yield Malformed("identity_mismatch", wrong_key, good, partition)
    yield Malformed("misrouted", key, good, (partition + 1) % PARTITIONS)


Way = Callable[[bytes], bytes | None]


def _with(**members: object) -> Way:
    """Change members of the envelope."""
    return lambda good: msgspec.json.encode(msgspec.json.decode(good) | members)


def _with_data(**members: object) -> Way:
    """Change members of the payload."""

    def make(good: bytes) -> bytes:
        envelope = msgspec.json.decode(good)
        return msgspec.json.encode(envelope | {"data": envelope["data"] | members})

    return make


def _without(member: str) -> Way:
    def make(good: bytes) -> bytes:
        envelope = msgspec.json.decode(good)
        del envelope[member]
        return msgspec.json.encode(envelope)

    return make


def _of_ward(good: bytes, ward: str, stranger: str) -> bytes:
    """The same event of a ward that is not in the city."""
    envelope = msgspec.json.decode(good)
    identity = {"id": envelope["id"].replace(ward, stranger, 1), "source": f"/wards/{stranger}"}
    return msgspec.json.encode(envelope | identity | {"data": envelope["data"] | {"ward": stranger}})


_WAYS: Final[tuple[tuple[str, Way], ...]] = (
    ("not_json", lambda good: b"\x00\xff not json"),
    ("not_json", lambda good: good[: len(good) // 2]),
    ("not_json", lambda good: b""),
    ("not_json", lambda good: good.replace(b"H26", b"\xff\xfe\xfd", 1)),
    ("bad_shape", lambda good: b"[]"),
    ("bad_shape", _without("time")),
    ("bad_shape", _with(specversion="0.3")),
    ("bad_shape", _with_data(status=11)),
    ("bad_shape", _with_data(seq=0)),
    ("bad_shape", _with_data(dossier="Nguyễn Văn A")),
    ("bad_shape", _with_data(received_at="2025-07-01T08:00:00")),
    ("unknown_type", _with(type="dongbo.dossier.status-changed.v99")),
    ("unknown_type", _without("type")),
    ("identity_mismatch", _with(id="00004/another/1")),
    ("identity_mismatch", _with(source="/wards/99999")),
    ("time_out_of_range", _with(time="2019-12-31T23:59:59+07:00")),
    ("time_out_of_range", _with(time="9999-12-31T23:59:59+07:00")),
    ("too_large", _with(padding="x" * _HUGE_BYTES)),
    ("null_value", lambda good: None),
)
assert {code for code, _ in _WAYS} | {"unknown_ward", "misrouted"} == REASONS.keys()
