"""What the changelog holds, by key and in memory: the newest record of each, whatever the order they come in.

Invariants:
- Of two records of a key the higher version stays, in whatever order the changelog has them: a worker that
  was stopped for a minute may have written an old record behind a new one.
- `put` is called with records that the changelog has acknowledged, never before.
- Only keys of partitions that this worker owns are kept.
- Of each key the changelog's last record should be the newest: compaction keeps the last, and a worker that
  recovered from an older one would lack events whose offsets are committed. `behind` has the others; the
  worker writes them again.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from typing import Final

import msgspec

from producers.contract.topics import PARTITION_OF_WARD
from streams.domain.records import (
    book_key,
    decode_book,
    decode_sync,
    is_sync,
    newer,
    sync_key,
    version,
    version_of,
    ward_of,
)
from streams.domain.shelf import Message
from streams.domain.sync import WardSync

_log: Final = logging.getLogger(__name__)


class BookRecords:
    """Records by key, with an index from ward to keys. The `Records` of the shelf."""

    def __init__(self) -> None:
        self._by_key: dict[bytes, bytes] = {}
        self._keys_of_ward: dict[str, set[bytes]] = {}
        self._seen: dict[int, int] = {}
        self._behind: set[bytes] = set()
        self.skipped = 0

    def get(self, key: bytes, /) -> bytes | None:
        """The record of a key, or None."""
        return self._by_key.get(key)

    def books_of(self, ward: str, /) -> Iterator[bytes]:
        """The encoded books of a ward, all days."""
        keys = self._keys_of_ward.get(ward, ())
        return (self._by_key[key] for key in keys if not is_sync(key))

    def __len__(self) -> int:
        return len(self._by_key)

    def put(self, key: bytes, value: bytes) -> None:
        """Keep the changelog's next record unless a newer one is known."""
        known = self._by_key.get(key)
        if not newer(value, known):
            self._behind.add(key)
            return
        self._by_key[key] = value
        self._behind.discard(key)
        if known is None:
            self._keys_of_ward.setdefault(ward_of(key), set()).add(key)

    def behind(self) -> dict[int, list[tuple[bytes, bytes]]]:
        """By partition: keys and newest records behind which the changelog has an older one, or junk."""
        found: dict[int, list[tuple[bytes, bytes]]] = {}
        for key in sorted(self._behind):
            found.setdefault(PARTITION_OF_WARD[ward_of(key)], []).append((key, self._by_key[key]))
        return found

    def delete(self, key: bytes) -> None:
        """Forget a record, as a tombstone asks."""
        self._behind.discard(key)
        if self._by_key.pop(key, None) is not None:
            self._keys_of_ward[ward_of(key)].discard(key)

    def replay(self, partition: int, messages: Iterable[Message], last_offset: int) -> None:
        """Take changelog records up to and with `last_offset`; what cannot be a record is skipped."""
        for message in messages:
            if not _is_record(partition, message):
                self._skip(partition, message)
            elif message.value is None:
                self.delete(message.key or b"")
            else:
                self.put(message.key or b"", message.value)
        self._seen[partition] = max(last_offset, self._seen.get(partition, -1))

    def wrote(self, partition: int, offsets: list[int]) -> None:
        """Note own records, acknowledged by the changelog at these offsets."""
        seen = self._seen.get(partition)
        if seen is None or not offsets:
            return
        if min(offsets) == seen + 1 and max(offsets) - seen == len(offsets):
            self._seen[partition] = max(offsets)

    def seen(self, partition: int) -> int | None:
        """The offset up to which the changelog of a partition is known without a gap; None if unknown."""
        return self._seen.get(partition)

    def recovered(self, partition: int) -> None:
        """A partition without any changelog record is known as a whole, too."""
        self._seen.setdefault(partition, -1)

    def keep_only(self, partitions: set[int]) -> None:
        """Forget everything of other partitions."""
        for ward in [ward for ward in self._keys_of_ward if PARTITION_OF_WARD[ward] not in partitions]:
            for key in self._keys_of_ward.pop(ward):
                del self._by_key[key]
                self._behind.discard(key)
        self._seen = {known: seen for known, seen in self._seen.items() if known in partitions}

    def _skip(self, partition: int, message: Message) -> None:
        self.skipped += 1
        if message.key in self._by_key:
            self._behind.add(message.key)
        _log.warning(
            "changelog record skipped: partition %d offset %d is no record of a ward of this partition "
            "(%d skipped so far)",
            partition,
            message.offset,
            self.skipped,
        )


def _is_record(partition: int, message: Message) -> bool:
    """Whether a changelog message is a record: known ward, its own partition, and a value that says the same.

    Costs 5 us a record; without it one foreign record would end every worker that touches its ward.
    """
    key, value = message.key or b"", message.value
    try:
        ward = ward_of(key)
        if PARTITION_OF_WARD.get(ward) != partition:
            return False
        if value is None:
            return True
        record = decode_sync(value) if is_sync(key) else decode_book(value)
    except (ValueError, msgspec.MsgspecError):
        return False
    own_key = sync_key(ward) if isinstance(record, WardSync) else book_key(record.ward, record.day)
    return (
        key == own_key
        and record.ward == ward
        and version_of(value) == version(record.generation, record.revision)
    )
