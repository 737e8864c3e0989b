"""Goal: what `Ward` promises without a line to the city: durable, typed, right totals, cheap to import.

Method: a city that is away, a set clock, and a small HTTP server that answers as a bad gateway would.
"""

from __future__ import annotations

import http.server
import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

import pytest

from producers import Ward
from producers.contract.codec import decode
from producers.contract.envelope import DayClosedEvent, RetractedEvent, StatusChangedEvent
from producers.contract.errors import Refused, Reject
from producers.contract.events import DayClosed
from producers.contract.vocabulary import Channel, Status
from producers.gateway_client import GatewayClient, Later
from producers.outbox import Draft, Outbox
from producers.totals import HANOI, DayTotals
from tests.builders import START, WARD, status
from tests.conftest import eventually

AWAY = "127.0.0.1:1"
DOSSIER = f"H26.{WARD}-250701-0001"
KNOWN: dict[str, Any] = {
    "dossier": DOSSIER,
    "procedure": "2.000815",
    "channel": "counter",
    "received_at": START,
}


@pytest.fixture
def ward(tmp_path: Path) -> Iterator[Ward]:
    """A ward that has not begun to send."""
    one = Ward(WARD, outbox=tmp_path / "ward.sqlite", kafka=AWAY)
    yield one
    one.close()


def events(outbox: Outbox) -> list[Any]:
    return [decode(row.value) for row in outbox.kept(WARD, range(1, 10_000))]


def closings(outbox: Outbox) -> list[DayClosed]:
    return [event.data for event in events(outbox) if isinstance(event, DayClosedEvent)]


def test_importing_the_package_brings_no_kafka() -> None:
    code = (
        "import sys, producers.contract.codec; from producers import Ward; import producers.sdk;"
        "bad = {'confluent_kafka', 'faust', 'aiohttp', 'openpyxl'} & set(sys.modules); assert not bad, bad"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=30)


def test_status_is_durable_at_once_with_the_members_it_was_given(ward: Ward) -> None:
    assert ward.status(status=2, at=START, due_at=START, **KNOWN) == 1
    assert ward.status(status=Status.DONE, **KNOWN | {"channel": Channel.ONLINE}, finished_at=START) == 2
    first, second = events(ward.outbox)
    assert (first.time, first.data.field, first.data.channel) == (START, "chung-thuc", Channel.COUNTER)
    assert (second.data.status, second.data.channel) == (Status.DONE, Channel.ONLINE)
    assert abs(second.time - datetime.now(UTC)) < timedelta(seconds=10)


def test_time_without_a_zone_is_hanois(ward: Ward) -> None:
    naive = datetime(2025, 7, 1, 8)  # noqa: DTZ001 - the point of the test
    ward.status(status=2, at=naive, **KNOWN | {"received_at": naive})
    (event,) = events(ward.outbox)
    assert event.time == event.data.received_at == naive.replace(tzinfo=HANOI)


@pytest.mark.parametrize(
    ("members", "member"),
    [
        ({"status": 11}, "$.data.status"),
        ({"status": 2, "channel": "fax"}, "$.data.channel"),
        ({"status": 2, "dossier": "Nguyễn Văn A"}, "$.data.dossier"),
        ({"status": 2, "procedure": "9.999999"}, "$.data.field"),
        ({"status": 2, "at": datetime(2019, 1, 1, tzinfo=UTC)}, "$.time"),
        ({"status": 2, "service_level": 9}, "$.data.service_level"),
    ],
)
def test_what_the_city_would_reject_is_rejected_here(
    ward: Ward, members: dict[str, Any], member: str
) -> None:
    with pytest.raises(Reject) as caught:
        ward.status(**KNOWN | members)
    assert caught.value.member.endswith(member[1:])
    assert caught.value.reason.remedy_vi
    assert "Nguyễn" not in str(caught.value)
    assert ward.outbox.counts().appended == 0


