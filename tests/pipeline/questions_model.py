"""The answers to the saved questions over `questions_city`, counted by plain Python from its steps.

Each function gives the rows that its question must answer, in their order, with the columns that it judges.
Nothing here reads SQL; what is sorted and rounded as the question says is said again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date, timedelta
from fractions import Fraction
from itertools import pairwise
from math import ceil
from statistics import median_high, median_low
from typing import Any, Final

from streams.domain.calendar import office_calendar
from tests.pipeline.questions_city import AT, DAYS, FIRST, LAST, PROCEDURES, WARDS, City, Step

Row = dict[str, Any]
NAMES: Final = {"00070": "Hoàn Kiếm", "00004": "Ba Đình", "00008": "Ngọc Hà"}
FIELDS: Final = {"chung-thuc": "Chứng thực", "ho-tich": "Hộ tịch", "dat-dai": "Đất đai"}
ALL_DAYS: Final = [FIRST + timedelta(days=n) for n in range(DAYS)]


def share(part: int, whole: int, digits: int = 4) -> Any:
    """A share as the questions round it; None of nothing."""
    return round(float(Fraction(part, whole)), digits) if whole else None


def count(steps: Iterable[Step], status: int, **members: Any) -> int:
    """How many steps to a status have these members."""
    return sum(
        1 for s in steps if s.status == status and all(getattr(s, name) == v for name, v in members.items())
    )


def _in_time(steps: Iterable[Step]) -> int:
    return sum(1 for s in steps if s.status == 9 and s.timeliness in ("early", "on_time"))


def _days_received(city: City, ward: str) -> int:
    return len({s.day for s in city.of(2, ward)})


def growth_by_week(city: City) -> list[Row]:
    """Weeks that end on the 15th: 2-8 and 9-15 are whole, of the one before there is the 1st only."""
    found: list[Row] = []
    before: int | None = None
    for first in (date(2025, 6, 25), date(2025, 7, 2), date(2025, 7, 9)):
        days = [day for day in ALL_DAYS if first <= day < first + timedelta(days=7)]
        received = sum(count(city.steps, 2, day=day) for day in days)
        whole = len(days) == 7 and before is not None
        growth = round(received / before - 1, 4) if whole and before else None
        resolved = sum(count(city.steps, 9, day=day) for day in days)
        found.append({"week_from": first, "days": len(days), "received": received, "resolved": resolved})
        found[-1]["growth"] = growth
        before = received if len(days) == 7 else None
    return found


def wards_by_growth(city: City) -> list[Row]:
    found: list[Row] = []
    for ward in WARDS:
        new = sum(1 for s in city.of(2, ward) if s.day >= date(2025, 7, 9))
        old = sum(1 for s in city.of(2, ward) if date(2025, 7, 2) <= s.day < date(2025, 7, 9))
        found.append({"ward": ward, "received": new, "received_before": old, "change": new - old})
        found[-1]["growth"] = round(new / old - 1, 4)
    return sorted(found, key=lambda row: (-row["growth"], row["ward"]))


def wards_that_struggle(city: City) -> list[Row]:
    found: list[Row] = []
    for ward in WARDS:
        steps = [s for s in city.steps if s.ward == ward]
        resolved, overdue = count(steps, 9), count(steps, 9, timeliness="overdue")
        open_ = [s for s in city.backlog() if s.ward == ward]
        worked = len({s.day for s in steps if s.status == 9})
        row: Row = {"ward": ward, "received": count(steps, 2), "resolved": resolved, "overdue": overdue}
        row |= {"overdue_share": share(overdue, resolved), "backlog": len(open_)}
        row |= {"backlog_overdue": sum(1 for s in open_ if s.due_at.date() < LAST)}
        row |= {"resolved_a_day": share(resolved, worked, 2)}
        row |= {"backlog_days": round(len(open_) * worked / resolved, 1)}
        found.append(row)
    return sorted(found, key=lambda row: (-row["overdue_share"], -row["backlog_days"], row["ward"]))


def backlog_by_age(city: City) -> list[Row]:
    bands = [(0, 2, "0-2"), (3, 6, "3-6"), (7, 13, "7-13"), (14, 29, "14-29")]
    found: list[Row] = []
    for low, high, label in bands:
        some = [s for s in city.backlog() if low <= (LAST - s.received_at.date()).days <= high]
        overdue = sum(1 for s in some if s.due_at.date() < LAST)
        if some:
            wards = len({s.ward for s in some})
            found.append({"days_waiting": label, "backlog": len(some), "overdue": overdue, "wards": wards})
    return found


def overdue_by_ward_and_field(city: City) -> list[Row]:
    found: list[Row] = []
    for ward, name in NAMES.items():
        for field in FIELDS:
            some = [s for s in city.backlog() if (s.ward, s.field) == (ward, field)]
            late = [(LAST - s.due_at.date()).days for s in some if s.due_at.date() < LAST]
            if late:
                row: Row = {"ward": ward, "ward_name": name, "field": field, "backlog": len(some)}
                found.append(row | {"overdue": len(late), "days_late_max": max(late)})
    return sorted(found, key=lambda row: (-row["overdue"], row["ward"], row["field"]))


def overdue_by_ward(city: City) -> list[Row]:
    """All that are not ended, the merely registered ones too; here there are none."""
    rows = [
        {"ward": w, "overdue": sum(1 for s in city.backlog() if s.ward == w and s.due_at.date() < LAST)}
        for w in WARDS
    ]
    return sorted((row for row in rows if row["overdue"]), key=lambda row: (-row["overdue"], row["ward"]))


def backlog_by_field(city: City) -> list[Row]:
    """Overdue as of the cut, by the time and not by the date."""
    found: list[Row] = []
    for field in FIELDS:
        some = [s for s in city.backlog() if s.field == field]
        oldest = max((AT - s.received_at).total_seconds() for s in some) / 86400
        row: Row = {"field": field, "backlog": len(some), "overdue": sum(1 for s in some if s.due_at < AT)}
        found.append(row | {"days_max": round(oldest, 1), "wards": len({s.ward for s in some})})
    return sorted(found, key=lambda row: (-row["backlog"], row["field"]))


def on_time_by_ward(city: City) -> list[Row]:
    found: list[Row] = []
    for ward in WARDS:
        done = city.of(9, ward)
        row: Row = {"ward": ward, "resolved": len(done), "in_time_share": share(_in_time(done), len(done))}
        for word in ("early", "on_time", "overdue"):
            row[word] = count(done, 9, timeliness=word)
        found.append(row)
    return sorted(found, key=lambda row: (row["in_time_share"], -row["resolved"], row["ward"]))


def wards_by_received(city: City) -> list[Row]:
    rows = [
        {"ward": w, "received": len(city.of(2, w)), "resolved": len(city.of(9, w)), "ward_name": NAMES[w]}
        for w in WARDS
    ]
    return sorted(rows, key=lambda row: (-row["received"], row["ward"]))


def city_by_day(city: City) -> list[Row]:
    found: list[Row] = []
    for day in ALL_DAYS:
        row: Row = {"day": day}
        for status, word in ((2, "received"), (9, "resolved"), (10, "returned"), (3, "refused")):
            row[word] = count(city.steps, status, day=day)
        for status, word in ((7, "withdrawn"), (8, "stopped"), (5, "supplements")):
            row[word] = count(city.steps, status, day=day)
        row["online_share"] = share(count(city.steps, 2, day=day, channel="online"), row["received"]) or 0
        found.append(row | {"wards_reporting": len({s.ward for s in city.steps if s.day == day})})
    return found


def _minutes(step: Step) -> int:
    return office_calendar().minutes_between(step.received_at, step.finished_at or step.received_at)


def _monday(day: date) -> date:
    return day - timedelta(days=day.weekday())


def online_share_by_week(city: City) -> list[Row]:
    found: list[Row] = []
    for week in sorted({_monday(day) for day in ALL_DAYS}):
        some = [s for s in city.of(2) if _monday(s.day) == week]
        online = count(some, 2, channel="online")
        row: Row = {"week": week, "received": len(some), "online": online}
        found.append(row | {"online_share": share(online, len(some))})
    return found


def channels_by_week(city: City) -> list[Row]:
    found: list[Row] = []
    for week in sorted({_monday(day) for day in ALL_DAYS}):
        some = [s for s in city.of(2) if _monday(s.day) == week]
        each = {c: count(some, 2, channel=c) for c in ("online", "counter", "post")}
        for channel, number in sorted(each.items(), key=lambda one: (-one[1], one[0])):
            row: Row = {"week": week, "channel": channel, "received": number}
            found.append(row | {"share": share(number, len(some))})
    return [row for row in found if row["received"]]


def fields_by_received(city: City) -> list[Row]:
    found: list[Row] = []
    whole = len(city.of(2))
    for field, name in FIELDS.items():
        received, resolved = count(city.steps, 2, field=field), count(city.steps, 9, field=field)
        overdue = count(city.steps, 9, field=field, timeliness="overdue")
        row: Row = {"field": field, "field_vi": name, "received": received, "share": share(received, whole)}
        row |= {"resolved": resolved, "overdue": overdue, "overdue_share": share(overdue, resolved)}
        found.append(row)
    return sorted(found, key=lambda row: (-row["received"], row["field"]))


def not_finished_by_field(city: City) -> list[Row]:
    found: list[Row] = []
    for field in FIELDS:
        received, refused, withdrawn, stopped = (count(city.steps, n, field=field) for n in (2, 3, 7, 8))
        row: Row = {"field": field, "refused": refused, "withdrawn": withdrawn, "stopped": stopped}
        row |= {"refused_share": share(refused, received + refused)}
        found.append(row | {"withdrawn_share": share(withdrawn, received)})
    order = {row["field"]: -(row["refused"] + row["withdrawn"] + row["stopped"]) for row in found}
    return sorted(found, key=lambda row: (order[row["field"]], row["field"]))


def weekday_profile(city: City) -> list[Row]:
    found: list[Row] = []
    for weekday in range(1, 8):
        days = [day for day in ALL_DAYS if day.isoweekday() == weekday]
        each = [count(city.steps, 2, day=day) for day in days]
        row: Row = {"weekday": weekday, "days": len(days), "received_avg": round(sum(each) / len(days), 1)}
        found.append(row | {"received_min": min(each), "received_max": max(each)})
    return found


def hour_profile(city: City) -> list[Row]:
    """Of each dossier that was received, by its first reception."""
    some = city.of(2)
    found: list[Row] = []
    for hour in sorted({s.received_at.hour for s in some}):
        each = [s for s in some if s.received_at.hour == hour]
        row: Row = {"hour": hour, "received": len(each), "online": count(each, 2, channel="online")}
        row |= {"counter": count(each, 2, channel="counter"), "post": count(each, 2, channel="post")}
        found.append(row | {"share": share(len(each), len(some))})
    return found


def late_arrivals(_: City) -> list[Row]:
    """Three messages of the second ward's 4th of July came two days late; everything else the same day."""
    return [{"ward": "00004", "steps": 3, "days": 1, "days_late_median": 2, "days_late_max": 2}]


