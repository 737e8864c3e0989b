"""Goal: each start and end is told once over each channel, in order, less and less often while it fails, and
given up after a day. Method: plans and an outbox with instants of the test's own.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from producers.contract.errors import Stop
from streams.monitor.alerts.config import MailConfig, WebhookConfig
from streams.monitor.alerts.evaluate import filled, said
from streams.monitor.alerts.model import (
    END,
    ENDED,
    ENDING,
    GIVEN_UP,
    OPEN,
    PENDING,
    START,
    Alert,
    Delivery,
    Words,
)
from streams.monitor.alerts.outbox import GIVE_UP_MS, NEWS_MS, Outbox, plan, wait_ms

WORDS = Words(*"abcdefgh")
HOUR_MS = 3_600_000


def alert(name: str, state: str = OPEN, ended_ms: int | None = None) -> Alert:
    started = None if state == PENDING else 1_000
    return Alert(
        name, "rule", name, state, 1_000, started, ended_ms, 1_000, 1_000, "warning", "", {}, WORDS, 1
    )


def planned(alerts: list[Alert], now_ms: int = 2_000, over: int = 20) -> list[tuple[str, str, str]]:
    return [one.where for one in plan(alerts, [], ["mail"], now_ms, over)]


def test_start_is_planned_once_it_is_open_and_end_once_it_is_final() -> None:
    assert planned([alert("a", PENDING)]) == []
    assert planned([alert("a"), alert("b", ENDING, 1_500)]) == [("a", START, "mail"), ("b", START, "mail")]
    assert planned([alert("a", ENDED, 1_500)]) == [("a", START, "mail"), ("a", END, "mail")]
    ended = alert("a", ENDED, 1_500)
    assert [one.event for one in plan([ended], [("a", START, "mail")], ["mail"], 2_000, 20)] == [END]
    known = [("a", START, "mail"), ("a", END, "mail")]
    assert plan([ended], known, ["mail"], 2_000, 20) == []


def test_what_ended_long_before_a_channel_was_set_up_is_not_told() -> None:
    old = alert("a", ENDED, 1_500)
    assert planned([old], 1_500 + NEWS_MS) == []
    assert planned([alert("b")], GIVE_UP_MS * 9) == [("b", START, "mail")]
    late = plan([old], [("a", START, "mail")], ["mail"], 1_500 + 5 * NEWS_MS, 20)
    assert [one.event for one in late] == [END]


def test_more_than_the_bound_are_one_message_for_each_channel() -> None:
    made = plan([alert(str(number)) for number in range(4)], [], ["mail", "webhook"], 2_000, 3)
    assert {one.message for one in made} == {made[0].message}
    assert made[0].message.startswith("digest-")
    assert len({one.message for one in plan([alert("a"), alert("b")], [], ["mail"], 2_000, 2)}) == 2


def test_waits_grow_to_a_quarter_of_an_hour() -> None:
    waits = [wait_ms(attempts) // 1000 for attempts in (1, 2, 3, 4, 8, 9, 500)]
    assert waits == [5, 10, 20, 40, 640, 900, 900]


def box(*deliveries: Delivery, alerts: list[Alert] | None = None) -> Outbox:
    made = Outbox()
    made.learn(deliveries, alerts or [alert("a"), alert("b")], stored=True)
    return made


def delivery(name: str, event: str = START, created_ms: int = 0) -> Delivery:
    return Delivery(name, event, "mail", f"{name}-{event}", created_ms, created_ms)


def test_failing_message_is_tried_for_a_day_and_then_given_up() -> None:
    outbox, now_ms, attempts = box(delivery("a")), 0, 0
    while outbox.waiting() and now_ms < 2 * GIVE_UP_MS:
        for message in outbox.due("mail", now_ms):
            outbox.done(message, now_ms, "away")
            attempts += 1
        now_ms += 5_000
    assert GIVE_UP_MS <= now_ms <= GIVE_UP_MS + HOUR_MS
    assert 90 < attempts < 120
    written: list[Delivery] = []
    outbox.flush(written.extend)
    assert [(one.state, one.attempts, one.error) for one in written] == [(GIVEN_UP, attempts, "away")]


def test_end_waits_for_its_start_and_for_no_other() -> None:
    outbox = box(delivery("a"), delivery("a", END), delivery("b", END))
    assert [message.id for message in outbox.due("mail", 1)] == ["a-start", "b-end"]
    (start, _) = outbox.due("mail", 1)
    outbox.done(start, 1)
    assert [message.id for message in outbox.due("mail", 1)] == ["a-end", "b-end"]


def test_what_could_not_be_written_is_written_later_and_then_forgotten() -> None:
    outbox = box(delivery("a"))
    (message,) = outbox.due("mail", 1)
    outbox.done(message, 1)

    def away(_: list[Delivery]) -> None:
        raise ConnectionError

    with pytest.raises(ConnectionError):
        outbox.flush(away)
    outbox.forget([])
    assert outbox.known() == {("a", START, "mail")}
    written: list[Delivery] = []
    outbox.flush(written.extend)
    outbox.flush(written.extend)
    assert [one.state for one in written] == ["sent"]
    outbox.forget([])
    assert outbox.known() == set()


def test_message_says_the_alert_as_it_is_when_it_is_sent() -> None:
    outbox = box(delivery("a"))
    outbox.learn([], [replace(alert("a"), severity="critical")], stored=True)
    assert outbox.due("mail", 1)[0].parts[0][1].severity == "critical"


def test_values_are_said_for_the_language_and_unknown_names_stay() -> None:
    assert filled("{share} {n} {who} {x}", {"share": 0.5, "n": 12345, "who": None}, "vi") == "0,5 12345 - {x}"
    assert filled("{share}", {"share": 0.5}, "en") == "0.5"
    assert said(["1-3", "7"], "") == "1-3, 7"


@pytest.mark.parametrize("url", ["ftp://x/", "example.vn", "http:///x"])
def test_webhook_address_that_is_none_is_refused_without_showing_it(url: str) -> None:
    with pytest.raises(Stop, match="alert_webhook_url") as caught:
        WebhookConfig(url)
    assert url not in str(caught.value)


def test_secrets_of_channels_show_nowhere() -> None:
    made = (
        WebhookConfig("https://example.vn/token-1", "secret-1"),
        MailConfig("h", "a@example.vn", ("b@example.vn",), password="secret-2"),
    )
    assert not any(word in repr(made) for word in ("token-1", "secret-1", "secret-2"))
