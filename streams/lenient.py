"""Fetched records that survive a header whose name is not UTF-8.

aiokafka decodes header names while it parses a record, and raises: one such message, which anybody who may
write to the topic can send, would end every worker that reads its partition, for ever. Here a fetch that
raises is parsed again in Python from where it stood, with names decoded leniently; the message is then judged
as if it had no headers, as the loader judges it. A fetch without such a name costs nothing more.

Known limit: this reads private members of aiokafka 0.14.0, which is pinned.
"""

from __future__ import annotations

import struct
from typing import Any, Final

from aiokafka.consumer import fetcher
from aiokafka.consumer.fetcher import PartitionRecords
from aiokafka.record.default_records import _DefaultRecordBatchPy
from aiokafka.record.memory_records import MemoryRecords, _MemoryRecordsPy

_LAST_DELTA: Final = struct.Struct(">i")
_LAST_DELTA_AT: Final = 23
_BASE_OFFSET: Final = struct.Struct(">q")


class KeptRecords:
    """aiokafka's records of one fetch, with the bytes they came from."""

    def __init__(self, data: bytes) -> None:
        found = MemoryRecords(data)
        self.data = data
        self.has_next, self.next_batch = found.has_next, found.next_batch
        self.size_in_bytes = found.size_in_bytes


class LenientRecords(PartitionRecords):  # type: ignore[misc]
    """One partition's fetched records."""

    _records: Any
    _records_iterator: Any

    def __next__(self) -> Any:
        # Instead of aiokafka's own, not around it: this runs for every record.
        try:
            return next(self._records_iterator)
        except StopIteration:
            self._records_iterator = None
            raise
        except UnicodeDecodeError:
            self._records = _LenientMemory(self._records.data, self.next_fetch_offset)
            self._records_iterator = self._unpack_records()
            return next(self)


def keep_records() -> None:
    """Let aiokafka fetch so, in this process."""
    fetcher.MemoryRecords = KeptRecords
    fetcher.PartitionRecords = LenientRecords


def undecodable(name: str) -> bool:
    """Whether a header's name, as decoded here, was not UTF-8."""
    return not name.isascii() and any("\udc80" <= letter <= "\udcff" for letter in name)


class _LenientMemory(_MemoryRecordsPy):  # type: ignore[misc]
    """The batches that do not end before an offset."""

    def __init__(self, data: bytes, first: int) -> None:
        super().__init__(data)
        while self._next_slice is not None and _end(self._next_slice) <= first:
            self._cache_next()

    def next_batch(self, *_: Any) -> Any:
        found = self._next_slice
        self._cache_next()
        return None if found is None else _LenientBatch(found)


def _end(batch: memoryview) -> int:
    (base,) = _BASE_OFFSET.unpack_from(batch, 0)
    (delta,) = _LAST_DELTA.unpack_from(batch, _LAST_DELTA_AT)
    return int(base) + int(delta) + 1


class _LenientBatch(_DefaultRecordBatchPy):  # type: ignore[misc]
    _buffer: Any

    def __init__(self, data: memoryview) -> None:
        super().__init__(data)
        self._buffer = _LenientBytes(self._buffer)


class _LenientBytes(bytearray):
    """Bytes whose slices can always be decoded: what is not UTF-8 becomes a lone surrogate."""

    def __getitem__(self, at: Any) -> Any:
        found = super().__getitem__(at)
        return _LenientBytes(found) if isinstance(at, slice) else found

    def decode(self, *_: Any) -> str:
        return super().decode("utf-8", "surrogateescape")
