-- vi: Cảnh báo không gửi đi được
-- en: Alerts cannot be sent
-- severity: warning
-- what-vi: Kênh {channel} có {messages} cảnh báo chưa gửi được, lần gần nhất: {error}
-- what-en: The channel {channel} has {messages} alerts that could not be sent, the last time: {error}
-- impact-vi: Người trực không nhận được cảnh báo qua kênh này
-- impact-en: Whoever is on duty gets no alerts over this channel
-- next-vi: Sửa nơi nhận hoặc thiết lập, rồi chạy: dongbo alerts send-test
-- next-en: Mend the receiver or the setting, then run: dongbo alerts send-test
-- param minutes UInt32 default 10
SELECT channel AS key, '' AS ward, min(d.created_at) AS since, channel, count() AS messages, argMax(d.error, d.next_at) AS error
FROM v_alert_deliveries AS d
WHERE (state = 'waiting' AND attempts > 0 AND created_at < (SELECT at FROM r_now) - toIntervalMinute({minutes:UInt32}))
    OR (state = 'given_up' AND next_at > (SELECT at FROM r_now) - INTERVAL 1 DAY)
GROUP BY channel
ORDER BY key
