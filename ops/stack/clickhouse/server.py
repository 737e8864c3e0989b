"""ClickHouse's HTTP interface in front of the embedded engine (aiohttp), on the loopback address by default.

Known limits, so that nobody looks for them: no native protocol, no external data, no brotli.
"""

from __future__ import annotations

import asyncio
import signal
from asyncio import Event, get_running_loop
from typing import Final

from aiohttp import web

from ops.settings import Settings
from ops.stack.clickhouse import faults
from ops.stack.clickhouse.accounts import Account, Accounts
from ops.stack.clickhouse.answer import Answer
from ops.stack.clickhouse.engine import Engine
from ops.stack.clickhouse.limits import body_bytes_max
from ops.stack.clickhouse.packing import too_large
from ops.stack.clickhouse.request import credentials, manner
from producers.contract.errors import Stop

_URL_BYTES_MAX: Final = 1024 * 1024
_BODY_S: Final = 60.0
_GRACE_S: Final = 20.0


class Server:
    """HTTP requests into tasks, results into answers. Nothing that a client sends ends the process."""

    def __init__(self, settings: Settings, engine: Engine) -> None:
        self._engine = engine
        self._settings = settings
        self._accounts = Accounts(settings)

    def application(self) -> web.Application:
        application = web.Application(client_max_size=self._settings.clickhouse_body_bytes_max)
        application.router.add_get("/ping", _ok)
        application.router.add_get("/replicas_status", _ok)
        application.router.add_route("*", "/", self.handle)
        application.router.add_route("*", "/{path:.*}", _no_handler)
        return application

    async def handle(self, http: web.Request) -> web.StreamResponse:
        """One statement. Every refusal has ClickHouse's code, in the header clients look at and the text."""
        if http.method in ("GET", "HEAD") and not http.query_string:
            return await _ok(http)
        try:
            _refuse_browsers(http)
            account = self._accounts.check(credentials(http.headers, http.query))
            with self._engine.in_hand(account):
                return await self._answer(http, account)
        except faults.Fault as fault:
            return self._refusal(fault)
        except TimeoutError:  # the client sends or takes nothing any more
            if http.transport is not None:
                http.transport.abort()
            return self._refusal(faults.fault(faults.TIMEOUT_EXCEEDED, "The client takes too long"))

    async def _answer(self, http: web.Request, account: Account) -> web.StreamResponse:
        params = dict(http.query)
        body = await self._read(http, account, params)
        told = manner(http.headers, params)
        task, done = await self._engine.begin(account, told, http.method, http.headers, params, body)
        try:
            return await Answer(self._engine, http, task, done).send()
        finally:
            self._engine.leave(task)

    async def _read(self, http: web.Request, account: Account, params: dict[str, str]) -> bytes:
        """The body; of a form, its fields become parameters, as clickhouse-connect sends long queries."""
        most = body_bytes_max(self._settings, account)
        http._client_max_size = most  # aiohttp has one limit for all requests; this one is the account's
        if (http.content_length or 0) > most:
            raise too_large(most)
        try:
            async with asyncio.timeout(None if account.writes else _BODY_S):
                if not http.content_type.startswith("multipart/"):
                    return await http.read()
                for name, value in (await http.post()).items():
                    if not isinstance(value, str):
                        raise faults.fault(faults.NOT_IMPLEMENTED, "External data is not supported")
                    params[name] = value
            return b""
        except web.HTTPRequestEntityTooLarge:
            raise too_large(most) from None

    def _refusal(self, fault: faults.Fault) -> web.Response:
        return web.Response(
            status=fault.status,
            text=fault.told(self._engine.version) + "\n",
            headers={"X-ClickHouse-Exception-Code": str(fault.code)},
        )


def _refuse_browsers(http: web.Request) -> None:
    """A page from anywhere could make the visitor's browser post to 127.0.0.1; programs send no Origin."""
    if "Origin" in http.headers:
        raise faults.fault(
            faults.ACCESS_DENIED, "Requests from web pages are not accepted; ask from a program"
        )


async def _ok(_: web.Request) -> web.Response:
    return web.Response(text="Ok.\n", content_type="text/html")


async def _no_handler(http: web.Request) -> web.Response:
    return web.Response(status=404, text=f"There is no handle {http.path}\n")


async def serve(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT; then take no more, finish what runs, and close the engine."""
    stop = Event()
    loop = get_running_loop()
    for signum in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signum, stop.set)
    engine = Engine(settings)
    runner = web.AppRunner(
        Server(settings, engine).application(),
        auto_decompress=False,  # `request.decompress` does it, within the limit
        max_line_size=_URL_BYTES_MAX,
        max_field_size=_URL_BYTES_MAX,
        access_log=None,
        handler_cancellation=True,  # a client that goes away ends what reads for it
        shutdown_timeout=_GRACE_S,
    )
    await runner.setup()
    try:
        await _listen(runner, settings)
        await stop.wait()
    finally:
        await runner.cleanup()
        engine.close()


async def _listen(runner: web.AppRunner, settings: Settings) -> None:
    host, port = settings.clickhouse_host, settings.clickhouse_port
    try:
        await web.TCPSite(runner, host, port).start()
    except OSError as error:
        raise Stop(
            "port_taken",
            f"cannot listen on {host}:{port} ({error.strerror})",
            "Stop the program that has it, or choose another DONGBO_CLICKHOUSE_PORT",
        ) from None
