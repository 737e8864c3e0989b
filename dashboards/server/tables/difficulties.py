"""Tables of difficulties: the 25 groups, those who are responsible, and the list behind both."""

from __future__ import annotations

from typing import Final

from dashboards.server.tables.model import Column as C
from dashboards.server.tables.model import Table
from producers.contract.vocabulary import Words

# What is open, by age since it was reported and by its due time; `d` is v_difficulties.
_COUNTS: Final = """
    countIf(d.open) AS open_now,
    countIf(d.overdue) AS overdue_now,
    countIf(d.open AND d.owner = '') AS unassigned,
    countIf(d.open AND d.age_days < 7) AS week,
    countIf(d.open AND d.age_days >= 7 AND d.age_days <= 30) AS month,
    countIf(d.open AND d.age_days > 30) AS older,
    toUInt32(maxIf(d.age_days, d.open)) AS oldest_days,
    countIf(NOT d.open) AS resolved
"""
_COUNT_COLUMNS: Final = (
    C("open_now", "Chưa giải quyết", "Open"),
    C("overdue_now", "Quá hạn", "Overdue"),
    C("unassigned", "Chưa giao", "Not assigned"),
    C("week", "Dưới 7 ngày", "Under 7 days"),
    C("month", "7 đến 30 ngày", "7 to 30 days"),
    C("older", "Trên 30 ngày", "Over 30 days"),
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
    g.group_vi AS vi,
    g.group_en AS en,
    g.responsible AS responsible,
    g.placeholder AS placeholder,
    c.open_now AS open_now,
    c.overdue_now AS overdue_now,
    c.unassigned AS unassigned,
    c.week AS week,
    c.month AS month,
    c.older AS older,
    c.oldest_days AS oldest_days,
    c.resolved AS resolved
FROM v_difficulties_by_group AS g
LEFT JOIN
(
    SELECT d.difficulty_group AS grp, @counts
    FROM v_difficulties AS d
    WHERE d.ward IN {wards:Array(String)}
    GROUP BY grp
) AS c ON c.grp = g.difficulty_group
ORDER BY number
""".replace("@counts", _COUNTS),
)

OWNERS: Final = Table(
    name="difficulty-owners",
    title=Words("Theo nơi chịu trách nhiệm", "By responsible body"),
    scope="wards",
    filters=("ward",),
    columns=(C("owner", "Nơi chịu trách nhiệm", "Responsible", "text"), *_COUNT_COLUMNS),
    sql="""
SELECT d.owner AS owner, @counts
FROM v_difficulties AS d
WHERE d.ward IN {wards:Array(String)}
GROUP BY owner
ORDER BY overdue_now DESC, open_now DESC, owner
""".replace("@counts", _COUNTS),
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
        C("age", "Tuổi (ngày)", "Age (days)"),
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
    toUInt32(d.age_days) AS age,
    d.open AS open,
    d.overdue AS overdue
FROM v_difficulties AS d
WHERE d.ward IN {wards:Array(String)}
    AND ({group:UInt8} = 0 OR d.difficulty_group = {group:UInt8})
    AND ({owner:String} = '' OR d.owner = if({owner:String} = '-', '', {owner:String}))
    AND ({state:String} = 'all' OR {state:String} = 'open' AND d.open OR d.overdue)
ORDER BY open DESC, overdue DESC, reported_at, ward, difficulty
""",
)
