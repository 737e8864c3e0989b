-- vi: Mỗi phường, xã giải quyết đúng hạn bao nhiêu phần trăm?
-- en: What share does each ward resolve in time?
-- audience: leader, ward, analyst
-- chart: bar ward_name in_time_share
-- unit: vi: tỷ lệ | en: share
-- basis: vi: so theo ngày, không theo giờ; không có ngày hẹn là đúng hạn; lúc chờ bổ sung không trừ | en: judged by date, not time; without a due day it is in time; waiting for a supplement is not taken off
-- param from Nullable(Date) default '' -- vi: Từ ngày; trống là từ đầu | en: From day; empty: the first
-- param to Nullable(Date) default '' -- vi: Đến ngày; trống là đến nay | en: To day; empty: the newest
-- param least UInt32 default 1 -- vi: Chỉ xếp nơi đã xử lý xong ít nhất chừng này hồ sơ | en: Rank only wards with at least so many resolved
SELECT ward, any(d.ward_name) AS ward_name, sum(d.resolved) AS resolved, sum(d.early) AS early, sum(d.on_time) AS on_time,
    sum(d.overdue) AS overdue, if(resolved > 0, round((early + on_time) / resolved, 4), NULL) AS in_time_share
FROM v_ward_day AS d
WHERE d.day BETWEEN ifNull({from:Nullable(Date)}, toDate('1970-01-01'))
    AND ifNull({to:Nullable(Date)}, toDate('2149-06-06'))
GROUP BY ward
HAVING resolved >= {least:UInt32}
ORDER BY in_time_share, resolved DESC, ward