def test_retract_twice_is_once_and_of_what_is_not_there_is_refused(ward: Ward) -> None:
    ward.status(status=2, at=START, **KNOWN)
    assert ward.retract(1, "wrong-status") == 2 == ward.retract(1, "again")
    for seq in (2, 3):
        with pytest.raises(Refused, match="no_such_event"):
            ward.retract(seq, "wrong-status")
    original, retracted = events(ward.outbox)
    assert isinstance(original, StatusChangedEvent)
    assert isinstance(retracted, RetractedEvent)
    assert (retracted.data.of, retracted.data.of_time) == (original.data, original.time)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ({"ward": "70"}, "unknown_ward"),
        ({"kafka": None}, "way_to_the_city"),
        ({"gateway": "http://x", "token": "t"}, "way_to_the_city"),
        ({"kafka": None, "gateway": "http://x"}, "way_to_the_city"),
        ({"kafka": None, "gateway": "ftp://x", "token": "t"}, "gateway_url"),
        ({"kafka": None, "gateway": "http://x", "token": "a\nHost: evil"}, "token"),
        ({"kafka": None, "gateway": "http://x", "token": ""}, "token"),
    ],
)
def test_wrong_arguments_are_refused_in_both_languages(
    tmp_path: Path, arguments: dict[str, Any], code: str
) -> None:
    known: dict[str, Any] = {"ward": WARD, "outbox": tmp_path / "w.sqlite", "kafka": AWAY} | arguments
    with pytest.raises(Refused) as caught:
        Ward(known.pop("ward"), **known)
    assert (caught.value.code, bool(caught.value.vi), bool(caught.value.en)) == (code, True, True)


def test_days_are_declared_after_midnight_and_again_when_they_change(tmp_path: Path) -> None:
    now = [START.replace(hour=16)]
    with Ward(WARD, outbox=tmp_path / "w.sqlite", kafka=AWAY, beat_every_s=0, clock=lambda: now[0]) as ward:
        for _ in range(3):
            ward.status(status=2, at=START, **KNOWN)
        ward.retract(2, "wrong-status")
        assert closings(ward.outbox) == []
        now[0] = START.replace(hour=0, minute=2) + timedelta(days=2)
        eventually(lambda: len(closings(ward.outbox)) == 2, 5)
        first, empty = closings(ward.outbox)
        assert (first.day, first.counts, first.first_seq, first.last_seq) == (START.date(), {2: 2}, 1, 3)
        assert (empty.day, empty.counts) == (START.date() + timedelta(days=1), {})
        ward.status(status=9, at=START, finished_at=START, **KNOWN)  # late
        now[0] += timedelta(days=1)
        eventually(lambda: len(closings(ward.outbox)) == 4, 5)
        again, third = closings(ward.outbox)[2:]
        assert (again.day, again.counts, again.last_seq) == (START.date(), {2: 2, 9: 1}, 7)
        assert third.day == START.date() + timedelta(days=2)
        ward.close(0)
    # A restart declares nothing again.
    with Ward(WARD, outbox=tmp_path / "w.sqlite", kafka=AWAY, beat_every_s=0, clock=lambda: now[0]) as ward:
        threading.Event().wait(1.5)
        assert len(closings(ward.outbox)) == 4
        ward.close(0)


def test_a_day_that_is_no_longer_kept_whole_is_not_declared(tmp_path: Path) -> None:
    with Outbox(tmp_path / "w.sqlite", keep_max=5) as outbox:
        outbox.append(WARD, [Draft(StatusChangedEvent, status(1).data, START)] * 10)
        outbox.acknowledge({WARD: 10})
        later = START + timedelta(days=1)
        outbox.append(WARD, [Draft(StatusChangedEvent, status(1).data, later)] * 2)
        totals = DayTotals(outbox, WARD)
        assert totals.due(START.date() + timedelta(days=2)) == [later.date()]
        with pytest.raises(Refused, match="day_not_kept"):
            totals.closing(START.date(), later)


