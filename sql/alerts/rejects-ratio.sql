-- vi: Nhiều thông điệp bị từ chối
-- en: Many messages are rejected
-- severity: warning
-- every: 30
-- what-vi: Hôm nay {who_vi} có {rejected} thông điệp bị từ chối trên {messages} ({percent} %); nhiều nhất vì {reason}
-- what-en: Today {rejected} of {messages} messages of {who_en} were rejected ({percent} %); most often for {reason}
-- impact-vi: Những sự kiện đó không được tính cho đến khi gửi lại đúng
-- impact-en: Those events do not count until they are sent again as they should be
-- next-vi: Chạy: dongbo ask rejects-by-reason; gửi cho phường, xã lý do và cách sửa ở đó
-- next-en: Run: dongbo ask rejects-by-reason; give the ward the reason and the remedy that stand there
-- param percent Float64 default 5
-- param least UInt32 default 20
WITH
    (SELECT toDate32(at) FROM r_now) AS today,
    counted AS (SELECT ward, sum(d.events) AS events FROM v_ward_day AS d WHERE day = today GROUP BY ward)
SELECT
    if(scope = '', 'city', scope) AS key,
    scope AS ward,
    min(r.arrived_at) AS since,
    count() AS rejected,
    rejected + if(scope = '', (SELECT sum(events) FROM counted), any(c.events)) AS messages,
    round(100 * rejected / messages, 1) AS percent,
    topK(1)(r.reason)[1] AS reason,
    if(scope = '', 'thành phố', any(r.ward_name)) AS who_vi,
    if(scope = '', 'the city', any(r.ward_name)) AS who_en
FROM
(
    SELECT arrived_at, reason, ward_name, arrayJoin(if(ward = '', [''], ['', ward])) AS scope
    FROM v_rejects
    WHERE arrived_at >= toDateTime64(today, 3, 'Asia/Ho_Chi_Minh')
) AS r
LEFT JOIN counted AS c ON c.ward = r.scope
GROUP BY scope
HAVING rejected >= {least:UInt32} AND 100 * rejected / messages > {percent:Float64}
ORDER BY key
