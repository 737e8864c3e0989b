-- vi: Từ lúc Kafka nhận đến lúc hỏi được trong ClickHouse mất bao lâu?
-- en: How long does it take from Kafka to a query in ClickHouse?
-- audience: operator
-- param minutes UInt32 default 60 -- vi: Trong bao nhiêu phút gần nhất | en: Within how many minutes
SELECT kind, sum(l.messages) AS messages, count() AS blocks,
    round(quantileExactWeighted(0.5)(l.delay_ms_max, l.messages)) AS delay_ms_p50,
    round(quantileExactWeighted(0.99)(l.delay_ms_max, l.messages)) AS delay_ms_p99,
    max(l.delay_ms_max) AS delay_ms_max, round(avg(l.insert_ms)) AS insert_ms
FROM v_loads AS l
WHERE stored_at > now() - toIntervalMinute({minutes:UInt32})
GROUP BY kind
ORDER BY kind
