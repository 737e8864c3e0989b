"""What one client may take, against the real server and the buckets themselves."""

from __future__ import annotations

from collections.abc import Callable

from dashboards.server.access.limits import CLIENTS_MAX, Buckets
from tests.access.conftest import TOKEN
from tests.access.visitor import Visitor
from tests.browser.dashboard import Dashboard


def test_login_by_trying_out_is_slowed_down(serve: Callable[..., Dashboard]) -> None:
    visitor = Visitor(serve(token=TOKEN, logins_minute=5).port)
    statuses = [visitor.log_in(f"wrong-{number}").status for number in range(6)]

    assert statuses == [401, 401, 401, 401, 401, 429]
    # Not by a bearer token either, and the right one comes too late as well.
    assert visitor.get("/api/viewer", Authorization="Bearer wrong").status == 429
    late = visitor.log_in(TOKEN)
    assert late.status == 429
    assert 1 <= int(late.headers["Retry-After"]) <= 12


def test_requests_above_the_rate_wait_and_health_does_not(serve: Callable[..., Dashboard]) -> None:
    visitor = Visitor(serve(requests_s=0.5, requests_burst=10).port)
    answers = [visitor.get("/api/viewer") for _ in range(14)]

    assert [answer.status for answer in answers[:9]] == [200] * 9
    assert answers[-1].status == 429
    assert answers[-1].code == "too_fast"
    assert int(answers[-1].headers["Retry-After"]) >= 1
    assert answers[-1].headers["X-Content-Type-Options"] == "nosniff"
    assert visitor.get("/healthz").status != 429


def test_clients_behind_a_proxy_are_told_apart_by_what_it_added(serve: Callable[..., Dashboard]) -> None:
    visitor = Visitor(serve(token=TOKEN, requests_s=0.01, requests_burst=10, proxies=1).port)
    for number in range(12):
        # The left one is the client's own word.
        visitor.get("/login", **{"X-Forwarded-For": f"192.0.2.{number}, 198.51.100.1"})

    assert visitor.get("/login", **{"X-Forwarded-For": "192.0.2.99, 198.51.100.1"}).status == 429
    assert visitor.get("/login", **{"X-Forwarded-For": "198.51.100.2"}).status == 200


def test_streams_of_one_client_are_bounded(serve: Callable[..., Dashboard]) -> None:
    visitor = Visitor(serve(streams_client_max=2).port)
    with visitor.stream() as one, visitor.stream() as two, visitor.stream() as three:
        assert [stream.status for stream in (one, two, three)] == [200, 200, 503]


def test_buckets_fill_again_and_forget_the_oldest_client() -> None:
    now = [0.0]
    buckets = Buckets(1.0, 2.0, lambda: now[0])
    assert [buckets.take("a"), buckets.take("a"), buckets.take("a")] == [0.0, 0.0, 1.0]
    now[0] = 1.5
    assert buckets.take("a") == 0.0
    assert buckets.take("a") > 0.0

    for number in range(CLIENTS_MAX + 10):
        buckets.take(str(number))
    assert len(buckets) == CLIENTS_MAX
