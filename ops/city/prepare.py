"""What must be there before any process works: the topics in Kafka, the schema in ClickHouse."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from pydantic import SecretStr

from ops import console
from ops.settings import REPOSITORY, Settings, load
from producers.contract.errors import Unavailable
from producers.contract.topics import topic_specs
from streams.topics_setup import ensure_topics
from streams.warehouse import migrate as migrations
from streams.warehouse.retention import apply_lifetimes
from streams.warehouse.store import Address, Store

SQL_FOLDER = REPOSITORY / "sql"
WAIT_S = 120.0

T = TypeVar("T")


def store(settings: Settings) -> Store:
    """ClickHouse as the user who writes."""
    return Store(address(settings))


def reader(settings: Settings, request_timeout_s: int = 60) -> Store:
    """ClickHouse as the user who can only read. Who only asks how it is waits shortly: it may hang."""
    return Store(replace(reader_address(settings), request_timeout_s=request_timeout_s))


def address(settings: Settings) -> Address:
    """Where ClickHouse is, for the user who writes."""
    return _address(settings, settings.clickhouse_user, settings.clickhouse_password)


def reader_address(settings: Settings) -> Address:
    """Where ClickHouse is, for the user who can only read."""
    return _address(settings, settings.clickhouse_reader_user, settings.clickhouse_reader_password)


def _address(settings: Settings, user: str, password: SecretStr) -> Address:
    return Address(
        host=settings.clickhouse_host,
        port=settings.clickhouse_port,
        database=settings.clickhouse_database,
        user=user,
        password=password.get_secret_value(),
    )


def prepare(settings: Settings, wait_s: float = WAIT_S) -> list[str]:
    """Create what is missing, in Kafka and ClickHouse; return the migrations that were applied.

    :raises Unavailable: one of them did not answer within `wait_s`
    :raises Stop: a topic or a migration is not what it must be
    """
    specs = topic_specs(settings.events_topic, settings.app_id)
    waited("Kafka", wait_s, lambda: ensure_topics(settings.kafka_bootstrap, specs))
    return waited("ClickHouse", wait_s, lambda: _bring(settings))


def _bring(settings: Settings) -> list[str]:
    from ops.retention import policy

    with store(settings) as writer:
        groups, cluster = settings.difficulty_groups_path, settings.clickhouse_cluster
        applied = migrations.migrate(writer, SQL_FOLDER, groups, cluster)
        return applied + apply_lifetimes(writer, policy(settings))


def migrate(*, as_json: bool) -> int:
    """`dongbo migrate`."""
    applied = prepare(load())
    if as_json:
        console.emit_json({"applied": applied})
    else:
        console.note(f"topics are there; {len(applied)} migrations applied {', '.join(applied)}".rstrip())
    return 0


def render(cluster: str | None) -> int:
    """`dongbo migrate --render`: all statements, for reading or running elsewhere; nothing is changed."""
    name = load().clickhouse_cluster if cluster is None else cluster
    sys.stdout.write(";\n\n".join(migrations.rendered(SQL_FOLDER, name)) + ";\n")
    return 0


def pending_migrations(settings: Settings) -> list[str]:
    """Migrations that have not been applied yet."""
    return migrations.pending(store(settings), SQL_FOLDER)


def waited(name: str, wait_s: float, attempt: Callable[[], T]) -> T:
    """Try until the service answers; say once what is waited for."""
    deadline, said = time.monotonic() + wait_s, False
    while True:
        try:
            return attempt()
        except Unavailable as error:
            if time.monotonic() > deadline:
                raise
            if not said:
                console.note(f"waiting for {name}: {error.detail}")
            said = True
            time.sleep(0.3)
