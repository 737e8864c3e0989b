"""When the broker's clock steps back: messages that arrive by it before a cut that is already published.

A cut holds all that Kafka had by its instant, and never changes. Should a broker's clock step back behind it
(a failover to a broker whose clock is behind), what arrives then belongs to the past, and the cuts published
since lack it. That cannot be mended, only said.

Known limit: a step back between what one loader stored last and what the next one reads first goes unnoticed.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from streams.warehouse.block import Span
from streams.warehouse.positions import APPEND_TIME_BACK
from streams.warehouse.reader import incident_row
from streams.warehouse.store import Store

# Clocks are set right by less than this all the time, and a cut waits for as long before it is begun.
BACK_MS: Final = 2_000
_Key = tuple[str, int]


class BackSteps:
    """The newest arrival that was stored, by partition; one thread."""

    def __init__(self) -> None:
        self._newest: dict[_Key, int] = {}
        self._told: dict[_Key, int] = {}

    def found(self, store: Store, spans: Iterable[tuple[Span, bool]]) -> list[tuple[Any, ...]]:
        """Rows of incidents for the spans of a block; each with whether it goes on where the last one ended.

        What was stored before says nothing new. Changes nothing, so that it may be asked again until the
        block is covered and `stored` is called.

        :raises Unavailable: ClickHouse is away
        """
        behind = [span for span, goes_on in spans if self._is_new(span, goes_on)]
        if not behind:
            return []
        cut_ms = int(store.value("SELECT toUnixTimestamp64Milli(max(at)) FROM city_cut") or 0)
        lacking = [span for span in behind if span.oldest_ms <= cut_ms]
        return [_row(span) for span in lacking if span.last > _covered(store, span)]

    def stored(self, spans: Iterable[tuple[Span, bool]]) -> None:
        """Note a block that is stored, with its incidents."""
        for span, goes_on in spans:
            key, newest = _key(span), self._before(span, goes_on)
            self._newest[key] = max(newest, span.newest_ms)
            if _fell(span) or _is_behind(span, newest):
                self._told[key] = self._newest[key]

    def _is_new(self, span: Span, goes_on: bool) -> bool:
        """Whether it steps back, and not by the step that was found before: since that, time has gone on."""
        newest, told = self._before(span, goes_on), self._told.get(_key(span), 0)
        return (_fell(span) and span.newest_ms > told) or (_is_behind(span, newest) and newest != told)

    def _before(self, span: Span, goes_on: bool) -> int:
        return self._newest.get(_key(span), 0) if goes_on else 0


def _fell(span: Span) -> bool:
    """Whether the clock stepped back within the span."""
    return span.back_ms > BACK_MS


def _is_behind(span: Span, newest_ms: int) -> bool:
    """Whether something in the span is behind what was stored before it."""
    return 0 < span.oldest_ms < newest_ms - BACK_MS


def _key(span: Span) -> _Key:
    return span.topic_id, span.partition


def _covered(store: Store, span: Span) -> int:
    """The last offset of its partition that is stored, -1 if none."""
    sql = (
        "SELECT toInt64(max(last_offset)) FROM coverage"
        " WHERE topic_id = {topic_id:String} AND partition = {partition:UInt16} HAVING count() > 0"
    )
    found = store.value(sql, {"topic_id": span.topic_id, "partition": span.partition})
    return -1 if found is None else int(found)


def _row(span: Span) -> tuple[Any, ...]:
    return incident_row(span.topic_id, span.topic, span.partition, APPEND_TIME_BACK, span.first, span.last)
