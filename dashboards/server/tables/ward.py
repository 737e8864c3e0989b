"""The tables of a ward. `{last}` is the chosen day, `{first}` to `{last}` the days that are looked at."""

from __future__ import annotations

from typing import Final

from dashboards.server.tables.model import IN_TIME, Table
from dashboards.server.tables.model import Column as C
from producers.contract.vocabulary import Words


def _by(member: str, name: str, vi: str, en: str, kind: str) -> Table:
    """A ward's figures of the chosen days by `field` or `channel`."""
    return Table(
        name=f"ward-{name}",
        title=Words(f"Theo {vi.lower()}", f"By {en.lower()}"),
        scope="ward",
        filters=("ward", "day", "days"),
        columns=(
            C(member, vi, en, kind),  # type: ignore[arg-type]
            C("received_day", "Tiếp nhận trong ngày", "Received on the day"),
            C("received", "Tiếp nhận", "Received"),
            C("resolved", "Đã xong", "Resolved"),
            C("overdue", "Quá hạn", "Overdue"),
            C("on_time_share", "Đúng hạn", "In time", "share"),
        ),
        sql="""
SELECT
    ward,
    @member,
    sumIf(count, status = 2 AND day = {last:Date32}) AS received_day,
    sumIf(count, status = 2) AS received,
    sumIf(count, status = 9) AS resolved,
    sumIf(count, status = 9 AND timeliness = 'overdue') AS overdue,
    if(resolved > 0, (resolved - overdue) / resolved, NULL) AS on_time_share
FROM v_ward_day_detail
WHERE ward IN {wards:Array(String)} AND day BETWEEN {first:Date32} AND {last:Date32}
GROUP BY ward, @member
HAVING received != 0 OR resolved != 0
ORDER BY ward, received DESC, @member
""".replace("@member", member),
    )


DAYS: Final = Table(
    name="ward-days",
    title=Words("Từng ngày", "Day by day"),
    scope="ward",
    filters=("ward", "day", "days"),
    columns=(
        C("day", "Ngày", "Day", "day"),
        C("received", "Tiếp nhận", "Received"),
        C("online_share", "Trực tuyến", "Online", "share"),
        C("resolved", "Đã xong", "Resolved"),
        C("returned", "Trả kết quả", "Handed over"),
        C("overdue", "Quá hạn", "Overdue"),
        C("on_time_share", "Đúng hạn", "In time", "share"),
        C("declared", "Đã chốt", "Closed", "yes"),
        C("changed_at", "Thay đổi lúc", "Changed at", "instant"),
    ),
    sql="""
SELECT
    ward,
    day,
    received,
    if(received > 0, online / received, NULL) AS online_share,
    resolved,
    returned,
    overdue,
    @in_time AS on_time_share,
    declared,
    arrived_at AS changed_at
FROM v_ward_day
WHERE ward IN {wards:Array(String)} AND day BETWEEN {first:Date32} AND {last:Date32}
ORDER BY ward, day DESC
""".replace("@in_time", IN_TIME),
)

STATUSES: Final = Table(
    name="ward-statuses",
    title=Words("Mười trạng thái hồ sơ", "The ten statuses"),
    scope="ward",
    filters=("ward", "day", "days"),
    columns=(
        C("status", "Trạng thái", "Status", "status"),
        C("count_day", "Trong ngày", "On the day"),
        C("count_period", "Trong kỳ", "In the period"),
    ),
    sql="""
SELECT w.ward AS ward, w.status AS status, d.count_day AS count_day, d.count_period AS count_period
FROM (SELECT arrayJoin({wards:Array(String)}) AS ward, toUInt8(number + 1) AS status FROM numbers(10)) AS w
LEFT JOIN
(
    SELECT ward, status, sumIf(count, day = {last:Date32}) AS count_day, sum(count) AS count_period
    FROM v_ward_day_detail
    WHERE ward IN {wards:Array(String)} AND day BETWEEN {first:Date32} AND {last:Date32}
    GROUP BY ward, status
) AS d ON d.ward = w.ward AND d.status = w.status
ORDER BY ward, status
""",
)

FIELDS: Final = _by("field", "fields", "Lĩnh vực", "Field", "field")
CHANNELS: Final = _by("channel", "channels", "Kênh nộp", "Channel", "channel")