def corrections_by_cause(city: City) -> list[Row]:
    late = [s for s in city.steps if s.arrived.date() > s.day]
    row: Row = {"day": date(2025, 7, 4), "cause": "late", "added": len(late), "taken_back": 0, "wards": 1}
    return [row | {"received_change": count(late, 2), "resolved_change": count(late, 9)}]


def compare_wards(city: City) -> list[Row]:
    """The busiest two."""
    found: list[Row] = []
    for ward in [row["ward"] for row in wards_by_received(city)][:2]:
        steps = [s for s in city.steps if s.ward == ward]
        received, resolved, refused = count(steps, 2), count(steps, 9), count(steps, 3)
        row: Row = {"ward": ward, "received": received, "in_time_share": share(_in_time(steps), resolved)}
        row |= {"received_a_day": share(received, _days_received(city, ward), 2)}
        row |= {"online_share": share(count(steps, 2, channel="online"), received)}
        row |= {"supplements_each": share(count(steps, 5), received)}
        row |= {"refused_share": share(refused, received + refused)}
        found.append(row | {"withdrawn_share": share(count(steps, 7), received)})
    return found


def ward_against_city(city: City) -> list[Row]:
    """The busiest ward. Working minutes are by the calendar of the domain, which has tests of its own."""
    found: list[Row] = []
    one = wards_by_received(city)[0]["ward"]
    online = {w: (count(city.of(2, w), 2, channel="online"), len(city.of(2, w))) for w in WARDS}
    intime = {w: (_in_time(city.of(9, w)), len(city.of(9, w))) for w in WARDS}
    a_day = {w: (len(city.of(2, w)), _days_received(city, w)) for w in WARDS}
    gone = {w: (len(city.of(7, w)), len(city.of(2, w))) for w in WARDS}
    asked = {w: (len(city.of(5, w)), len(city.of(2, w))) for w in WARDS}
    minutes = {w: (sum(map(_minutes, city.of(9, w))), len(city.of(9, w))) for w in WARDS}
    for name, parts in (
        ("online share", online),
        ("received a day", a_day),
        ("share in time", intime),
        ("share withdrawn", gone),
        ("supplements a dossier", asked),
        ("working minutes a dossier", minutes),
    ):
        each = {ward: share(*part) or 0.0 for ward, part in parts.items()}
        whole = share(sum(p for p, _ in parts.values()), sum(w for _, w in parts.values()))
        row: Row = {
            "measure_en": name,
            "value": each[one],
            "city": whole,
            "median": median_high(each.values()),
        }
        found.append(row | {"place": 1 + sum(1 for v in each.values() if v > each[one]), "wards": 3})
    return found


