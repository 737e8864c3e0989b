"""Goal: alerts start, go on and end exactly as promised, whatever rules find and however often they fail.

Method: random histories of one or two keys, folded, against a second statement of the promise written from
the other end: the stretches of time in which the rule found the key.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from hypothesis import given
from hypothesis import strategies as st

from streams.monitor.alerts.fold import FLAP_MS, adopt, fold
from streams.monitor.alerts.model import (
    DROPPED,
    ENDED,
    ENDING,
    OPEN,
    PENDING,
    Alert,
    Finding,
    Key,
    Outcome,
    Words,
)

WORDS = Words(*"abcdefgh")
KEYS = ("one", "two")


@dataclass(frozen=True)
class Step:
    """One evaluation: how long after the one before, what was found, and whether the rule failed."""

    after_s: int
    keys: frozenset[str]
    whole: bool


STEPS = st.lists(
    st.builds(
        Step,
        after_s=st.sampled_from([1, 5, 5, 10, 30, 59, 60, 61, 300]),
        keys=st.frozensets(st.sampled_from(KEYS)),
        whole=st.booleans() | st.just(True),
    ),
    max_size=40,
)


def finding(key: str, since_ms: int = 0) -> Finding:
    return Finding("rule", key, "", since_ms, "warning", {}, WORDS)


def history(steps: list[Step], hold_s: int) -> tuple[list[Alert], dict[Key, Alert]]:
    """All changes, and what lives in the end."""
    live: dict[Key, Alert] = {}
    changes, now_ms = [], 1_000_000
    for step in steps:
        now_ms += step.after_s * 1000
        found = tuple(finding(key, now_ms) for key in sorted(step.keys))
        folded = fold(live, [Outcome("rule", found, step.whole, hold_s * 1000)], now_ms)
        live = folded.live
        changes += folded.changed
    return changes, live


def test_finding_that_may_not_start_keeps_an_open_alert_and_opens_none() -> None:
    keeps = replace(finding("one"), starts=False)

    def after(found: Finding | None, live: dict[Key, Alert], now_ms: int) -> dict[Key, Alert]:
        return fold(live, [Outcome("rule", (found,) if found else (), hold_ms=10_000)], now_ms).live

    assert after(keeps, {}, 1_000) == {}
    pending = after(finding("one"), {}, 1_000)
    assert after(keeps, pending, 60_000) == {}
    opened = after(finding("one"), pending, 20_000)
    (kept,) = after(keeps, after(keeps, opened, 30_000), 9_000_000).values()
    assert (kept.state, kept.started_ms, kept.last_seen_ms) == (OPEN, 20_000, 9_000_000)
    ending = after(None, {kept.where: kept}, 9_100_000)
    (again,) = after(keeps, ending, 9_100_000 + FLAP_MS).values()
    assert (again.id, again.state) == (kept.id, OPEN)
    assert after(keeps, ending, 9_100_001 + FLAP_MS) == {}


@given(STEPS, st.sampled_from([0, 10, 60]))
def test_one_key_has_one_living_alert_and_versions_rise(steps: list[Step], hold_s: int) -> None:
    changes, live = history(steps, hold_s)
    assert all(where == alert.where for where, alert in live.items())
    newest: dict[str, int] = {}
    for alert in changes:
        assert alert.version > newest.get(alert.id, -1)
        newest[alert.id] = alert.version
    states = [(alert.id, alert.state) for alert in changes]
    assert len([state for state in states if state[1] == ENDED]) == len(
        {state for state in states if state[1] == ENDED}
    ), "an alert ends once"


@given(STEPS)
def test_starts_and_ends_are_the_stretches_in_which_it_was_found(steps: list[Step]) -> None:
    changes, live = history(steps, hold_s=0)
    known = {alert.id: alert for alert in [*changes, *live.values()]}
    for key in KEYS:
        made = sorted((a for a in known.values() if a.key == key), key=lambda alert: alert.seen_ms)
        assert [(a.started_ms, a.ended_ms) for a in made] == stretches(steps, key)


def stretches(steps: list[Step], key: str) -> list[tuple[int, int | None]]:
    """From when to when it was found; what is not whole proves no absence; up to FLAP_MS it goes on."""
    made: list[tuple[int, int | None]] = []
    now_ms = 1_000_000
    for step in steps:
        now_ms += step.after_s * 1000
        began, ended = made[-1] if made else (0, 0)
        if key in step.keys:
            if made and (ended is None or now_ms - ended <= FLAP_MS):
                made[-1] = began, None
            else:
                made.append((now_ms, None))
        elif step.whole and made and ended is None:
            made[-1] = began, now_ms
    return made


@given(STEPS, st.sampled_from([10, 60]))
def test_an_alert_opens_only_after_it_was_found_throughout_its_for(steps: list[Step], hold_s: int) -> None:
    changes, _ = history(steps, hold_s)
    at_ms, instants = 1_000_000, {}
    for step in steps:
        at_ms += step.after_s * 1000
        instants[at_ms] = step
    for alert in changes:
        if alert.started_ms is None:
            assert alert.state != OPEN
            continue
        assert alert.started_ms - alert.seen_ms >= hold_s * 1000
        between = [step for at, step in instants.items() if alert.seen_ms <= at <= alert.started_ms]
        assert all(alert.key in step.keys or not step.whole for step in between)


@given(STEPS)
def test_a_failing_rule_ends_nothing(steps: list[Step]) -> None:
    _, live = history(steps, hold_s=0)
    folded = fold(live, [Outcome("rule", whole=False)], 10**12)
    assert (folded.live, folded.changed) == (live, [])
    assert fold(live, [Outcome("other")], 10**12).live == live


def test_the_same_key_twice_is_one_alert_and_keeps_the_earliest_since() -> None:
    twice = (finding("one", 500), finding("one", 900))
    first = fold({}, [Outcome("rule", twice)], 1_000)
    assert [(alert.key, alert.state, alert.since_ms) for alert in first.changed] == [("one", OPEN, 500)]
    later = fold(first.live, [Outcome("rule", (finding("one", 2_000),))], 3_000)
    assert later.changed == []
    assert later.live["rule", "one"].since_ms == 500


def test_pending_then_gone_leaves_no_alert() -> None:
    first = fold({}, [Outcome("rule", (finding("one"),), hold_ms=10_000)], 1_000)
    assert [alert.state for alert in first.changed] == [PENDING]
    gone = fold(first.live, [Outcome("rule", hold_ms=10_000)], 5_000)
    assert (gone.live, [alert.started_ms for alert in gone.changed]) == ({}, [None])


def test_an_alert_that_returns_within_a_minute_goes_on() -> None:
    live = fold({}, [Outcome("rule", (finding("one"),))], 0).live
    ending = fold(live, [Outcome("rule")], 5_000)
    assert [alert.state for alert in ending.changed] == [ENDING]
    back = fold(ending.live, [Outcome("rule", (finding("one"),))], 5_000 + FLAP_MS)
    assert [(alert.state, alert.ended_ms) for alert in back.changed] == [(OPEN, None)]
    late = fold(ending.live, [Outcome("rule", (finding("one"),))], 5_001 + FLAP_MS)
    assert [alert.state for alert in late.changed] == [ENDED, OPEN]
    assert late.changed[0].id != late.changed[1].id


def test_versions_rise_although_the_clock_goes_back() -> None:
    first = fold({}, [Outcome("rule", (finding("one"),))], 90_000)
    back = fold(first.live, [Outcome("rule")], 5_000)
    assert back.changed[0].version > first.changed[0].version


def test_of_two_alerts_about_one_thing_the_older_stays_with_its_newest_version() -> None:
    (older,) = fold({}, [Outcome("rule", (finding("one"),))], 1_000).live.values()
    later = fold({}, [Outcome("rule", (finding("one"), finding("two")))], 2_000).live
    newer = fold({older.where: older}, [Outcome("rule", (finding("one"),))], 3_000).live[older.where]
    adopted = adopt(later, [newer, older], 4_000)
    assert adopted.live[older.where] == newer
    assert [(alert.key, alert.state) for alert in adopted.changed] == [("one", DROPPED)]
    assert adopted.live["rule", "two"] == later["rule", "two"]
    ended = replace(newer, state=ENDED, ended_ms=5_000, version=newer.version + 1)
    assert older.where not in adopt({older.where: older}, [ended], 6_000).live
