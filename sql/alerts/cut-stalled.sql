-- vi: Mốc đồng bộ không được công bố
-- en: No cut is published
-- severity: critical
-- history: no
-- what-vi: Mốc mới nhất là số {number}, tại {since}; từ đó không công bố được mốc nào
-- what-en: The newest cut is number {number}, at {since}; none could be published since
-- impact-vi: "Số liệu tính đến" của thành phố đứng yên; không hỏi được số liệu mới theo mốc
-- impact-en: The city's "complete up to" stands still; nothing newer can be asked as of a cut
-- next-vi: Chạy: dongbo status; worker hoặc loader chậm hay dừng thì xem var/logs/
-- next-en: Run: dongbo status; if a worker or the loader is behind or stopped, see var/logs/
-- param seconds UInt32 default 60
SELECT 'city' AS key, '' AS ward, max(c.at) AS since, max(c.number) AS number
FROM v_city_cut AS c
-- The newest of a month; the number tells ClickHouse where to look.
WHERE c.number > (SELECT toUInt64(intDiv(toUnixTimestamp(at) - 1735664400, 10)) FROM r_now) - 259200
HAVING count() > 0 AND since < (SELECT at FROM r_now) - toIntervalSecond({seconds:UInt32})