def processing_by_ward_and_field(city: City) -> list[Row]:
    """The lower median, as the view says; the longest is known for sure, and orders nothing here."""
    found: list[Row] = []
    for ward in WARDS:
        for field in FIELDS:
            each = sorted(_minutes(s) for s in city.of(9, ward) if s.field == field)
            if each:
                row: Row = {"ward": ward, "field": field, "finished": len(each), "max_minutes": each[-1]}
                p90 = each[max(0, ceil(0.9 * len(each)) - 1)]
                row |= {"median_minutes": median_low(each), "median_days": round(median_low(each) / 480, 2)}
                found.append(row | {"p90_minutes": p90})
    return sorted(found, key=lambda row: (-row["p90_minutes"], row["ward"], row["field"]))


def procedures_by_received(city: City) -> list[Row]:
    found: list[Row] = []
    for procedure, field in PROCEDURES:
        some, open_ = city.of(2), city.backlog()
        received = count(some, 2, procedure=procedure)
        mine = [s for s in open_ if s.procedure == procedure]
        row: Row = {"procedure": procedure, "field": field, "received": received, "open": len(mine)}
        row |= {"online_share": share(count(some, 2, procedure=procedure, channel="online"), received)}
        found.append(row | {"overdue": sum(1 for s in mine if s.due_at.date() < LAST)})
    return sorted(found, key=lambda row: (-row["received"], row["procedure"]))


