"""One browser's stream: the whole snapshot first, then what changed, at most once a reading.

Events are `snapshot` (everything), `delta` (changed members, changed rows) and `tick` (nothing new).
Each carries `age_s`, the seconds since ClickHouse was read. The id is the cut that the figures contain, and
a count of the changes since.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from typing import Final

from aiohttp import web

from dashboards.server.hub import Channel, Hub
from dashboards.server.snapshot import GZIP_HEADER, Frame, Snapshot, squeeze

# A comment, for proxies that cut a connection on which they see nothing for long.
HEARTBEAT_S: Final = 15.0
HEARTBEAT: Final = squeeze(b": heartbeat\n\n")
# A browser that takes nothing for so long is cut off; it comes back by itself.
SEND_TIMEOUT_S: Final = 30.0
# Without news a stream still says so often, so that the page can tell which side is silent.
TICK_S: Final = 2.0

_HEADERS: Final = {
    "Content-Type": "text/event-stream",
    "Cache-Control": "no-store",
    "X-Accel-Buffering": "no",
}


class Pipe:
    """A response that takes frames: compressed if the browser takes that."""

    def __init__(self, request: web.Request) -> None:
        self._request = request
        self._gzip = "gzip" in request.headers.get("Accept-Encoding", "")
        self.response = web.StreamResponse(headers=_HEADERS)
        self._beaten_s = time.monotonic()

    async def open(self) -> None:
        """Send the headers."""
        if self._gzip:
            self.response.headers["Content-Encoding"] = "gzip"
        await self.response.prepare(self._request)
        if self._gzip:
            await self.response.write(GZIP_HEADER)

    @property
    def connected(self) -> bool:
        """Whether the browser is still there."""
        transport = self._request.transport
        return transport is not None and not transport.is_closing()

    async def send(self, frame: Frame) -> None:
        """Send one frame, after a heartbeat if one is due. Raises `ConnectionError` or `TimeoutError`."""
        data = self._bytes(frame)
        if time.monotonic() - self._beaten_s >= HEARTBEAT_S:
            self._beaten_s = time.monotonic()
            data = self._bytes(HEARTBEAT) + data
        async with asyncio.timeout(SEND_TIMEOUT_S):
            await self.response.write(data)

    def _bytes(self, frame: Frame) -> bytes:
        return frame.squeezed if self._gzip else frame.plain


async def run(request: web.Request, hub: Hub, channel: Channel) -> web.StreamResponse:
    """Send until the browser goes or the hub closes."""
    pipe = Pipe(request)
    # ConnectionError: the browser is gone. Timeout: it took nothing for too long and was cut off.
    with suppress(ConnectionError, TimeoutError):
        await pipe.open()
        sent = await _first(pipe, channel, request.headers.get("Last-Event-ID"))
        while not hub.closed and pipe.connected:
            sent = await _next(pipe, hub, channel, sent)
    return pipe.response


async def _first(pipe: Pipe, channel: Channel, identity: str | None) -> Snapshot | None:
    """The snapshot, or for a browser that comes back what changed since its last event."""
    latest, known = channel.latest, channel.find(identity)
    if known is None or known is not latest:
        await pipe.send(channel.frame_from(known))
    # The frame may be some seconds old; the tick is not.
    await pipe.send(channel.tick())
    return latest


async def _next(pipe: Pipe, hub: Hub, channel: Channel, sent: Snapshot | None) -> Snapshot | None:
    latest = await channel.wait(sent, TICK_S)
    if hub.closed or not pipe.connected:
        return sent
    await pipe.send(channel.tick() if latest is sent else channel.frame_from(sent))
    return latest
