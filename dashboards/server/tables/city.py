"""Tables of several wards and of the city. `{last}` is the chosen day."""

from __future__ import annotations

from typing import Final

from dashboards.server.tables.model import IN_TIME, Table
from dashboards.server.tables.model import Column as C
from producers.contract.vocabulary import Words

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

# Alerts are kept with their beginning and end, so the past is told from the rows of now.
ALERTS: Final = Table(
    name="alerts",
    title=Words("Cảnh báo trong 30 ngày", "Alerts of 30 days"),
    scope="wards",
    filters=("ward",),
    columns=(
        C("severity", "Mức", "Severity", "word", "severity"),
        C("rule", "Luật", "Rule", "code"),
        C("title_vi", "Cảnh báo", "Alert (Vietnamese)", "text"),
        C("title_en", "Cảnh báo (tiếng Anh)", "Alert", "text"),
        C("since", "Có từ lúc", "Since", "instant"),
        C("started_at", "Thành cảnh báo lúc", "Became an alert at", "instant"),
        C("ended", "Hết lúc", "Ended at", "instant"),
    ),
    sql="""
WITH fromUnixTimestamp64Milli({at:Int64}, 'Asia/Ho_Chi_Minh') AS moment
SELECT
    a.ward AS ward,
    a.severity AS severity,
    a.rule AS rule,
    a.title_vi AS title_vi,
    a.title_en AS title_en,
    a.since AS since,
    a.started_at AS started_at,
    if(a.ended_at <= moment, a.ended_at, NULL) AS ended
FROM v_alerts AS a
WHERE (a.ward IN {wards:Array(String)} OR a.ward = '' AND {city:Bool})
    AND a.started_at <= moment
    AND ifNull(a.ended_at, moment) > moment - INTERVAL 30 DAY
ORDER BY isNull(ended) DESC, started_at DESC, a.id
""",
)

CUTS: Final = Table(
    name="cuts",
    title=Words("Các mốc đồng bộ trong ngày", "The cuts of a day"),
    scope="city",
    filters=("day",),
    columns=(
        C("number", "Số của mốc", "Number", "code"),
        C("at", "Lúc", "At", "instant"),
        C("complete_at", "Số liệu tính đến", "Complete up to", "instant"),
        C("covered", "Phường, xã đủ số liệu", "Wards covered"),
        C("wards_total", "Phường, xã", "Wards"),
        C("events", "Sự kiện", "Events"),
        C("missing", "Thiếu", "Missing"),
    ),
    sql="""
SELECT number, c.at AS at, complete_at, covered, wards_total, events, missing
FROM v_city_cut AS c
WHERE toDate32(c.at, 'Asia/Ho_Chi_Minh') = {last:Date32}
    AND c.at <= fromUnixTimestamp64Milli({at:Int64}, 'Asia/Ho_Chi_Minh')
ORDER BY number
""",
)

_QUALITY_COLUMNS: Final = (
    C("day", "Ngày nhận", "Day of arrival", "day"),
    C("accurate", "Đúng", "Accurate", "share"),
    C("complete", "Đủ", "Complete", "share"),
    C("clean", "Sạch", "Clean", "share"),
    C("live", "Sống", "Live", "share"),
    C("messages", "Thông điệp", "Messages"),
    C("rejected", "Bị từ chối", "Rejected"),
    C("missing", "Còn thiếu", "Missing"),
    C("conflicts", "Số thứ tự dùng lại", "Conflicts"),
    C("mismatches", "Lệch kê khai", "Mismatches"),
    C("backfill", "Dữ liệu nạp bù", "Backfill"),
)
_QUALITY: Final = (
    "accurate, complete, clean, live, messages, rejected, missing, conflicts, mismatches, backfill"
)

QUALITY: Final = Table(
    name="quality",
    title=Words("Chất lượng dữ liệu: đúng, đủ, sạch, sống", "Data quality: accurate, complete, clean, live"),
    scope="city",
    filters=("day", "days"),
    columns=_QUALITY_COLUMNS,
    sql="""
SELECT day, @columns FROM v_quality_city
WHERE day BETWEEN {first:Date32} AND {last:Date32}
ORDER BY day DESC
""".replace("@columns", _QUALITY),
)

WARD_QUALITY: Final = Table(
    name="ward-quality",
    title=Words("Chất lượng dữ liệu của phường, xã", "Data quality of wards"),
    scope="wards",
    filters=("ward", "day", "days"),
    columns=_QUALITY_COLUMNS,
    sql="""
SELECT ward, day, @columns FROM v_quality
WHERE ward IN {wards:Array(String)} AND day BETWEEN {first:Date32} AND {last:Date32}
ORDER BY day DESC, ward
""".replace("@columns", _QUALITY),
)
