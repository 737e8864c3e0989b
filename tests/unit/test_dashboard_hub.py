"""Who watches what; and a browser that reads nothing costs nothing: a real server, snapshots by hand."""

from __future__ import annotations

import asyncio
import gc
import socket
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from typing import NamedTuple

import pytest
from aiohttp import web

from dashboards.server.config import DashboardConfig
from dashboards.server.figures import Figures, Reading
from dashboards.server.hub import RECENT_MAX, Hub, TooManyClients
from dashboards.server.routes import Routes
from dashboards.server.snapshot import Snapshot, build
from producers.contract.wards import WARDS
from streams.warehouse.store import Address

DAY = date(2025, 7, 21)


class Served(NamedTuple):
    """A hub behind real HTTP."""

    hub: Hub
    port: int


def crowded(number: int) -> Snapshot:
    """A snapshot in which every row differs from that of any other number."""
    figures = Figures(received=number)
    now = datetime.now(UTC)
    return build(
        f"n-{number}", Reading(now, {DAY: figures}, {DAY: dict.fromkeys(WARDS, figures)}, {}, {}), None
    )


@pytest.fixture
async def served() -> AsyncIterator[Served]:
    hub = Hub(clients_max=3)
    config = DashboardConfig(clickhouse=Address("127.0.0.1", 1, "d", "u", "p"), refresh_s=0.001)
    runner = web.AppRunner(Routes(config, hub, lambda: None).application(), shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    yield Served(hub, runner.addresses[0][1])
    hub.close()
    await runner.cleanup()


def test_config_does_not_show_its_password() -> None:
    assert "secret" not in repr(DashboardConfig(clickhouse=Address("h", 1, "d", "u", "secret")))


async def test_wanted_days_are_those_watched() -> None:
    hub = Hub(clients_max=2)
    with hub.watch(None), hub.watch(DAY):
        assert hub.wanted == (None, DAY)
        with pytest.raises(TooManyClients), hub.watch(DAY):
            pass
    assert not hub.wanted
    assert hub.clients == 0


async def test_newest_days_last_snapshot_is_kept_for_the_next_visitor() -> None:
    hub = Hub(clients_max=2)
    snapshot = Snapshot(id="1")
    with hub.watch(None), hub.watch(DAY):
        hub.publish({None: snapshot, DAY: snapshot})
    with hub.watch(None) as newest, hub.watch(DAY) as chosen:
        assert (newest.latest, chosen.latest) == (snapshot, None)


async def test_waiting_ends_with_the_next_snapshot_or_in_time() -> None:
    hub = Hub(clients_max=1)
    with hub.watch(None) as channel:
        waiting = asyncio.create_task(channel.wait(5.0))
        await asyncio.sleep(0)
        hub.publish({None: Snapshot(id="1")})
        found = await waiting
        assert found is not None
        assert found.id == "1"
        assert await channel.wait(0.01) is found


async def test_recent_snapshots_are_found_by_id_and_bounded() -> None:
    hub = Hub(clients_max=1)
    with hub.watch(None) as channel:
        for number in range(RECENT_MAX + 1):
            hub.publish({None: Snapshot(id=str(number))})
        assert channel.find("0") is None
        found = channel.find("1")
        assert found is not None
        assert found.id == "1"
        assert channel.find(None) is None


async def test_browser_that_reads_nothing_holds_no_more_than_one_snapshot(served: Served) -> None:
    reader = socket.socket()
    reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    reader.setblocking(False)
    loop = asyncio.get_running_loop()
    await loop.sock_connect(reader, ("127.0.0.1", served.port))
    await loop.sock_sendall(reader, b"GET /events HTTP/1.1\r\nHost: x\r\n\r\n")
    count = 0
    # 1,500 deltas of 126 rows are 45 MB, which no socket's buffer takes.
    for count in range(1500):
        served.hub.publish({None: crowded(count)})
        await asyncio.sleep(0.002 if count < 300 else 0)
    gc.collect()
    alive = sum(isinstance(each, Snapshot) for each in gc.get_objects())
    assert alive <= RECENT_MAX + 3
    received = b""
    async with asyncio.timeout(20):
        while f"id: n-{count}".encode() not in received:
            received = received[-100_000:] + await loop.sock_recv(reader, 65_536)
            served.hub.publish({None: crowded(count)})
    reader.close()
