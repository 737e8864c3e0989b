"""Fixtures of all tests: one real broker and one real ClickHouse endpoint for a session, both on free ports.

They start when the first test asks for them and end by process id. Tests share them, so every test takes
names of its own (`unique_name`) for topics, applications and databases.
"""

from __future__ import annotations

import itertools
import os
import time
from collections.abc import Callable, Iterator
from typing import TypeVar

import pytest

from ops.settings import Settings
from ops.stack import clickhouse as clickhouse_stack
from ops.stack import kafka as kafka_stack
from ops.stack.process import free_port as _free_port

T = TypeVar("T")
_serial = itertools.count(1)


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on now."""
    return _free_port()


def unique_name(prefix: str) -> str:
    """A name no other test has: letters, digits and `_` only, so it fits topics, databases and tables."""
    return f"{prefix}_{os.getpid()}_{next(_serial)}"


def eventually(check: Callable[[], T], timeout: float = 15.0, interval: float = 0.05) -> T:
    """Call `check` until it returns something true, and return that.

    After `timeout` seconds the last exception or value is the failure. An AssertionError means "not yet"; any
    other exception is a fault and ends the wait at once.
    """
    deadline = time.monotonic() + timeout
    last: object = None
    while True:
        try:
            value = check()
        except AssertionError as error:
            value, last = None, error
        else:
            last = value
            if value:
                return value
        if time.monotonic() > deadline:
            pytest.fail(f"not within {timeout} s; last seen: {last!r}")
        time.sleep(interval)


@pytest.fixture(scope="session")
def stack_settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Settings of the session's own stack: free ports and a temporary data folder."""
    return Settings(
        data_dir=tmp_path_factory.mktemp("stack"),
        kafka_bootstrap=f"127.0.0.1:{free_port()}",
        clickhouse_port=free_port(),
    )


@pytest.fixture(scope="session")
def kafka(stack_settings: Settings) -> Iterator[kafka_stack.Broker]:
    """A real broker: `kafka.bootstrap`."""
    broker = kafka_stack.start(stack_settings)
    yield broker
    broker.stop()


@pytest.fixture(scope="session")
def clickhouse(stack_settings: Settings) -> Iterator[clickhouse_stack.Endpoint]:
    """A real engine behind HTTP: `clickhouse.client()`, `.reader()`, `.host`, `.port`."""
    endpoint = clickhouse_stack.start(stack_settings)
    yield endpoint
    endpoint.stop()
