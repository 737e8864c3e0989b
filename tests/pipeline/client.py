"""Plain HTTP to an endpoint: what goes over the wire is what the test says."""

from __future__ import annotations

import base64
import http.client
import urllib.parse
from dataclasses import dataclass

from ops.stack.clickhouse import Endpoint


@dataclass(frozen=True, slots=True)
class Answer:
    """Status, body and headers."""

    status: int
    body: bytes
    headers: dict[str, str]

    @property
    def text(self) -> str:
        return self.body.decode(errors="replace")

    @property
    def code(self) -> int:
        """ClickHouse's error code, 0 when there is none."""
        return int(self.headers.get("X-ClickHouse-Exception-Code", "0"))


def ask(
    endpoint: Endpoint,
    query: str,
    *,
    user: str = "reader",
    password: str | None = None,
    params: dict[str, str] | None = None,
    headers: dict[str, str] | None = None,
    timeout_s: float = 120.0,
) -> Answer:
    """POST a query. A body that is broken off is returned as far as it came."""
    token = base64.b64encode(f"{user}:{user if password is None else password}".encode()).decode()
    connection = http.client.HTTPConnection(endpoint.host, endpoint.port, timeout=timeout_s)
    try:
        url = "/?" + urllib.parse.urlencode(params or {})
        connection.request("POST", url, query.encode(), {"Authorization": f"Basic {token}"} | (headers or {}))
        answer = connection.getresponse()
        try:
            body = answer.read()
        except http.client.IncompleteRead as broken:
            body = broken.partial
        return Answer(answer.status, body, dict(answer.headers))
    finally:
        connection.close()
