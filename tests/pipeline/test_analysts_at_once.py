"""Goal: twenty analysts who ask at once for what never ends stop neither others, nor the flow, nor the page.

Method: a running city with 100 events a second and an open page, quiet first; then twenty accounts, each
asking in turn a cross join, 10^12 rows, an endless sleep, all memory and an endless download in native
blocks. Absolute figures of freshness are the bench's (`./dev bench analysts`): here the quiet span of the
same run is the measure, with room for a busy machine.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.pipeline.crowd import KINDS, TURNED_AWAY
from tests.pipeline.flowing import city
from tests.pipeline.siege import Found, besiege, share

SECONDS_MAX = 3
QUIET_S, UNDER_S = 15.0, 45.0
# A small question waits for one statement's end: its limit, and what the machine takes to notice.
SMALL_S = SECONDS_MAX + 12.0
ROOM_TIMES, ROOM_S = 3.0, 3.0

pytestmark = pytest.mark.timeout(900)


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Found]:
    limits = {
        "clickhouse_analyst_seconds_max": SECONDS_MAX,
        "clickhouse_analyst_memory_mb": 256,
        "clickhouse_analyst_wait_seconds_max": 20.0,
    }
    with city(tmp_path_factory.mktemp("siege"), **limits) as settings:
        yield besiege(settings, QUIET_S, UNDER_S)


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_limits_stop_every_kind_of_endless_question(found: Found, kind: str) -> None:
    codes = found.crowd.codes(kind)
    assert set(codes) <= KINDS[kind].codes | {TURNED_AWAY}, codes
    assert set(codes) & KINDS[kind].codes, f"none had a turn: {codes}"


def test_no_analyst_waits_longer_than_a_wait_may_last(found: Found) -> None:
    assert max(each.seconds for each in found.crowd.answers) < 20.0 + SECONDS_MAX + 15.0


def test_every_event_is_counted_meanwhile(found: Found) -> None:
    assert len(found.under) > 0.5 * UNDER_S * 100
    assert set(found.counted.values()) == {found.counted["appended"]}, found.counted


def test_a_small_question_of_another_analyst_is_answered_meanwhile(found: Found) -> None:
    assert [each.error for each in found.small if each.error] == []
    assert len(found.small) >= 3
    assert max(found.answered_s) < SMALL_S


def test_freshness_at_the_page_stays_near_that_of_the_quiet_span(found: Found) -> None:
    for part in (0.5, 0.99):
        quiet, under = share(found.quiet, part), share(found.under, part)
        assert under < ROOM_TIMES * quiet + ROOM_S, (part, quiet, under)