def on_time_by_policy(city: City) -> list[Row]:
    """The reported due date, nothing taken off; the other rules have tests of their own."""
    done = city.of(9)
    row: Row = {"policy": "due_date.reported@1", "finished": len(done), "unjudged": 0}
    for word in ("early", "on_time", "overdue"):
        row[word] = count(done, 9, timeliness=word)
    return [row | {"on_time_rate": share(_in_time(done), len(done))}]


def digitised_and_paid_online(city: City) -> list[Row]:
    found: list[Row] = []
    for ward in WARDS:
        done = city.of(9, ward)
        digital, paid = (count(done, 9, **{name: True}) for name in ("digitised", "paid_online"))
        other = count(done, 9, paid_online=False)
        row: Row = {"ward": ward, "finished": len(done), "digitised": digital, "paid_online": paid}
        row |= {"digitised_share": share(digital, len(done)), "paid_otherwise": other}
        found.append(row | {"paid_online_share": share(paid, paid + other)})
    return sorted(found, key=lambda row: (row["digitised_share"], row["ward"]))


def index766_progress(city: City) -> list[Row]:
    """20 points times those finished in time of those received, fitted and not law."""
    found: list[Row] = []
    for ward in WARDS:
        in_time, received = _in_time(city.of(9, ward)), len(city.of(2, ward))
        row: Row = {"ward": ward, "month": FIRST, "in_time": in_time, "received": received}
        found.append(row | {"score": share(20 * in_time, received), "formula_status": "FITTED"})
    return sorted(found, key=lambda row: (row["score"], row["ward"]))


