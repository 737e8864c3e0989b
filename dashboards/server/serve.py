"""From start to SIGTERM: one process, one event loop, one reading thread."""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from aiohttp import web

from dashboards.server.access import check
from dashboards.server.access.guard import install
from dashboards.server.config import DashboardConfig
from dashboards.server.dictionary import Dictionary
from dashboards.server.exports.routes import Exports
from dashboards.server.hub import Hub
from dashboards.server.past import Past
from dashboards.server.poller import Poller
from dashboards.server.probe import Probe
from dashboards.server.questions.catalogue import Catalogue
from dashboards.server.questions.routes import Questions
from dashboards.server.routes import FIRST_PAGE, Routes
from dashboards.server.views import views
from producers.contract.errors import Stop
from streams.warehouse.store import Store

log = logging.getLogger(__name__)

# Streams end by themselves within a rest (see `stream`); what has not ended then is cut off.
SHUTDOWN_S: Final = 1.5
CONNECT_TIMEOUT_S: Final = 2
QUERY_TIMEOUT_S: Final = 5
# Read twice in the time in which a page is sent one update: after a rest, news waits half as long.
READ_SHARE: Final = 0.5
# History may be asked about a year of cuts.
PAST_TIMEOUT_S: Final = 20
EXPORT_TIMEOUT_S: Final = 30
# Longer than a reader's query may run, so that ClickHouse says itself why it has stopped one.
QUESTION_TIMEOUT_S: Final = 40


OnReady = Callable[[Callable[[], dict[str, Any]]], object]


def run_dashboard(config: DashboardConfig, on_ready: OnReady | None = None) -> None:
    """Serve the live page until SIGTERM or SIGINT. `on_ready` gets a function that tells how it goes.

    :raises Stop: the port is taken, or others could reach the page without logging in
    """
    check(config.host, config.access)
    asyncio.run(_serve(config, on_ready))


async def _serve(config: DashboardConfig, on_ready: OnReady | None) -> None:
    hub = Hub(config.clients_max, FIRST_PAGE, config.refresh_s)
    live = views(config)
    poller = Poller(hub, _store(config, QUERY_TIMEOUT_S), live, READ_SHARE * config.refresh_s)
    past = Past(_store(config, PAST_TIMEOUT_S), views(config))
    hub.on_wanted = poller.wake
    poller.start()
    probe = Probe(_store(config, CONNECT_TIMEOUT_S))
    routes = Routes(config, hub, frozenset(live), past, probe)
    exports = Exports(_store(config, EXPORT_TIMEOUT_S))
    catalogue = Catalogue(Path(config.sql))
    questions = Questions(_store(config, QUESTION_TIMEOUT_S), catalogue, config.access.proxies)
    app = routes.application()
    dictionary = Dictionary(_store(config, PAST_TIMEOUT_S), catalogue, Path(config.sql))
    for more in (exports, questions, dictionary):
        more.add_to(app)
    install(app, config.access)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=SHUTDOWN_S)
    try:
        await _listen(runner, config)
        if on_ready is not None:
            on_ready(poller.report)
        log.info("the page is at http://%s:%d", config.host, config.port)
        with _stop_signals() as stopping:
            await stopping.wait()
    finally:
        poller.stop()
        past.close()
        probe.close()
        exports.close()
        questions.close()
        dictionary.close()
        hub.close()
        await runner.cleanup()


def _store(config: DashboardConfig, timeout_s: int) -> Store:
    """A store that gives up sooner than a loader's: the page would rather say that its figures are old."""
    address = config.clickhouse
    return Store(
        replace(
            address,
            connect_timeout_s=min(address.connect_timeout_s, CONNECT_TIMEOUT_S),
            request_timeout_s=min(address.request_timeout_s, timeout_s),
        )
    )


async def _listen(runner: web.AppRunner, config: DashboardConfig) -> None:
    await runner.setup()
    try:
        await web.TCPSite(runner, config.host, config.port).start()
    except OSError as error:
        detail = f"{config.host}:{config.port}: {error.strerror}"
        raise Stop("address_taken", detail, "Stop what listens there, or choose another port") from error


@contextmanager
def _stop_signals() -> Iterator[asyncio.Event]:
    """An event that SIGTERM and SIGINT set."""
    stopping, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    yield stopping
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.remove_signal_handler(number)