def test_empty_days_are_declared_for_a_month_at_most(tmp_path: Path) -> None:
    with Outbox(tmp_path / "w.sqlite") as outbox:
        outbox.append(WARD, [Draft(StatusChangedEvent, status(1).data, START)])
        due = DayTotals(outbox, WARD).due(date(2026, 7, 1))
        assert due[0] == START.date()
        assert due[1:] == [date(2026, 5, 31) + timedelta(days=n) for n in range(31)]


class _Gateway(http.server.BaseHTTPRequestHandler):
    """Answers what the test says."""

    protocol_version = "HTTP/1.1"
    replies: ClassVar[list[tuple[int, dict[str, str], bytes]]] = []
    seen: ClassVar[list[str]] = []

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.seen.append(self.path)
        code, headers, body = self.replies.pop(0) if self.replies else (503, {"Retry-After": "1"}, b"")
        self.send_response(code)
        for name, value in (headers | {"Content-Length": str(len(body))}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Quiet."""


@contextmanager
def bad_gateway(*replies: tuple[int, dict[str, str], bytes]) -> Iterator[str]:
    _Gateway.replies, _Gateway.seen = list(replies), []
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Gateway)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def said(*outcomes: str) -> bytes:
    return json.dumps({"events": [{"index": i, "outcome": one} for i, one in enumerate(outcomes)]}).encode()


def through(url: str, path: Path, check: Callable[[Ward], Any]) -> None:
    with Ward(WARD, outbox=path, gateway=url, token="t", beat_every_s=0, close_days=False) as ward:
        check(ward)
        ward.close(0.1)


def test_nothing_is_acknowledged_but_by_an_answer_for_each_event(tmp_path: Path) -> None:
    short = {"Retry-After": "0"}
    replies = [
        (429, short, b"{}"),
        (503, short, b"not json"),
        (202, {}, b"{}"[:0]),
    ]
    with Outbox(tmp_path / "w.sqlite") as outbox:
        outbox.append(WARD, [Draft(StatusChangedEvent, status(1).data, START)] * 3)
    with bad_gateway(*replies) as url:

        def check(ward: Ward) -> None:
            eventually(lambda: len(_Gateway.seen) >= 3, 10)
            eventually(lambda: ward.health().detail == "HTTP 202", 5)
            assert ward.health().sent_seq == 0

        through(url, tmp_path / "w.sqlite", check)


def test_rejected_event_does_not_hold_up_those_behind_it(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with Outbox(tmp_path / "w.sqlite") as outbox:
        outbox.append(WARD, [Draft(StatusChangedEvent, status(1).data, START)] * 3)
    with bad_gateway((422, {}, said("accepted", "rejected", "duplicate"))) as url:

        def check(ward: Ward) -> None:
            assert ward.flush(10)
            assert ward.health().delivered == 2

        through(url, tmp_path / "w.sqlite", check)
    assert f"rejects {WARD}/2" in caplog.text


def test_batch_that_is_too_long_is_halved_until_it_fits(tmp_path: Path) -> None:
    refused: tuple[int, dict[str, str], bytes] = (422, {}, b'{"code": "batch_too_long"}')
    with Outbox(tmp_path / "w.sqlite") as outbox:
        outbox.append(WARD, [Draft(StatusChangedEvent, status(1).data, START)] * 4)
    replies = [refused, refused, *[(202, {}, said("accepted"))] * 4]
    with bad_gateway(*replies) as url:
        through(url, tmp_path / "w.sqlite", lambda ward: _flushed(ward))


def _flushed(ward: Ward) -> None:
    assert ward.flush(10)


def test_client_bounds_what_it_reads_and_retries_a_connection_that_was_closed() -> None:
    huge = b"[" + b" " * 9_000_000 + b"]"
    with bad_gateway((200, {}, huge), (200, {"Connection": "close"}, b"{}"), (200, {}, b"[1]")) as url:
        client = GatewayClient(url, "t", 5)
        with pytest.raises(Later):
            client.post_events("/x", [b"{}"])
        assert client.post_events("/x", [b"{}"]).body == {}
        assert client.post_events("/x", [b"{}"]).body == [1]
        client.close()