def procedure_journey(city: City) -> list[Row]:
    hops: dict[tuple[int, int], list[float]] = {}
    for steps in city.dossiers():
        for one, two in pairwise(steps):
            hops.setdefault((one.status, two.status), []).append((two.at - one.at).total_seconds() / 3600)
    found: list[Row] = [
        {"from_status": one, "to_status": two, "dossiers": len(each)}
        | {"hours_median": round(median_high(each), 2), "hours_max": round(max(each), 2)}
        for (one, two), each in hops.items()
    ]
    return sorted(found, key=lambda row: (-row["dossiers"], row["from_status"], row["to_status"]))


def supplements_by_procedure(city: City) -> list[Row]:
    found: list[Row] = []
    for procedure, _ in PROCEDURES:
        received, asked = (count(city.steps, status, procedure=procedure) for status in (2, 5))
        row: Row = {"procedure": procedure, "received": received, "requests": asked, "dossiers": asked}
        found.append(row | {"dossiers_share": share(asked, received)})
    return sorted(found, key=lambda row: (-row["dossiers"], row["procedure"]))


def waiting_longest(city: City) -> list[Row]:
    rows = sorted(city.backlog(), key=lambda s: (s.received_at, s.ward, s.dossier))
    return [
        {
            "dossier": s.dossier,
            "status": s.status,
            "days_waiting": (LAST - s.received_at.date()).days,
            "days_late": max(0, (LAST - s.due_at.date()).days),
        }
        for s in rows
    ]


def due_soon(city: City) -> list[Row]:
    rows = sorted(
        (s for s in city.backlog() if LAST <= s.due_at.date() <= LAST + timedelta(days=3)),
        key=lambda s: (s.due_at, s.ward, s.dossier),
    )
    return [{"dossier": s.dossier, "days_left": (s.due_at.date() - LAST).days} for s in rows]


def forecast_inputs(city: City) -> list[Row]:
    return [
        {"day": day, "weekday": day.isoweekday(), "received": count(city.steps, 2, day=day)}
        | {"resolved": count(city.steps, 9, day=day), "wards_closed": 1, "whole": True}
        for day in ALL_DAYS
    ]


# Of the other questions the answer is written by hand.
def closings_missing(_: City) -> list[Row]:
    """The first ward declared one too many on the 8th; the others never close any of the 11 working days."""
    first = {"ward": "00070", "short": 1, "over": 0, "matched": 14, "short_by": 1, "wrong_days": "2025-07-08"}
    rest = [{"ward": w, "not_declared": 11, "short": 0, "matched": 0, "wrong_days": ""} for w in WARDS[1:]]
    return [first, *sorted(rest, key=lambda row: str(row["ward"]))]


