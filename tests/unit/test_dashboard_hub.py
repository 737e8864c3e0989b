"""Who watches what; and a browser that reads nothing costs nothing: a real server, snapshots by hand."""

from __future__ import annotations

import asyncio
import gc
import socket
import time
import zlib
from collections.abc import AsyncIterator
from datetime import date
from typing import NamedTuple

import pytest
from aiohttp import web

from dashboards.server import stream
from dashboards.server.config import DashboardConfig
from dashboards.server.hub import RECENT_MAX, Hub, TooManyClients
from dashboards.server.past import Past
from dashboards.server.probe import Probe
from dashboards.server.routes import FIRST_PAGE, Routes
from dashboards.server.snapshot import Keyed, Snapshot
from dashboards.server.topic import Topic
from producers.contract.wards import WARDS
from streams.warehouse.store import Address, Store

OTHER = Topic("city", date(2025, 7, 21))
NOWHERE = Address("127.0.0.1", 1, "d", "u", "p")


class Served(NamedTuple):
    """A hub behind real HTTP."""

    hub: Hub
    port: int


def crowded(number: int) -> Snapshot:
    """A snapshot in which every row differs from that of any other number."""
    rows = [
        {"ward": ward, "name": f"{ward} {number}", "received": number, "more": "x" * 150} for ward in WARDS
    ]
    return Snapshot(f"n-{number}", {"rows": Keyed("ward", rows), "cut": None})


def publish(hub: Hub, snapshot: Snapshot, topic: Topic = FIRST_PAGE) -> None:
    hub.publish({topic: snapshot}, time.monotonic())


