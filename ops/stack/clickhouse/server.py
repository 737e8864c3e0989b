"""ClickHouse's HTTP interface in front of the embedded engine (aiohttp), on the loopback address by default.

Known limits, so that nobody looks for them: no sessions and temporary tables, no native protocol, no external
data, no `compress=1`, and results are made whole before the first byte is sent (bounded for readers).
"""

from __future__ import annotations

import hmac
import json
import signal
from asyncio import Event, get_running_loop
from typing import Final

from aiohttp import web

from ops.settings import Settings
from ops.stack.clickhouse import faults
from ops.stack.clickhouse.engine import Engine, Result, Role
from ops.stack.clickhouse.request import Credentials, credentials, too_large, understand
from producers.contract.errors import Stop

_CONTENT_TYPES: Final = {
    "JSON": "application/json; charset=UTF-8",
    "JSONCompact": "application/json; charset=UTF-8",
    "JSONEachRow": "application/x-ndjson; charset=UTF-8",
    "CSV": "text/csv; charset=UTF-8; header=absent",
    "CSVWithNames": "text/csv; charset=UTF-8; header=present",
    "TabSeparated": "text/tab-separated-values; charset=UTF-8",
    "Native": "application/octet-stream",
}
_URL_BYTES_MAX: Final = 1024 * 1024
_GRACE_S: Final = 20.0


class Server:
    """HTTP requests into statements, results into answers. Nothing that a client sends ends the process."""

    def __init__(self, settings: Settings, engine: Engine) -> None:
        self._engine = engine
        self._body_max = settings.clickhouse_body_bytes_max
        self._accounts = {
            settings.clickhouse_reader_user: (settings.clickhouse_reader_password, Role.READER),
            settings.clickhouse_user: (settings.clickhouse_password, Role.WRITER),
        }

    def application(self) -> web.Application:
        application = web.Application(client_max_size=self._body_max)
        application.router.add_get("/ping", _ok)
        application.router.add_get("/replicas_status", _ok)
        application.router.add_route("*", "/", self.handle)
        application.router.add_route("*", "/{path:.*}", _no_handler)
        return application

    async def handle(self, http: web.Request) -> web.Response:
        """One statement. Every refusal has ClickHouse's code, in the header clients look at and the text."""
        if http.method == "GET" and not http.query_string:
            return await _ok(http)
        try:
            _refuse_browsers(http)
            params = dict(http.query)
            body = await self._read(http, params)
            role = self._role(credentials(http.headers, params))
            request = understand(http.method, http.headers, params, body, self._body_max)
            result = await self._engine.run(role, request)
        except faults.Fault as error:
            return self._refusal(error)
        return self._answer(request.query_id, result)

    async def _read(self, http: web.Request, params: dict[str, str]) -> bytes:
        """The body; of a form, its fields become parameters, as clickhouse-connect sends long queries."""
        try:
            if not http.content_type.startswith("multipart/"):
                return await http.read()
            for name, value in (await http.post()).items():
                if not isinstance(value, str):
                    raise faults.fault(faults.NOT_IMPLEMENTED, "External data is not supported")
                params[name] = value
            return b""
        except web.HTTPRequestEntityTooLarge:
            raise too_large(self._body_max) from None

    def _role(self, claimed: Credentials) -> Role:
        password, role = self._accounts.get(claimed.user, (None, Role.READER))
        expected = password.get_secret_value() if password else ""
        same = hmac.compare_digest(claimed.password.encode(), expected.encode())
        if password is None or not same:
            raise faults.fault(
                faults.AUTHENTICATION_FAILED,
                f"{claimed.user}: Authentication failed: password is incorrect,"
                " or there is no user with such name.",
            )
        return role

    def _answer(self, query_id: str, result: Result) -> web.Response:
        summary = {
            "read_rows": str(result.read_rows),
            "written_rows": str(result.written_rows),
            "written_bytes": str(result.written_bytes),
            "elapsed_ns": str(result.elapsed_ns),
        }
        headers = {
            "X-ClickHouse-Query-Id": query_id,
            "X-ClickHouse-Summary": json.dumps(summary),
            "X-ClickHouse-Timezone": self._engine.timezone,
            "X-ClickHouse-Server-Display-Name": "dongbo-embedded",
        }
        if result.format is not None:
            headers["X-ClickHouse-Format"] = result.format
            headers["Content-Type"] = _CONTENT_TYPES.get(result.format, "text/plain; charset=UTF-8")
        if result.encoding is not None:
            headers["Content-Encoding"] = result.encoding
        return web.Response(body=result.body, headers=headers)

    def _refusal(self, error: faults.Fault) -> web.Response:
        text = error.text if "(version " in error.text else f"{error.text} (version {self._engine.version})"
        return web.Response(
            status=error.status,
            text=text + "\n",
            headers={"X-ClickHouse-Exception-Code": str(error.code)},
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