def wards_not_trustworthy(_: City) -> list[Row]:
    return [
        {"ward": "00008", "why_en": "1 events missing; 1 messages rejected", "reasons_count": 2},
        {"ward": "00004", "why_en": "silent now; 1 seqs used again", "reasons_count": 2},
        {"ward": "00070", "why_en": "declared totals differ by 1", "reasons_count": 1},
    ]


def completeness(_: City) -> list[Row]:
    return [{"ward": "00008", "missing": 1, "missing_since": AT - timedelta(hours=30)}]


def silent_wards(_: City) -> list[Row]:
    return [{"ward": "00004", "alive": "silent", "since": AT - timedelta(hours=30)}]


def missing_wards(_: City) -> list[Row]:
    return [{"ward": "00008", "why": "events_missing", "missing": 1}]


def rejects_by_reason(_: City) -> list[Row]:
    return [{"reason": "not_json", "messages": 1, "wards": 1, "some_wards": ["00008"]}]


def difficulties_open(_: City) -> list[Row]:
    return [{"ward": "00008", "difficulty": "D1", "difficulty_group": 7, "days": 1.1, "overdue": False}]


def difficulties_by_group(_: City) -> list[Row]:
    return [{"difficulty_group": 7, "open": 1, "unassigned": 1, "overdue": 0, "oldest_days": 1.1, "wards": 1}]


def control_totals(_: City) -> list[Row]:
    """Of the newest day: two have not closed it, one has, rightly."""
    rest = [{"ward": ward, "state": "not_declared"} for ward in ("00004", "00008")]
    return [*rest, {"ward": "00070", "state": "matched", "short_by": 0}]


def data_quality(city: City) -> list[Row]:
    """Not timely: three late ones and the reused seq, an hour after it happened, all of the second ward."""
    sent = {ward: sum(1 for _, of, _ in city.sent if of == ward) for ward in WARDS}
    return [
        {"ward": "00004", "conflicts": 1, "live": share(sent["00004"] - 4, sent["00004"]), "accurate": 1.0},
        {"ward": "00008", "rejected": 1, "missing": 1, "accurate": share(sent["00008"] - 1, sent["00008"])},
        {"ward": "00070", "mismatches": 1, "rejected": 0, "missing": 0},
    ]


def quality_by_day(city: City) -> list[Row]:
    found: list[Row] = []
    for day in ALL_DAYS:
        arrived = [e for e, _, at in city.sent if at.date() == day]
        rejected = sum(1 for e in arrived if isinstance(e, bytes))
        found.append({"day": day, "messages": len(arrived), "rejected": rejected})
    return found


# What is about the machinery of this moment only, so no cut can be asked; its rows are in test_questions.py.
NOW_ONLY: Final = {"lag"}
WANTED: Final[dict[str, Callable[[City], list[Row]]]] = {
    made.__name__.replace("_", "-"): made
    for made in (
        *(growth_by_week, wards_by_growth, wards_that_struggle, backlog_by_age, overdue_by_ward_and_field),
        *(overdue_by_ward, backlog_by_field, on_time_by_ward, wards_by_received, city_by_day),
        *(online_share_by_week, channels_by_week, fields_by_received, not_finished_by_field),
        *(weekday_profile, hour_profile, late_arrivals, corrections_by_cause, compare_wards),
        *(processing_by_ward_and_field, procedures_by_received),
        *(on_time_by_policy, digitised_and_paid_online, index766_progress, procedure_journey),
        *(supplements_by_procedure,),
        *(ward_against_city, waiting_longest, due_soon, forecast_inputs, closings_missing),
        *(wards_not_trustworthy, completeness, silent_wards, missing_wards, rejects_by_reason),
        *(difficulties_open, difficulties_by_group, control_totals, data_quality, quality_by_day),
    )
}