@pytest.fixture
async def served() -> AsyncIterator[Served]:
    hub = Hub(3, FIRST_PAGE)
    config = DashboardConfig(clickhouse=NOWHERE, refresh_s=0.001)
    past, probe = Past(Store(NOWHERE), {}), Probe(Store(NOWHERE))
    routes = Routes(config, hub, frozenset({"city"}), past, probe)
    runner = web.AppRunner(routes.application(), shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    yield Served(hub, runner.addresses[0][1])
    hub.close()
    await runner.cleanup()


def test_config_does_not_show_its_password() -> None:
    assert "secret" not in repr(DashboardConfig(clickhouse=Address("h", 1, "d", "u", "secret")))


async def test_wanted_topics_are_those_watched() -> None:
    hub = Hub(2, FIRST_PAGE)
    with hub.watch(FIRST_PAGE), hub.watch(OTHER):
        assert hub.wanted == (FIRST_PAGE, OTHER)
        with pytest.raises(TooManyClients), hub.watch(OTHER):
            pass
    assert not hub.wanted
    assert hub.clients == 0


async def test_first_pages_last_snapshot_is_kept_for_the_next_visitor() -> None:
    hub = Hub(2, FIRST_PAGE)
    snapshot = crowded(1)
    with hub.watch(FIRST_PAGE), hub.watch(OTHER):
        publish(hub, snapshot)
        publish(hub, snapshot, OTHER)
    with hub.watch(FIRST_PAGE) as first, hub.watch(OTHER) as chosen:
        assert (first.latest, chosen.latest) == (snapshot, None)


async def test_waiting_ends_with_the_next_news_or_in_time() -> None:
    hub = Hub(1, FIRST_PAGE)
    with hub.watch(FIRST_PAGE) as channel:
        waiting = asyncio.create_task(channel.wait(None, 5.0))
        await asyncio.sleep(0)
        publish(hub, crowded(1))
        found = await waiting
        assert found is not None
        assert found.id == "n-1"
        assert await channel.wait(found, 0.01) is found


async def test_reading_that_brings_nothing_new_wakes_nobody_but_is_no_older() -> None:
    hub = Hub(1, FIRST_PAGE)
    with hub.watch(FIRST_PAGE) as channel:
        publish(hub, crowded(1))
        first = channel.latest
        await asyncio.sleep(0.05)
        publish(hub, Snapshot("another id", crowded(1).members))
        assert channel.latest is first
        assert channel.age_s() == pytest.approx(0.0, abs=0.04)


async def test_news_too_soon_is_held_and_the_newest_of_it_wins() -> None:
    hub = Hub(1, FIRST_PAGE, gap_s=0.3)
    with hub.watch(FIRST_PAGE) as channel:
        publish(hub, crowded(1))
        first, begun = channel.latest, time.monotonic()
        publish(hub, crowded(2))
        publish(hub, crowded(3))
        assert channel.latest is first
        found = await channel.wait(first, 5.0)
        assert found is not None
        assert found.id == "n-3"
        assert 0.2 < time.monotonic() - begun < 2.0
        # Taken back before its time came: nobody hears of it.
        publish(hub, crowded(4))
        publish(hub, crowded(3))
        await asyncio.sleep(0.4)
        assert channel.latest is found


async def test_news_without_another_total_waits_for_some_gaps_and_goes_with_one() -> None:
    hub = Hub(1, FIRST_PAGE, gap_s=0.2)

    def told(total: int, alive: int) -> Snapshot:
        return Snapshot(f"{total}-{alive}", {"totals": total, "day": "2025-07-21", "alive": alive})

    with hub.watch(FIRST_PAGE) as channel:
        publish(hub, told(1, 1))
        publish(hub, told(1, 2))
        await asyncio.sleep(0.3)
        assert channel.latest is not None
        assert channel.latest.id == "1-1"
        # The gap is free for the event that comes now.
        publish(hub, told(2, 2))
        assert channel.latest.id == "2-2"
        begun = time.monotonic()
        publish(hub, told(2, 3))
        # What waits long does not hold up what waits a short time.
        publish(hub, told(3, 3))
        found = await channel.wait(channel.latest, 5.0)
        assert found is not None
        assert found.id == "3-3"
        assert time.monotonic() - begun < 0.5
        publish(hub, told(3, 4))
        found = await channel.wait(found, 5.0)
        assert found is not None
        assert found.id == "3-4"


async def test_failed_reading_keeps_the_figures_and_their_age_and_says_why() -> None:
    hub = Hub(1, FIRST_PAGE)
    with hub.watch(FIRST_PAGE) as channel:
        publish(hub, crowded(1))
        sent = channel.latest
        await asyncio.sleep(0.05)
        hub.publish({FIRST_PAGE: Snapshot("2", crowded(1).members, "clickhouse_away")}, None)
        body = channel.body()
        assert (body["error"]["code"], len(body["rows"])) == ("clickhouse_away", 126)
        assert body["age_s"] >= 0.05
        assert b'"rows"' not in channel.frame_from(sent).plain


async def test_thousand_clients_at_one_place_cost_one_encoding() -> None:
    hub = Hub(1, FIRST_PAGE)
    with hub.watch(FIRST_PAGE) as channel:
        publish(hub, crowded(1))
        sent = channel.latest
        publish(hub, crowded(2))
        assert len({id(channel.frame_from(sent)) for _ in range(1000)}) == 1
        assert channel.frame_from(None).plain.startswith(b"event: snapshot")


async def test_recent_snapshots_are_found_by_id_and_bounded() -> None:
    hub = Hub(1, FIRST_PAGE)
    with hub.watch(FIRST_PAGE) as channel:
        for number in range(RECENT_MAX + 1):
            publish(hub, crowded(number))
        assert channel.find("n-0") is None
        found = channel.find("n-1")
        assert found is not None
        assert found.id == "n-1"
        assert channel.find(None) is None


async def test_browser_that_reads_nothing_holds_no_more_than_one_snapshot(served: Served) -> None:
    reader = socket.socket()
    reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    reader.setblocking(False)
    loop = asyncio.get_running_loop()
    await loop.sock_connect(reader, ("127.0.0.1", served.port))
    publish(served.hub, crowded(0))
    await loop.sock_sendall(reader, b"GET /events HTTP/1.1\r\nHost: x\r\n\r\n")
    count = 0
    # 1,500 deltas of 126 rows are 45 MB, which no socket's buffer takes.
    for count in range(1500):
        publish(served.hub, crowded(count))
        await asyncio.sleep(0.002 if count < 300 else 0)
    gc.collect()
    alive = sum(isinstance(each, Snapshot) for each in gc.get_objects())
    assert alive <= RECENT_MAX + 3
    received, number = b"", count
    async with asyncio.timeout(20):
        while f"id: n-{number}\n".encode() not in received:
            received = received[-100_000:] + await loop.sock_recv(reader, 65_536)
            publish(served.hub, crowded(count))
    reader.close()


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip"])
async def test_quiet_stream_has_heartbeats_between_its_events(
    served: Served, monkeypatch: pytest.MonkeyPatch, packed: bool
) -> None:
    """A proxy that counts bytes sees some; a browser's parser sees a comment, and events stay whole."""
    monkeypatch.setattr(stream, "HEARTBEAT_S", 0.3)
    monkeypatch.setattr(stream, "TICK_S", 0.1)
    publish(served.hub, crowded(1))
    reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
    encoding = "Accept-Encoding: gzip\r\n" if packed else ""
    writer.write(f"GET /events HTTP/1.1\r\nHost: x\r\n{encoding}\r\n".encode())
    await reader.readuntil(b"\r\n\r\n")
    unpack, received, arrived = zlib.decompressobj(wbits=31), b"", list[float]()
    async with asyncio.timeout(20):
        while len(arrived) < 3:
            piece = (await reader.readexactly(int(await reader.readline(), 16) + 2))[:-2]
            received += unpack.decompress(piece) if packed else piece
            arrived += [time.monotonic()] * (received.count(b": heartbeat\n\n") - len(arrived))
    writer.close()
    # Not with every tick: a comment is due only after its span.
    assert arrived[2] - arrived[0] > 0.5
    blocks = received.decode().split("\n\n")[:-1]
    assert blocks[0].startswith("event: snapshot\n")
    assert {block.split("\n")[0] for block in blocks[1:]} == {"event: tick", ": heartbeat"}
    assert all("\n" not in block for block in blocks if block.startswith(":"))
