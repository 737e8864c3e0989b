"""What the gateway's tests share: a gateway in a thread of this process, a client, a look into Kafka."""

from __future__ import annotations

import asyncio
import http.client
import json
import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from confluent_kafka import Consumer, TopicPartition

from producers.contract.topics import PARTITIONS, topic_specs
from producers.gateway import AckKeeper, Authority, CityView, GatewayConfig, Numberer, serving
from producers.gateway.app import Door, Registrar
from streams.topics_setup import ensure_topics
from tests.conftest import eventually, free_port, unique_name

TOKEN = "dbt_test-token-of-00070"
OTHER_TOKEN = "dbt_test-token-of-00004"
WARD, OTHER = "00070", "00004"


class Wards:
    """An `Authority` that knows two tokens."""

    def ward_of(self, token: str) -> str | None:
        return {TOKEN: WARD, OTHER_TOKEN: OTHER}.get(token)


class Answer(NamedTuple):
    """An answer with its body read."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Gateway:
    """A running gateway as a client sees it."""

    def __init__(self, config: GatewayConfig, door: Door) -> None:
        self.config, self.door, self.port = config, door, config.port

    def ask(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        *,
        token: str | None = TOKEN,
        **headers: str,
    ) -> Answer:
        """One request on a connection of its own; `Content_Type=` names a header."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        if token is not None:
            named.setdefault("Authorization", f"Bearer {token}")
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.request(method, path, body, named)
            response = connection.getresponse()
            return Answer(response.status, dict(response.headers), response.read())
        finally:
            connection.close()

    def post(self, body: bytes | str | Any, path: str = "/v1/events", **options: Any) -> Answer:
        """POST bytes as they are, anything else as JSON."""
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.ask("POST", path, content, **options)

    def raw(self) -> socket.socket:
        """A bare connection."""
        return socket.create_connection(("127.0.0.1", self.port), timeout=20)


def topic(bootstrap: str) -> str:
    """A new topic as the contract wants it."""
    app = unique_name("gw")
    ensure_topics(bootstrap, [topic_specs(f"{app}.events", app)[0]])
    return f"{app}.events"


@contextmanager
def running(
    bootstrap: str,
    folder: Path,
    *,
    authority: Authority | None = None,
    city: CityView | None = None,
    numberer: Numberer | None = None,
    registrars: Sequence[Registrar] = (),
    keeper: AckKeeper | None = None,
    there: bool = True,
    **limits: Any,
) -> Iterator[Gateway]:
    """A gateway; `there`: wait until it has found Kafka."""
    config = GatewayConfig(
        bootstrap=bootstrap, data_dir=folder, **({"port": free_port(), "rate_events_s": 1e6} | limits)
    )
    loop, ready = asyncio.new_event_loop(), threading.Event()
    found: list[Any] = []

    async def serve() -> None:
        stopping = asyncio.Event()
        async with serving(
            config, authority or Wards(), city, numberer, registrars=registrars, keeper=keeper
        ) as door:
            found.extend((door, stopping))
            ready.set()
            await stopping.wait()

    def run() -> None:
        try:
            loop.run_until_complete(serve())
        except BaseException as error:
            found.append(error)
            ready.set()
        finally:
            loop.run_until_complete(loop.shutdown_default_executor())
            loop.close()

    thread = threading.Thread(target=run)
    thread.start()
    assert ready.wait(20)
    assert len(found) == 2, found
    try:
        if there:
            eventually(lambda: not found[0].service.sender.away)
        yield Gateway(config, found[0])
    finally:
        loop.call_soon_threadsafe(found[1].set)
        thread.join(40)
        assert not thread.is_alive()
    assert len(found) == 2, found


def messages(bootstrap: str, name: str, count: int, timeout_s: float = 15.0) -> list[Any]:
    """At least so many messages of a topic, and those that come within half a second after."""
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": unique_name("look")})
    consumer.assign([TopicPartition(name, partition, 0) for partition in range(PARTITIONS)])
    found: list[Any] = []
    try:

        def read() -> bool:
            found.extend(m for m in consumer.consume(10_000, 0.1) if m.error() is None)
            return len(found) >= count

        eventually(read, timeout_s)
        found.extend(m for m in consumer.consume(10_000, 0.5) if m.error() is None)
    finally:
        consumer.close()
    return found
