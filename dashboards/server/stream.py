"""One browser's stream: the whole snapshot first, then what changed, never more often than `refresh_s`.

Events are `snapshot` (everything) and `delta` (changed members, and of the rows the changed ones). Each
carries `age_s`, the seconds since ClickHouse was read; a delta without changes says that time passed.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, Final

import msgspec
from aiohttp import web
from aiohttp_sse import EventSourceResponse, sse_response

from dashboards.server.hub import Channel, Hub
from dashboards.server.problem import words_of
from dashboards.server.snapshot import Snapshot, diff, full
from dashboards.server.words import page_words

PING_S: Final = 15.0
# A browser that takes nothing for so long is cut off; it comes back by itself.
SEND_TIMEOUT_S: Final = 30.0
RETRY_MS: Final = 1000
# Without news (a query hangs) a stream still says so often, so that the page can tell which side is silent.
TICK_S: Final = 2.0
REST_SHARE: Final = 0.9


def age_s(snapshot: Snapshot) -> float | None:
    """Seconds since the ClickHouse read that a snapshot shows."""
    if snapshot.read_at is None:
        return None
    return round(max(0.0, (datetime.now(UTC) - snapshot.read_at).total_seconds()), 2)


def message(snapshot: Snapshot, members: dict[str, Any]) -> dict[str, Any]:
    """Members as they travel: errors with their words, and the age."""
    said = {**members, "age_s": age_s(snapshot)}
    if members.get("error"):
        said["error"] = words_of(members["error"])
    return said


def whole(snapshot: Snapshot) -> dict[str, Any]:
    """Everything, with the words that are not the page's own."""
    return message(snapshot, full(snapshot)) | {"words": page_words()}


async def run(request: web.Request, hub: Hub, channel: Channel, refresh_s: float) -> web.StreamResponse:
    """Send until the browser goes or the hub closes."""
    async with sse_response(request, send_timeout=SEND_TIMEOUT_S, ping_interval=PING_S) as response:
        # Reset: the browser is gone. Timeout: it took nothing for too long and was cut off.
        with suppress(ConnectionResetError, TimeoutError):
            sent = await _first(response, channel)
            while not hub.closed and response.is_connected():
                sent = await _next(response, channel, sent, refresh_s)
    return response


async def _first(response: EventSourceResponse, channel: Channel) -> Snapshot:
    """The snapshot, or for a browser that comes back what changed since its last event."""
    latest = channel.latest or Snapshot(id="0")
    known = channel.find(response.last_event_id)
    if known is None:
        await _send(response, "snapshot", latest, whole(latest))
    else:
        await _send(response, "delta", latest, message(latest, diff(known, latest)))
    return latest


async def _next(
    response: EventSourceResponse, channel: Channel, sent: Snapshot, refresh_s: float
) -> Snapshot:
    # Rest first, then wait for the poller's next snapshot: so the stream falls into step with the poller, and
    # what it sends is as new as can be. Resting after a wait would leave it up to a second behind for ever.
    await asyncio.sleep(REST_SHARE * refresh_s)
    latest = await channel.wait(TICK_S) or sent
    await _send(response, "delta", latest, message(latest, diff(sent, latest)))
    return latest


async def _send(response: EventSourceResponse, event: str, snapshot: Snapshot, body: dict[str, Any]) -> None:
    data = msgspec.json.encode(body).decode()
    await response.send(data, id=snapshot.id, event=event, retry=RETRY_MS if event == "snapshot" else None)
