"""Goal: the gateway's parts keep their bounds. Method: plain calls, a set clock."""

from __future__ import annotations

import gzip
import json
import time
from html.parser import HTMLParser
from typing import Any

import jsonschema
import msgspec
import pytest

from producers.contract import codec
from producers.contract.errors import Reject
from producers.contract.reasons import EVERY_REASON
from producers.gateway import intake, openapi
from producers.gateway.body import _Gunzip, split
from producers.gateway.intake import Numberless, Whole, judge
from producers.gateway.limits import Buckets, Room
from producers.gateway.page import render_page
from producers.gateway.portal_routes import SERVICES
from producers.gateway.problem import PROBLEMS, Problem, answer_of
from producers.gateway.routes import PORTAL_ROUTES, PUBLISHED_ROUTES, SMALLEST_EVENT
from tests.builders import WARD, retraction, status

NOW_S = 1_760_000_000.0


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_bucket_gives_its_burst_then_its_rate() -> None:
    clock = Clock()
    buckets = Buckets(rate=10.0, burst=20, clock=clock)
    assert buckets.take("a", 20) == 0.0
    assert buckets.take("a", 5) == pytest.approx(0.5)
    assert buckets.take("b", 20) == 0.0
    clock.now = 0.5
    assert buckets.take("a", 5) == 0.0
    clock.now = 100.0
    assert buckets.take("a", 20) == 0.0
    assert buckets.take("a", 1) > 0


def test_bucket_batch_larger_than_the_burst_passes_when_full() -> None:
    assert Buckets(rate=1.0, burst=10, clock=Clock()).take("a", 500) == 0.0


def test_room_is_given_back_also_after_a_refusal() -> None:
    room = Room(100)
    with room.lease() as first, room.lease() as second:
        first.grow(60)
        with pytest.raises(Problem, match="busy"):
            second.grow(60)
        assert room.taken == 60
    assert room.taken == 0


def test_gunzip_takes_several_members_but_not_many() -> None:
    unpack = _Gunzip(1000)
    assert unpack.feed(gzip.compress(b"a") + gzip.compress(b"b")) == b"ab"
    unpack.end()
    with pytest.raises(Problem, match="bad_gzip"):
        _Gunzip(1000).feed(gzip.compress(b"") * 100)


def test_gunzip_byte_by_byte_and_at_the_very_limit_unpacks() -> None:
    body = gzip.compress(b"x" * 1000)
    unpack = _Gunzip(1000)
    assert b"".join(unpack.feed(body[at : at + 1]) for at in range(len(body))) == b"x" * 1000
    unpack.end()
    with pytest.raises(Problem, match="body_too_large"):
        _Gunzip(999).feed(body)


def test_split_keeps_every_event_as_it_is() -> None:
    assert split(b' [ {"a": 1} , 2]', "application/json", 5) == [b'{"a": 1}', b"2"]
    assert split(b"1\r\n\n 2 \n", "application/x-ndjson", 5) == [b"1", b"2"]
    assert split(b'{"a": [1]}', "text/plain", 5) == [b'{"a": [1]}']


def test_brackets_within_text_are_no_depth() -> None:
    event = json.loads(codec.encode(status(1))) | {"x": "[{" * 100 + '\\"'}
    assert isinstance(judge(0, json.dumps(event).encode(), WARD, NOW_S, 16), Whole)


@pytest.mark.parametrize("value", [b'"' + b'\\"' * 32_000, b'{"' * 30_000, b"[" * 65_000, b'"' * 65_000])
def test_depth_of_hostile_text_is_found_in_linear_time(value: bytes) -> None:
    begun = time.perf_counter()
    with pytest.raises(Reject):
        judge(0, value, WARD, NOW_S, 16)
    assert time.perf_counter() - begun < 1.0


def test_judge_passes_on_the_same_event() -> None:
    found = judge(3, codec.encode(status(7)), WARD, NOW_S, 16)
    assert found == Whole(3, f"{WARD}/test/7", codec.encode(status(7)), "test", 7)


def test_judge_event_with_half_an_identity_is_rejected_not_numbered() -> None:
    event = json.loads(codec.encode(status(1)))
    for change in ({"id": None}, {"seq": None}, {"epoch": None}, {"id": None, "seq": None}):
        half: dict[str, Any] = event | {"data": dict(event["data"])}
        for name in change:
            (half if name == "id" else half["data"]).pop(name)
        with pytest.raises(Reject) as caught:
            judge(0, json.dumps(half).encode(), WARD, NOW_S, 16)
        assert caught.value.code == "bad_shape"


def test_judge_retraction_without_seqs_becomes_a_draft() -> None:
    event = json.loads(codec.encode(retraction(2, status(1))))
    del event["id"]
    for data in (event["data"], event["data"]["of"]):
        del data["epoch"], data["seq"]
    found = judge(0, json.dumps(event).encode(), WARD, NOW_S, 16)
    assert isinstance(found, Numberless)
    assert found.draft.ward == WARD


def test_rejected_repeats_no_value_of_the_event() -> None:
    event = json.loads(codec.encode(status(1)))
    event["data"]["channel"] = "Nguyễn Văn A"
    with pytest.raises(Reject) as caught:
        judge(0, json.dumps(event).encode(), WARD, NOW_S, 16)
    said = msgspec.json.encode(intake.rejected(0, caught.value)).decode()
    assert caught.value.member == "$.data.channel"
    assert "Nguy" not in said


@pytest.mark.parametrize("code", [*PROBLEMS, *EVERY_REASON])
def test_every_code_has_a_status_and_words_in_both_languages(code: str) -> None:
    answer = answer_of(Problem(code, retry_after_s=0.2))
    assert isinstance(answer.body, bytes)
    said = json.loads(answer.body)
    assert all(said[name] for name in ("code", "vi", "en", "remedy_vi", "remedy_en"))
    assert answer.status in (400, 401, 404, 405, 408, 413, 415, 422, 429, 500, 503)
    assert (answer.status in (429, 503)) == ("Retry-After" in answer.headers)


def test_published_openapi_is_what_the_code_generates() -> None:
    assert not openapi.stale(), "run: python -m producers.gateway"


def test_openapi_names_every_route_and_every_reference_leads_somewhere() -> None:
    document = openapi.document()
    assert {(method.upper(), path) for path, ways in document["paths"].items() for method in ways} == {
        (route.method, route.path) for route in PUBLISHED_ROUTES
    }
    assert {route.path for route in PORTAL_ROUTES} == {f"/portal/{service}" for service in SERVICES}
    names = {part.split('"')[0] for part in json.dumps(document).split("#/components/schemas/")[1:]}
    assert names <= document["components"]["schemas"].keys()


def test_openapi_examples_fit_their_schema() -> None:
    document = openapi.document()
    content = document["paths"]["/v1/events"]["post"]["requestBody"]["content"]["application/json"]
    schema = content["schema"] | {"components": document["components"]}
    check = jsonschema.Draft202012Validator(schema)
    for example in content["examples"].values():
        check.validate(example["value"])


def test_the_smallest_event_is_one_that_the_gateway_numbers() -> None:
    assert isinstance(judge(0, json.dumps(SMALLEST_EVENT).encode(), WARD, NOW_S, 16), Numberless)


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.links += [value or "" for name, value in attrs if name in ("href", "src")]


def test_docs_page_has_no_script_and_nothing_from_outside() -> None:
    page = _Page()
    page.feed(render_page())
    assert not page.tags & {"script", "img", "link", "iframe", "form"}
    assert all(link.startswith(("#", "/")) for link in page.links)
    assert all(route.path in render_page() for route in PUBLISHED_ROUTES)
