"""Tables of several wards and of the city. `{last}` is the chosen day."""

from __future__ import annotations

from typing import Final

from dashboards.server.tables.model import Column as C
from dashboards.server.tables.model import Table
from producers.contract.vocabulary import Words

# Finished before or on the due day, of all that finished; NULL if nothing was.
IN_TIME: Final = "if(early + on_time + overdue > 0, (early + on_time) / (early + on_time + overdue), NULL)"

WARDS: Final = Table(
    name="city-wards",
    title=Words("Các phường, xã trong ngày", "Wards and communes on a day"),
    scope="wards",
    filters=("ward", "day"),
    columns=(
        C("kind", "Loại", "Kind", "word", "ward_kind"),
        C("received", "Tiếp nhận", "Received"),
        C("online_share", "Trực tuyến", "Online", "share"),
        C("resolved", "Đã xong", "Resolved"),
        C("returned", "Trả kết quả", "Handed over"),
        C("early", "Trước hạn", "Early"),
        C("on_time", "Đúng hạn", "On time"),
        C("overdue", "Quá hạn", "Overdue"),
        C("on_time_share", "Trước và đúng hạn", "In time", "share"),
        C("declared", "Đã chốt ngày", "Day closed", "yes"),
        C("missing", "Sự kiện thiếu", "Events missing"),
        C("event_at", "Sự kiện gần nhất", "Newest event", "instant"),
        C("heard_at", "Nghe gần nhất", "Heard last", "instant"),
    ),
    sql="""
SELECT
    s.ward AS ward,
    s.kind AS kind,
    d.received AS received,
    if(d.received > 0, d.online / d.received, NULL) AS online_share,
    d.resolved AS resolved,
    d.returned AS returned,
    d.early AS early,
    d.on_time AS on_time,
    d.overdue AS overdue,
    @in_time AS on_time_share,
    d.declared AS declared,
    s.missing AS missing,
    s.event_at AS event_at,
    s.heard_at AS heard_at
FROM v_ward_sync AS s
LEFT JOIN (SELECT * FROM v_ward_day WHERE day = {last:Date32}) AS d ON d.ward = s.ward
WHERE s.ward IN {wards:Array(String)}
ORDER BY ward
""".replace("@in_time", IN_TIME),
)

CITY_DAYS: Final = Table(
    name="city-days",
    title=Words("Toàn thành phố, từng ngày", "The whole city, day by day"),
    scope="city",
    filters=("day", "days"),
    columns=(
        C("day", "Ngày", "Day", "day"),
        C("received", "Tiếp nhận", "Received"),
        C("online_share", "Trực tuyến", "Online", "share"),
        C("resolved", "Đã xong", "Resolved"),
        C("returned", "Trả kết quả", "Handed over"),
        C("early", "Trước hạn", "Early"),
        C("on_time", "Đúng hạn", "On time"),
        C("overdue", "Quá hạn", "Overdue"),
        C("on_time_share", "Trước và đúng hạn", "In time", "share"),
        C("wards_reporting", "Phường, xã có sự kiện", "Wards with events"),
        C("wards_closed", "Phường, xã đã chốt", "Wards that closed it"),
        C("events", "Sự kiện", "Events"),
    ),
    sql="""
SELECT
    day,
    received,
    if(received > 0, online / received, NULL) AS online_share,
    resolved,
    returned,
    early,
    on_time,
    overdue,
    @in_time AS on_time_share,
    wards_reporting,
    wards_closed,
    events
FROM v_city_day
WHERE day BETWEEN {first:Date32} AND {last:Date32}
ORDER BY day DESC
""".replace("@in_time", IN_TIME),
)