PROCESSING: Final = Table(
    name="ward-processing",
    title=Words("Thời gian xử lý", "Processing times"),
    scope="ward",
    filters=("ward",),
    columns=(
        C("field", "Lĩnh vực", "Field", "field"),
        C("finished_30", "Hồ sơ, 30 ngày", "Dossiers, 30 days"),
        C("median_30", "Trung vị, 30 ngày", "Median, 30 days", "minutes"),
        C("p90_30", "90 % xong trong, 30 ngày", "90% within, 30 days", "minutes"),
        C("finished", "Hồ sơ, từ đầu", "Dossiers, since the start"),
        C("median", "Trung vị, từ đầu", "Median, since the start", "minutes"),
        C("p90", "90 % xong trong, từ đầu", "90% within, since the start", "minutes"),
    ),
    sql="""
SELECT
    p.ward AS ward,
    p.field AS field,
    sumIf(p.finished, p.days = 30) AS finished_30,
    anyIf(toNullable(p.median_minutes), p.days = 30) AS median_30,
    anyIf(toNullable(p.p90_minutes), p.days = 30) AS p90_30,
    sumIf(p.finished, p.days = 0) AS finished,
    anyIf(toNullable(p.median_minutes), p.days = 0) AS median,
    anyIf(toNullable(p.p90_minutes), p.days = 0) AS p90
FROM v_ward_processing AS p
WHERE p.ward IN {wards:Array(String)}
GROUP BY ward, field
ORDER BY ward, finished DESC, field
""",
)

OVERDUE: Final = Table(
    name="ward-overdue",
    title=Words("Hồ sơ quá hạn chưa xong", "Open dossiers past their due time"),
    scope="ward",
    filters=("ward",),
    columns=(
        C("dossier", "Mã hồ sơ", "Dossier", "code"),
        C("procedure", "Mã thủ tục", "Procedure", "code"),
        C("field", "Lĩnh vực", "Field", "field"),
        C("status", "Trạng thái", "Status", "status"),
        C("received_at", "Tiếp nhận lúc", "Received at", "instant"),
        C("due_at", "Hạn trả", "Due", "instant"),
        C("days_late", "Quá hạn (ngày)", "Days late"),
    ),
    sql="""
SELECT ward, dossier, procedure, field, status, received_at, due_at, days_late
FROM v_overdue WHERE ward IN {wards:Array(String)}
ORDER BY ward, due_at, dossier
""",
)

HISTORY: Final = Table(
    name="ward-history",
    title=Words("Diễn biến tình trạng", "How its status changed"),
    scope="ward",
    filters=("ward",),
    columns=(
        C("first_at", "Từ lúc", "From", "instant"),
        C("last_at", "Đến lúc", "To", "instant"),
        C("status", "Tình trạng", "Status", "word", "state"),
        C("alive", "Liên lạc", "Alive", "word", "alive"),
        C("complete", "Đầy đủ", "Complete", "word", "complete"),
        C("reconciled", "Đối chiếu", "Reconciled", "word", "reconciled"),
        C("reason_vi", "Lý do", "Reason (Vietnamese)", "text"),
        C("reason_en", "Lý do (tiếng Anh)", "Reason", "text"),
    ),
    sql="""
SELECT ward, first_at, last_at, status, reason, alive, complete, reconciled, reason_vi, reason_en
FROM v_ward_status_history WHERE ward IN {wards:Array(String)}
ORDER BY ward, first_at DESC, last_at DESC, reason
""",
)

PULSE: Final = Table(
    name="ward-pulse",
    title=Words("Nhịp tim trong 24 giờ", "Heartbeats of 24 hours"),
    scope="ward",
    filters=("ward",),
    columns=(
        C("bucket_at", "Từ lúc", "From", "instant"),
        C("cuts", "Số mốc", "Cuts"),
        C("heartbeats", "Số nhịp tim", "Heartbeats"),
        C("alive", "Liên lạc, xấu nhất", "Alive, at worst", "word", "alive"),
        C("pending_max", "Chờ gửi, cao nhất", "Pending, at most"),
        C("missing_max", "Thiếu, cao nhất", "Missing, at most"),
    ),
    sql="""
SELECT ward, bucket_at, cuts, heartbeats, alive, pending_max, missing_max
FROM v_ward_pulse WHERE ward IN {wards:Array(String)}
ORDER BY ward, bucket_at
""",
)

HOLES: Final = Table(
    name="ward-holes",
    title=Words("Sự kiện còn thiếu", "Events missing"),
    scope="ward",
    filters=("ward",),
    columns=(
        C("first", "Từ số", "First seq"),
        C("last", "Đến số", "Last seq"),
        C("count", "Số sự kiện", "Events"),
        C("since", "Biết từ lúc", "Known since", "instant"),
        C("age_s", "Đã bao lâu", "Age", "seconds"),
        C("epoch", "Đời hộp gửi", "Epoch", "code"),
    ),
    sql="""
SELECT
    h.ward AS ward,
    h.hole.2 AS first,
    h.hole.3 AS last,
    h.hole.3 - h.hole.2 + 1 AS count,
    h.hole.4 AS since,
    dateDiff('second', since, fromUnixTimestamp64Milli({at:Int64}, 'Asia/Ho_Chi_Minh')) AS age_s,
    h.hole.1 AS epoch
FROM
(
    SELECT ward, arrayJoin(arrayZip(hole_epoch, hole_first, hole_last, hole_since)) AS hole
    FROM v_ward_status
    WHERE ward IN {wards:Array(String)}
) AS h
ORDER BY ward, since, epoch, first
""",
)

