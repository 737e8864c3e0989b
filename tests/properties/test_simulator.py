"""Any seed, size, choice of wards and stretch of days: totals exact, every rule kept.

Method: hypothesis draws small profiles, the oracle of the unit tests follows each event of them.
"""

from __future__ import annotations

from datetime import date, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from producers.contract.codec import encode
from producers.contract.procedures import PROCEDURES
from producers.contract.wards import WARDS
from producers.simulator.city import city_events, ward_events
from producers.simulator.office import Office, due_at
from producers.simulator.plan import apportion, apportion_all, plan_of
from producers.simulator.profile import Profile, scaled
from producers.simulator.times import VN, day_number, moment, start_of
from tests.unit.test_simulator_oracle import follow

wards = st.lists(st.sampled_from(sorted(WARDS)), min_size=1, max_size=8, unique=True).map(tuple)
days = st.dates(date(2024, 12, 20), date(2026, 12, 31))


@st.composite
def profiles(draw: st.DrawFn) -> Profile:
    first = draw(days)
    return scaled(
        draw(st.integers(0, 400)),
        draw(wards),
        draw(st.integers(0, 99_999_999)),
        first,
        first + timedelta(days=draw(st.integers(0, 24))),
    )


@settings(max_examples=60, deadline=None)
@given(profiles())
def test_any_profile_is_exact_and_keeps_every_rule(profile: Profile) -> None:
    follow(profile, list(city_events(profile)))


@settings(max_examples=60, deadline=None)
@given(profiles())
def test_any_plan_visits_every_ward_and_day_if_it_can(profile: Profile) -> None:
    plan = plan_of(profile)
    assert sum(map(sum, plan.values())) == profile.dossiers
    if profile.dossiers >= len(profile.wards):
        assert all(sum(row) for row in plan.values())
    if profile.dossiers >= len(profile.days):
        assert all(sum(column) for column in zip(*plan.values(), strict=True))


@settings(max_examples=15, deadline=None)
@given(profiles())
def test_any_ward_alone_is_the_same_as_in_the_city(profile: Profile) -> None:
    ward = profile.wards[-1]
    whole = [encode(event) for event in city_events(profile) if event.data.ward == ward]
    assert whole == [encode(event) for event in ward_events(profile, ward)]


@given(st.integers(0, 10**6), st.lists(st.integers(1, 10**9), min_size=1, max_size=60))
def test_apportion_is_exact_and_within_one_of_the_share(total: int, weights: list[int]) -> None:
    numbers = apportion(total, weights)
    assert sum(numbers) == sum(apportion_all(total, weights)) == total
    whole = sum(weights)
    for number, weight in zip(numbers, weights, strict=True):
        assert abs(number * whole - total * weight) < whole


@settings(max_examples=100, deadline=None)
@given(days, st.integers(0, 86_399), st.sampled_from(sorted(PROCEDURES)))
def test_due_day_is_a_working_day_not_before_reception(day: date, second: int, code: str) -> None:
    due = due_at(PROCEDURES[code], moment(start_of(day) + second))
    assert due.tzinfo == VN
    assert due.date() >= day
    assert Office(day, day).works_on(day_number(due.date()))
