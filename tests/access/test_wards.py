"""A ward's viewer against the real server: its own ward, and nothing of any other by any way."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from dashboards.server.access.viewers import Viewers
from dashboards.server.tables import TABLES, Table
from producers.contract.errors import Refused, Reject
from producers.contract.wards import WARDS
from tests.access.conftest import TOKEN
from tests.access.test_login import CLOSED, read_to_the_end
from tests.access.visitor import Visitor
from tests.browser.city import City
from tests.browser.dashboard import Dashboard
from tests.conftest import eventually

OWN, OTHER = "00070", "00082"


@pytest.fixture
def viewers(guarded: Dashboard) -> Viewers:
    return Viewers(guarded.access_path("viewers_path"))


@pytest.fixture
def ward(visitor: Visitor, viewers: Viewers) -> Visitor:
    """A visitor who is logged in for `OWN`."""
    assert visitor.log_in(viewers.add("ward", OWN)).status == 303
    return visitor


def test_ward_viewer_sees_its_own_ward(ward: Visitor) -> None:
    assert ward.get("/api/viewer").json() == {"role": "ward", "ward": OWN, "login": True}
    assert ward.open("/").status == 200
    eventually(lambda: ward.get(f"/api/snapshot?view=ward&ward={OWN}").status == 200, timeout=60)


@pytest.mark.parametrize(
    "query",
    [
        "",
        "view=city",
        f"view=city&ward={OWN}",
        f"view=difficulties&ward={OWN}",
        "view=ward",
        f"view=ward&ward={OTHER}",
        f"ward={OTHER}",
        f"view=ward&ward={OWN}&ward={OTHER}",
        f"view=ward&ward={OTHER}&ward={OWN}",
        f"view=ward&ward={OWN},{OTHER}",
        f"view=ward&wards={OTHER}",
        f"view=ward&ward={OTHER}&cut=1",
        f"view=ward&ward=%30{OTHER[1:]}",
        "view=city&day=2025-07-21",
        f"view=ward&ward={OWN}%00",
    ],
)
@pytest.mark.parametrize("path", ["/api/snapshot", "/events"])
def test_ward_viewer_reaching_for_another_ward_gets_nothing_of_it(
    ward: Visitor, path: str, query: str
) -> None:
    if path == "/events":
        with ward.stream(f"{path}?{query}") as answer:
            status, body = answer.status, answer.read1()
    else:
        whole = ward.get(f"{path}?{query}")
        status, body = whole.status, whole.body
    if status == 200:
        assert _others_in(body) == []
    else:
        # 503: the reading took longer than a visitor waits.
        assert status in (400, 403, 503)


@pytest.fixture(scope="module")
def cut(city: City) -> int:
    return city.cut(datetime.now(UTC))


@pytest.mark.parametrize("table", TABLES.values(), ids=lambda table: table.name)
def test_ward_viewer_gets_no_other_ward_in_any_file(ward: Visitor, cut: int, table: Table) -> None:
    for query in ("", f"&ward={OTHER}", f"&ward={OWN}&ward={OTHER}", f"&ward={OWN}"):
        answer = ward.get(f"/export/{table.name}.csv?as_of={cut}{query}")
        assert answer.status in (200, 400, 403), (query, answer.text)
        assert answer.status != 200 or _others_in(answer.body) == [], query
    own = f"&ward={OWN}" if "ward" in table.filters else ""
    wanted = 403 if table.scope == "city" else 200
    assert ward.get(f"/export/{table.name}.csv?as_of={cut}{own}").status == wanted


def test_city_viewer_gets_every_ward_in_the_same_file(visitor: Visitor, viewers: Viewers, cut: int) -> None:
    visitor.log_in(viewers.add("city"))
    answer = visitor.get(f"/export/city-wards.csv?as_of={cut}")
    assert set(_others_in(answer.body)) == WARDS.keys() - {OWN}


def test_ward_viewer_reaches_no_handler_that_does_not_know_of_wards(ward: Visitor) -> None:
    for method, path in CLOSED:
        if path.startswith(("/web", "/events")) or path == "/":
            continue
        answer = ward.ask(method, path)
        assert answer.status != 200 or _others_in(answer.body) == [], path


def test_city_viewer_by_its_own_token_sees_all(visitor: Visitor, viewers: Viewers) -> None:
    visitor.log_in(viewers.add("city"))

    assert visitor.get("/api/viewer").json()["role"] == "city"
    eventually(lambda: visitor.get(f"/api/snapshot?view=ward&ward={OTHER}").status == 200, timeout=60)


def test_viewer_who_is_revoked_is_out_and_the_stream_ends(visitor: Visitor, viewers: Viewers) -> None:
    token = viewers.add("city")
    visitor.log_in(token)
    with visitor.stream() as stream:
        assert stream.status == 200
        viewers.revoke(token.split("_")[1])
        read_to_the_end(stream)

    assert visitor.get("/api/viewer").status == 401
    assert visitor.get("/api/viewer", Authorization=f"Bearer {token}").status == 401


def test_viewer_file_holds_hashes_for_its_owner_only(viewers: Viewers, guarded: Dashboard) -> None:
    token = viewers.add("ward", OWN)
    path = guarded.access_path("viewers_path")

    assert token not in path.read_text()
    assert token.split("_", 2)[2] not in path.read_text()
    assert path.stat().st_mode & 0o077 == 0
    assert viewers.list()[-1].ward == OWN


@pytest.mark.parametrize(
    ("add", "error"),
    [
        (lambda viewers: viewers.add("ward"), Refused),
        (lambda viewers: viewers.add("city", OWN), Refused),
        (lambda viewers: viewers.add("ward", "99999"), Reject),
        (lambda viewers: viewers.revoke("000000000000"), Refused),
    ],
)
def test_viewer_that_cannot_be_is_refused(
    viewers: Viewers, add: Callable[[Viewers], object], error: type[Exception]
) -> None:
    with pytest.raises(error):
        add(viewers)


def test_shared_token_is_no_viewers_token(viewers: Viewers) -> None:
    assert viewers.viewer_of(TOKEN) is None


def _others_in(body: bytes) -> list[str]:
    """Codes of other wards, as JSON or CSV writes them."""
    text = body.decode("utf-8", "replace")
    return [ward for ward in WARDS if ward != OWN and re.search(rf'"{ward}"|(^|,){ward},', text, re.M)]
