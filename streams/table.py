"""The one table, `book`: encoded records by key, in memory, restored from its changelog.

`persisted_offset` is an offset up to which this worker has seen the whole changelog of a partition. Its own
writes move it on only while nothing foreign stands between them; so a rebalance that leaves a partition here
reads back what others wrote, and not everything that this worker wrote since it started.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Any, Final

import faust
from faust.stores.base import Store
from faust.types import TP
from yarl import URL

from streams.book_records import BookRecords

_faust_log: Final = logging.getLogger("faust.tables.books")


class BookStore(Store[bytes, bytes]):
    """Faust's view of the records."""

    logger = _faust_log

    def __init__(self, *args: Any, **options: Any) -> None:
        self.records = BookRecords()
        super().__init__(*args, **options)

    def persisted_offset(self, tp: TP) -> int | None:
        """The changelog offset up to which nothing has to be read again."""
        return self.records.seen(tp.partition)

    def apply_changelog_batch(self, batch: Iterable[Any], to_key: Any = None, to_value: Any = None) -> None:
        """Take chunks of changelog records (`streams.transport`)."""
        for event in batch:
            chunk = event.message
            self.records.replay(chunk.partition, chunk.records, chunk.offset)

    async def on_rebalance(self, assigned: set[TP], *_: Any) -> None:
        """Forget the partitions that are no longer ours, before anything of them is asked for."""
        topic = self.table.changelog_topic.get_topic_name()
        self.records.keep_only({tp.partition for tp in assigned if tp.topic == topic})

    async def on_recovery_completed(self, active_tps: set[TP], standby_tps: set[TP]) -> None:
        """Everything of these partitions is known now."""
        for tp in active_tps:
            self.records.recovered(tp.partition)

    def reset_state(self) -> None:
        """Nothing is kept on disk, so there is nothing to reset, to back up or to restore."""

    async def backup_partition(self, tp: Any, *_: Any, **__: Any) -> None:
        """See `reset_state`."""

    def restore_backup(self, tp: Any, *_: Any, **__: Any) -> None:
        """See `reset_state`."""


class BookTable(faust.Table[bytes, bytes]):
    """The table `book`. Faust recovers it; the agent writes its changelog and calls `records.put` itself."""

    logger = _faust_log

    def _new_store(self) -> BookStore:
        return BookStore(URL("memory://"), self.app, self, table_name=self.name)

    @property
    def records(self) -> BookRecords:
        """What the shelf reads."""
        store = self.data
        assert isinstance(store, BookStore)
        return store.records


def create_table(app: Any) -> BookTable:
    """Declare the table. Its changelog, `{app_id}-book-changelog`, must exist."""
    # A buffer of 1 would make Faust read this worker's own writes back for ever; chunks are large enough
    # that a larger one only holds memory.
    table = BookTable(
        app,
        name="book",
        key_type=bytes,
        value_type=bytes,
        partitions=app.conf.topic_partitions,
        recovery_buffer_size=2,
    )
    app.tables.add(table)
    return table
