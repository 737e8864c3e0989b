"""What the embedded engine allows at once, by who asks: the part of the settings that only it needs."""

from __future__ import annotations

from pydantic import Field
from pydantic_settings import BaseSettings


class EngineSettings(BaseSettings):
    """Bounds of the embedded ClickHouse. A server of your own has them in sql/access.sql."""

    clickhouse_body_bytes_max: int = Field(
        default=256 * 1024 * 1024, ge=1024 * 1024, description="Embedded: largest request body, unpacked."
    )
    clickhouse_writer_threads: int = Field(
        default=4, ge=1, le=64, description="Embedded: writers' statements that run at the same time."
    )
    clickhouse_reader_threads: int = Field(
        default=4, ge=1, le=64, description="Embedded: readers' queries that run at the same time."
    )
    clickhouse_queue_max: int = Field(
        default=256, ge=1, description="Embedded: statements that may wait for a thread, for each role."
    )
    clickhouse_reader_seconds_max: int = Field(
        default=30, ge=1, description="Embedded: longest a reader's query may run, in seconds."
    )
    clickhouse_reader_rows_max: int = Field(
        default=1_000_000, ge=1, description="Embedded: most rows a reader's query may return."
    )
    clickhouse_reader_memory_mb: int = Field(
        default=1024, ge=16, description="Embedded: most memory a reader's query may use, in MB."
    )
    clickhouse_analyst_threads: int = Field(
        default=2,
        ge=1,
        le=64,
        description="Embedded: analysts' statements that run at the same time, of all.",
    )
    clickhouse_analyst_running_max: int = Field(
        default=2,
        ge=1,
        le=64,
        description="Embedded: statements of one analyst that run at the same time; never all threads.",
    )
    clickhouse_analyst_waiting_max: int = Field(
        default=20, ge=0, description="Embedded: further statements of one analyst that may wait."
    )
    clickhouse_analyst_wait_seconds_max: float = Field(
        default=60.0,
        gt=0.0,
        description="Embedded: longest an analyst's statement waits for its turn, in seconds.",
    )
    clickhouse_analyst_seconds_max: int = Field(
        default=30, ge=1, description="Embedded: longest an analyst's statement may run, in seconds."
    )
    clickhouse_analyst_rows_max: int = Field(
        default=10_000_000, ge=1, description="Embedded: most rows an analyst's statement may return."
    )
    clickhouse_analyst_memory_mb: int = Field(
        default=1024, ge=16, description="Embedded: most memory an analyst's statement may use, in MB."
    )
    clickhouse_disk_reserve_mb: int = Field(
        default=256,
        ge=1,
        description="Embedded: with less free space, in MB, nothing is merged and inserts are refused.",
    )
    clickhouse_memory_mb: int = Field(
        default=4096, ge=256, description="Embedded: most memory a writer's statement may use, in MB."
    )