CONTROL: Final = Table(
    name="ward-control",
    title=Words("Số kê khai so với sổ", "Declared totals against the book"),
    scope="ward",
    filters=("ward", "day", "days"),
    columns=(
        C("day", "Ngày", "Day", "day"),
        C("state", "Kết quả", "Result", "word", "control"),
        C("declared", "Kê khai", "Declared"),
        C("counted", "Trong sổ", "Counted"),
        C("short_by", "Thiếu", "Short by"),
        C("over_by", "Thừa", "Over by"),
        C("missing", "Sự kiện chưa đến", "Events not here"),
        C("words_vi", "Bằng lời", "In words (Vietnamese)", "text"),
        C("words_en", "Bằng lời (tiếng Anh)", "In words", "text"),
    ),
    sql="""
SELECT
    ward,
    day,
    state,
    declared,
    counted,
    short_by,
    over_by,
    missing,
    words_vi,
    words_en
FROM v_control_totals
WHERE ward IN {wards:Array(String)} AND day BETWEEN {first:Date32} AND {last:Date32}
ORDER BY ward, day DESC
""",
)

CORRECTIONS: Final = Table(
    name="ward-corrections",
    title=Words("Ngày đã hết mà còn thay đổi", "Days that changed after their end"),
    scope="ward",
    filters=("ward",),
    columns=(
        C("arrived_at", "Đến lúc", "Arrived at", "instant"),
        C("day", "Ngày bị đổi", "Day changed", "day"),
        C("cause", "Nguyên nhân", "Cause", "word", "cause"),
        C("status", "Trạng thái", "Status", "status"),
        C("old_count", "Trước", "Before"),
        C("new_count", "Sau", "After"),
        C("dossier", "Mã hồ sơ", "Dossier", "code"),
    ),
    sql="""
SELECT ward, arrived_at, day, cause, status, old_count, new_count, dossier, event
FROM v_corrections WHERE ward IN {wards:Array(String)}
ORDER BY ward, arrived_at DESC, event, status, new_count
""",
)

DIFFICULTIES: Final = Table(
    name="ward-difficulties",
    title=Words("Khó khăn, vướng mắc", "Difficulties"),
    scope="ward",
    filters=("ward",),
    columns=(
        C("difficulty", "Mã", "Code", "code"),
        C("difficulty_group", "Nhóm", "Group"),
        C("step", "Bước", "Step", "word", "step"),
        C("owner", "Nơi chịu trách nhiệm", "Responsible", "code"),
        C("reported_at", "Báo lúc", "Reported at", "instant"),
        C("due_at", "Hạn xử lý", "Due", "instant"),
        C("overdue", "Quá hạn", "Overdue", "yes"),
    ),
    sql="""
SELECT
    ward,
    difficulty,
    difficulty_group,
    step,
    owner,
    reported_at,
    due_at,
    overdue
FROM v_difficulties
WHERE ward IN {wards:Array(String)} AND open
ORDER BY ward, overdue DESC, due_at, difficulty
""",
)

# Alerts are kept with their beginning and end, so the past is told from the rows of now.
ALERTS: Final = Table(
    name="ward-alerts",
    title=Words("Cảnh báo", "Alerts"),
    scope="ward",
    filters=("ward",),
    columns=(
        C("severity", "Mức", "Severity", "word", "severity"),
        C("title_vi", "Cảnh báo", "Alert (Vietnamese)", "text"),
        C("title_en", "Cảnh báo (tiếng Anh)", "Alert", "text"),
        C("since", "Có từ lúc", "Since", "instant"),
        C("ended", "Hết lúc", "Ended at", "instant"),
    ),
    sql="""
WITH fromUnixTimestamp64Milli({at:Int64}, 'Asia/Ho_Chi_Minh') AS moment
SELECT
    a.ward AS ward,
    a.severity AS severity,
    a.title_vi AS title_vi,
    a.title_en AS title_en,
    a.since AS since,
    if(a.ended_at <= moment, a.ended_at, NULL) AS ended
FROM v_alerts AS a
WHERE a.ward IN {wards:Array(String)} AND a.started_at <= moment
    AND ifNull(a.ended_at, moment) > moment - INTERVAL 7 DAY
ORDER BY ward, isNull(ended) DESC, since DESC, a.id
""",
)
