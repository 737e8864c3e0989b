"""An answer on the wire: headers, a body as it comes out of the engine, and errors as ClickHouse tells them.

Up to a megabyte is held back, so that a statement that fails early is answered with its error's status. One
that fails later has been answered 200: then the error follows what was sent, framed as ClickHouse frames it
(`__exception__`, a tag that only this answer has), and the connection is broken off, so that no client takes
the part for the whole.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import tempfile
from collections.abc import AsyncIterator
from typing import IO, Final

from aiohttp import web

from ops.stack.clickhouse import faults
from ops.stack.clickhouse.engine import Engine
from ops.stack.clickhouse.packing import NATIVE, Packer, packer
from ops.stack.clickhouse.work import Result, Task

_HELD_BYTES: Final = 1 << 20
_WHOLE_BYTES_MAX: Final = 1 << 30
_PACKED_FROM_BYTES: Final = 1024
_ELSEWHERE_FROM_BYTES: Final = 32 * 1024
_CLIENT_S: Final = 60.0
_TOO_SLOW: Final = (
    "Timeout exceeded: the answer was not made and taken in time; ask for less, or take it faster"
    " / Câu trả lời không được tạo và nhận xong kịp thời; hãy hỏi ít hơn hoặc nhận nhanh hơn"
)


class _Streamed(web.StreamResponse):
    """A response whose head may have begun with headers of progress, before it was known how it ends."""

    begun = False

    async def _write_headers(self) -> None:
        if not self.begun:
            await super()._write_headers()
            return
        assert self._payload_writer is not None
        # The status line is out; a header that says nothing stands in its place.
        await self._payload_writer.write_headers("X-ClickHouse-Progress-End: 1", self._headers)


class Answer:
    """The answer to one task."""

    def __init__(self, engine: Engine, http: web.Request, task: Task, done: asyncio.Future[Result]) -> None:
        self._engine, self._http, self._task, self._done = engine, http, task, done
        self._tag = secrets.token_hex(8)
        self._response = _Streamed()

    async def send(self) -> web.StreamResponse:
        """Raises `Fault` while nothing has been sent."""
        progress = asyncio.create_task(self._progress()) if self._shows_progress else None
        try:
            held = await self._held()
        except faults.Fault as fault:
            if not self._response.begun:
                raise
            return await self._late(fault)
        finally:
            if progress is not None:
                progress.cancel()
        with held:
            return await self._send(held)

    async def _held(self) -> IO[bytes]:
        """The first megabyte, or all of it when it is to be sent whole."""
        held: IO[bytes] = tempfile.SpooledTemporaryFile(_HELD_BYTES * 2)  # noqa: SIM115  closed by `send`
        size, most = 0, _WHOLE_BYTES_MAX if self._task.manner.whole else _HELD_BYTES
        while size < most and (piece := await self._task.pipe.read()):
            held.write(piece)
            size += len(piece)
        if size < most:
            await self._ended()
        elif self._task.manner.whole:
            raise faults.fault(faults.TOO_LARGE, "Result is over 1 GiB: ask without wait_end_of_query")
        held.seek(0)
        return held

    async def _send(self, held: IO[bytes]) -> web.StreamResponse:
        encoding = self._task.manner.encoding
        ended = self._done.done()
        if ended and encoding != NATIVE and held.seek(0, 2) < _PACKED_FROM_BYTES:
            encoding = None
        held.seek(0)
        self._head(encoding, self._done.result() if ended else None)
        await self._response.prepare(self._http)
        packing = packer(encoding, self._task.manner.level)
        try:
            async for piece in self._pieces(held):
                await self._write(await self._packed(packing, piece))
            await self._ended()
            await self._write(packing.end())
        except faults.Fault as fault:
            await self._break_off(packing, fault)
            return self._response
        await self._response.write_eof()
        return self._response

    async def _ended(self) -> None:
        """Raises the statement's `Fault`, or one of ours if not all of its answer was taken in time."""
        try:
            await asyncio.shield(self._done)
        finally:
            if self._task.overdue:
                raise faults.fault(faults.TIMEOUT_EXCEEDED, _TOO_SLOW)

    async def _pieces(self, held: IO[bytes]) -> AsyncIterator[bytes]:
        while piece := held.read(_HELD_BYTES):
            yield piece
        while piece := await self._task.pipe.read():
            yield piece

    async def _packed(self, packing: Packer, data: bytes) -> bytes:
        """Long pieces are packed in a thread, native blocks in a process: others are served meanwhile."""
        if len(data) < _ELSEWHERE_FROM_BYTES:
            return packing.feed(data)
        if self._task.manner.encoding == NATIVE:
            return await self._engine.packs.pack(data)
        return await asyncio.to_thread(packing.feed, data)

    async def _write(self, data: bytes) -> None:
        """A client that takes nothing for a minute has gone."""
        if data:
            async with asyncio.timeout(_CLIENT_S):
                await self._response.write(data)

    async def _break_off(self, packing: Packer, fault: faults.Fault) -> None:
        text = self._told(fault).encode()
        frame = b"\r\n__exception__\r\n%s\r\n%s\n%d %s\r\n__exception__\r\n"
        tag = self._tag.encode()
        await self._write(packing.feed(frame % (tag, text, len(text) + 1, tag)) + packing.end())
        if self._http.transport is not None:
            self._http.transport.close()

    async def _late(self, fault: faults.Fault) -> web.StreamResponse:
        """Headers of progress went out with 200; the error is all that can follow."""
        self._response.headers["X-ClickHouse-Exception-Code"] = str(fault.code)
        await self._response.prepare(self._http)
        await self._response.write_eof(self._told(fault).encode() + b"\n")
        return self._response

    def _told(self, fault: faults.Fault) -> str:
        return fault.told(self._engine.version)

    def _head(self, encoding: str | None, result: Result | None) -> None:
        headers, task = self._response.headers, self._task
        headers["X-ClickHouse-Query-Id"] = task.manner.query_id
        headers["X-ClickHouse-Summary"] = self._summary(result)
        headers["X-ClickHouse-Timezone"] = self._engine.timezone
        headers["X-ClickHouse-Server-Display-Name"] = "dongbo-embedded"
        headers["Content-Type"] = "text/plain; charset=UTF-8"
        if task.format is not None:
            headers["X-ClickHouse-Format"] = task.format
            headers["X-ClickHouse-Exception-Tag"] = self._tag
            headers["Content-Type"] = self._engine.content_types.get(
                task.format.lower(), "text/plain; charset=UTF-8"
            )
        if encoding is not None and encoding != NATIVE:
            headers["Content-Encoding"] = encoding

    def _summary(self, result: Result | None) -> str:
        """What was read and written so far. A ward's analyst is not told how many rows all wards have."""
        done = result or Result(read_rows=self._task.progress.get("read_rows", 0))
        hidden = self._task.account.ward is not None
        return json.dumps(
            {
                "read_rows": "0" if hidden else str(done.read_rows),
                "read_bytes": "0" if hidden else str(done.read_bytes),
                "written_rows": str(done.written_rows),
                "written_bytes": str(done.written_bytes),
                "result_rows": str(done.result_rows),
                "elapsed_ns": str(done.elapsed_ns),
            }
        )

    @property
    def _shows_progress(self) -> bool:
        return self._task.manner.progress_ms is not None and self._task.account.ward is None

    async def _progress(self) -> None:
        """Headers of progress while nothing else can be sent: no proxy takes the connection for dead."""
        while self._http.transport is not None:
            await asyncio.sleep((self._task.manner.progress_ms or 100) / 1000)
            told = {name: str(count) for name, count in self._task.progress.items()}
            if told:
                line = f"X-ClickHouse-Progress: {json.dumps(told)}\r\n"
                start = "" if self._response.begun else "HTTP/1.1 200 OK\r\n"
                self._response.begun = True
                self._http.transport.write((start + line).encode())
