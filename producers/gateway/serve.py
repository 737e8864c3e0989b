"""From start to SIGTERM: one process, one event loop, a thread for Kafka, few threads for what may block."""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Final

from aiohttp import web

from producers.contract.errors import Stop
from producers.contract.signing import Sign
from producers.gateway.acks import Acks
from producers.gateway.app import Door, Registrar, application
from producers.gateway.config import GatewayConfig
from producers.gateway.guard import Gate, GuardedHandler
from producers.gateway.metrics import Metrics
from producers.gateway.numbered import Numbered
from producers.gateway.ports import AckKeeper, Authority, CityView, Numberer
from producers.gateway.sender import Sender
from producers.gateway.service import Service

_log: Final = logging.getLogger(__name__)
_BACKLOG: Final = 512
_SHUTDOWN_S: Final = 12.0
_UNREAD_S: Final = 30.0


def run_gateway(
    config: GatewayConfig,
    authority: Authority,
    city: CityView | None = None,
    numberer: Numberer | None = None,
    *,
    sign: Sign | None = None,
    registrars: Sequence[Registrar] = (),
    keeper: AckKeeper | None = None,
) -> None:
    """Serve until SIGTERM or SIGINT.

    `registrars` add routes behind the same door: the national portal's paths belong in this list.
    `keeper` is told, every few seconds, what Kafka has acknowledged.

    :raises Stop: the port is taken
    """

    async def serve() -> None:
        async with serving(
            config, authority, city, numberer, sign=sign, registrars=registrars, keeper=keeper
        ):
            _log.info("the gateway is at http://%s:%d", config.host, config.port)
            with _stop_signals() as stopping:
                await stopping.wait()

    asyncio.run(serve())


@asynccontextmanager
async def serving(
    config: GatewayConfig,
    authority: Authority,
    city: CityView | None = None,
    numberer: Numberer | None = None,
    *,
    sign: Sign | None = None,
    registrars: Sequence[Registrar] = (),
    keeper: AckKeeper | None = None,
) -> AsyncIterator[Door]:
    """The gateway in this event loop; requests that run are finished at the end."""
    metrics = Metrics()
    sender = Sender(config, sign)
    numbered = Numbered(numberer, config, sign) if numberer is not None else None
    acks = Acks(keeper, config.acks_every_s) if keeper is not None else None
    service = Service(config, authority, sender, numbered, city, metrics, acks)
    gate = Gate(config.connections_max, _UNREAD_S)
    door = Door(service, gate)
    _watch(metrics, door)
    sender.start()
    if numbered is not None:
        numbered.start()
    if acks is not None:
        acks.start()
    try:
        async with _listening(application(door, registrars), config, gate):
            yield door
    finally:
        if acks is not None:
            acks.stop()  # no request runs any more; it writes while the others end
        await asyncio.to_thread(_close, sender, numbered, acks, service)


def _close(sender: Sender, numbered: Numbered | None, acks: Acks | None, service: Service) -> None:
    sender.close()
    for part in (numbered, acks):
        if part is not None:
            part.close()
    service.close()


def _watch(metrics: Metrics, door: Door) -> None:
    sender, gate, room = door.service.sender, door.gate, door.room
    metrics.gauge("connections", "Open connections.", lambda: gate.open)
    metrics.gauge("connections_refused", "Connections refused since the start.", lambda: gate.refused)
    metrics.gauge("body_bytes", "Bytes of bodies in hand.", lambda: room.taken)
    metrics.gauge("queued_events", "Events without a delivery report yet.", lambda: sender.queued)
    metrics.gauge("kafka_there", "1 while Kafka takes events.", lambda: float(not sender.away))


@asynccontextmanager
async def _listening(app: web.Application, config: GatewayConfig, gate: Gate) -> AsyncIterator[None]:
    runner = web.AppRunner(
        app,
        access_log=None,
        shutdown_timeout=_SHUTDOWN_S,
        keepalive_timeout=config.idle_timeout_s,
        lingering_time=1.0,
        auto_decompress=False,  # `body` unpacks, with a bound
    )
    await runner.setup()
    server, loop = runner.server, asyncio.get_running_loop()
    assert server is not None

    def connected() -> GuardedHandler:
        return GuardedHandler(gate, server, loop=loop, **server._kwargs)

    try:
        listener = await loop.create_server(connected, config.host, config.port, backlog=_BACKLOG)
    except OSError as error:
        await runner.cleanup()
        detail = f"{config.host}:{config.port}: {error.strerror}"
        raise Stop("address_taken", detail, "Stop what listens there, or choose another port") from error
    try:
        yield
    finally:
        listener.close()
        await runner.cleanup()
        await listener.wait_closed()


@contextmanager
def _stop_signals() -> Iterator[asyncio.Event]:
    """An event that SIGTERM and SIGINT set."""
    stopping, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    yield stopping
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.remove_signal_handler(number)
