"""Tables of difficulties: the 25 groups, those who are responsible, and the list behind both."""

from __future__ import annotations

from typing import Final

from dashboards.server.tables.model import Column as C
from dashboards.server.tables.model import Table
from producers.contract.vocabulary import Words

# What is open, by age since it was reported and by its due time; `d` is v_difficulties.
_COUNTS: Final = """
    countIf(d.open) AS open_now,
    countIf(d.open AND d.due_at < fromUnixTimestamp64Milli({at:Int64}, 'Asia/Ho_Chi_Minh')) AS overdue,
    countIf(d.open AND d.owner = '') AS unassigned,
    countIf(d.open AND d.age_days < 7) AS week,
    countIf(d.open AND d.age_days >= 7 AND d.age_days < 30) AS month,
    countIf(d.open AND d.age_days >= 30) AS older,
    maxIf(d.age_days, d.open) AS oldest_days,
    countIf(NOT d.open) AS resolved
"""
_AGED: Final = """
    SELECT *, dateDiff('day', reported_at, fromUnixTimestamp64Milli({at:Int64}, 'Asia/Ho_Chi_Minh')) AS age_days
    FROM v_difficulties
    WHERE ward IN {wards:Array(String)}
"""
_COUNT_COLUMNS: Final = (
    C("open_now", "Chưa giải quyết", "Open"),
    C("overdue", "Quá hạn", "Overdue"),
    C("unassigned", "Chưa giao", "Not assigned"),
    C("week", "Dưới 7 ngày", "Under 7 days"),
    C("month", "7 đến 29 ngày", "7 to 29 days"),
    C("older", "Từ 30 ngày", "30 days and more"),
    C("oldest_days", "Lâu nhất (ngày)", "Oldest (days)"),
    C("resolved", "Đã giải quyết", "Resolved"),
)

GROUPS: Final = Table(
    name="difficulty-groups",
    title=Words("25 nhóm khó khăn, vướng mắc", "The 25 groups of difficulties"),
    scope="wards",
    filters=("ward",),
    columns=(
        C("number", "Nhóm", "Group"),
        C("vi", "Tên nhóm", "Name (Vietnamese)", "text"),
        C("en", "Tên nhóm (tiếng Anh)", "Name", "text"),
        C("responsible", "Nơi chịu trách nhiệm", "Responsible", "text"),
        C("placeholder", "Tên tạm", "Placeholder", "yes"),
        *_COUNT_COLUMNS,
    ),
    sql="""
SELECT
    g.difficulty_group AS number,
    g.vi AS vi,
    g.en AS en,
    g.owner AS responsible,
    g.placeholder AS placeholder,
    c.*
FROM v_difficulties_by_group AS g
LEFT JOIN
(
    SELECT d.difficulty_group AS grp, @counts
    FROM (@aged) AS d
    GROUP BY grp
) AS c ON c.grp = g.difficulty_group
ORDER BY number
""".replace("@counts", _COUNTS).replace("@aged", _AGED),
)

OWNERS: Final = Table(
    name="difficulty-owners",
    title=Words("Theo nơi chịu trách nhiệm", "By responsible body"),
    scope="wards",
    filters=("ward",),
    columns=(C("owner", "Nơi chịu trách nhiệm", "Responsible", "text"), *_COUNT_COLUMNS),
    sql="""
SELECT d.owner AS owner, @counts
FROM (@aged) AS d
GROUP BY owner
ORDER BY overdue DESC, open_now DESC, owner
""".replace("@counts", _COUNTS).replace("@aged", _AGED),
)

LIST: Final = Table(
    name="difficulties",
    title=Words("Khó khăn, vướng mắc", "Difficulties"),
    scope="wards",
    filters=("ward", "group", "owner", "state"),
    columns=(
        C("difficulty", "Mã", "Code", "code"),
        C("difficulty_group", "Nhóm", "Group"),
        C("step", "Bước", "Step", "word", "step"),
        C("owner", "Nơi chịu trách nhiệm", "Responsible", "text"),
        C("reported_at", "Báo lúc", "Reported at", "instant"),
        C("due_at", "Hạn xử lý", "Due", "instant"),
        C("changed_at", "Bước gần nhất", "Newest step", "instant"),
        C("age_days", "Tuổi (ngày)", "Age (days)"),
        C("open", "Chưa giải quyết", "Open", "yes"),
        C("overdue", "Quá hạn", "Overdue", "yes"),
    ),
    sql="""
SELECT
    d.ward AS ward,
    d.difficulty AS difficulty,
    d.difficulty_group AS difficulty_group,
    d.step AS step,
    d.owner AS owner,
    d.reported_at AS reported_at,
    d.due_at AS due_at,
    d.changed_at AS changed_at,
    d.age_days AS age_days,
    d.open AS open,
    d.open AND ifNull(d.due_at < fromUnixTimestamp64Milli({at:Int64}, 'Asia/Ho_Chi_Minh'), false) AS overdue
FROM (@aged) AS d
WHERE ({group:UInt8} = 0 OR d.difficulty_group = {group:UInt8})
    AND ({owner:String} = '' OR d.owner = {owner:String})
    AND ({state:String} = 'all' OR d.open AND ({state:String} = 'open' OR overdue))
ORDER BY open DESC, overdue DESC, reported_at, ward, difficulty
""".replace("@aged", _AGED),
)
