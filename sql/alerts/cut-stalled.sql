-- vi: Mốc đồng bộ không được công bố
-- en: No cut is published
-- severity: critical
-- what-vi: Mốc mới nhất là số {number}, tại {since}; từ đó không công bố được mốc nào
-- what-en: The newest cut is number {number}, at {since}; none could be published since
-- impact-vi: "Số liệu tính đến" của thành phố đứng yên; không hỏi được số liệu mới theo mốc
-- impact-en: The city's "complete up to" stands still; nothing newer can be asked as of a cut
-- next-vi: Chạy: dongbo status; worker hoặc loader chậm hay dừng thì xem var/logs/
-- next-en: Run: dongbo status; if a worker or the loader is behind or stopped, see var/logs/
-- param seconds UInt32 default 60
-- Now: the newest cut is old. As of a cut it is the newest itself: then, if it was published long after the one before,
-- that one was the newest until then.
SELECT 'city' AS key, '' AS ward, last.1 AS since, last.2 AS number
FROM
(
    SELECT
        groupArray((c.at, c.number, c.published_at)) AS newest,
        (SELECT at FROM r_now) AS moment,
        if(newest[1].1 = moment, newest[2], newest[1]) AS last,
        if(newest[1].1 = moment, newest[1].3, moment) AS until
    FROM
    (
        SELECT at, number, published_at FROM v_city_cut AS d
        -- The newest of a month; the number tells ClickHouse where to look.
        WHERE d.number > (SELECT toUInt64(intDiv(toUnixTimestamp(at) - 1735664400, 10)) FROM r_now) - 259200
        ORDER BY d.number DESC
        LIMIT 2
    ) AS c
)
WHERE number > 0 AND since < until - toIntervalSecond({seconds:UInt32})
