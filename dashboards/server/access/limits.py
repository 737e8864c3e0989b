"""What one client may take: requests a second, attempts to log in, open streams. Memory is bounded."""

from __future__ import annotations

import ipaddress
import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from aiohttp import web

from dashboards.server.problem import Problem

# The clients that are remembered; who was silent longest is forgotten first, and has a full bucket then.
CLIENTS_MAX: Final = 10_000
_UNKNOWN: Final = "unknown"


class Buckets:
    """A token bucket for each client: `rate` a second, at most `burst` at once."""

    def __init__(self, rate: float, burst: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._rate, self._burst, self._clock = rate, burst, clock
        self._filled: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._filled)

    def take(self, client: str) -> float:
        """Take one; 0.0, or, taking nothing, the seconds until there is one."""
        now = self._clock()
        level, at = self._filled.pop(client, (self._burst, now))
        level = min(self._burst, level + (now - at) * self._rate)
        passed = level >= 1.0
        self._filled[client] = (level - 1.0 if passed else level), now
        if len(self._filled) > CLIENTS_MAX:
            self._filled.popitem(last=False)
        return 0.0 if passed else (1.0 - level) / self._rate


class Streams:
    """Open streams of each client."""

    def __init__(self, client_max: int) -> None:
        self._client_max, self._open = client_max, Counter[str]()

    @contextmanager
    def hold(self, client: str) -> Iterator[None]:
        """One stream, as long as the block. Raises `Problem` (too_many_clients)."""
        if self._open[client] >= self._client_max:
            raise Problem("too_many_clients")
        self._open[client] += 1
        try:
            yield
        finally:
            self._open[client] -= 1
            if not self._open[client]:
                del self._open[client]


def client_of(request: web.Request, proxies: int) -> str:
    """The address that a request comes from, as the nearest of our own proxies saw it.

    What stands further left in X-Forwarded-For was written by the client. All of an IPv6 /64 is one client.
    """
    address = request.remote or _UNKNOWN
    if proxies:
        hops = [
            hop.strip() for line in request.headers.getall("X-Forwarded-For", []) for hop in line.split(",")
        ]
        address = hops[-min(proxies, len(hops))] if hops else address
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return _UNKNOWN
    if parsed.version == 6 and not parsed.is_loopback:
        return str(ipaddress.ip_network((parsed, 64), strict=False))
    return str(parsed)
