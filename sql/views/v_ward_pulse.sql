-- The last day in quarters of an hour, from what the monitor judged for every cut, so that it can be asked as of a
-- cut for ever (raw heartbeats are kept for 7 days only). A quarter without a row is one without a cut.
CREATE OR REPLACE VIEW v_ward_pulse
(
    ward String COMMENT 'vi: mã phường, xã | en: ward code',
    bucket_at DateTime64(3, 'Asia/Ho_Chi_Minh') COMMENT 'vi: đầu khoảng 15 phút | en: beginning of the 15 minutes',
    cuts UInt64 COMMENT 'vi: số mốc trong khoảng | en: cuts in it',
    heartbeats UInt64 COMMENT 'vi: số nhịp tim khác nhau đã thấy | en: different heartbeats seen',
    events UInt64 COMMENT 'vi: số sự kiện đã đến thêm trong khoảng | en: events that arrived in it',
    alive String COMMENT 'vi: liên lạc, xấu nhất trong khoảng: silent, behind, never, closed, quiet, active | en: alive, the worst in it: silent, behind, never, closed, quiet, active',
    status String COMMENT 'vi: tình trạng, xấu nhất trong khoảng: bad, attention, waiting, good | en: status, the worst in it: bad, attention, waiting, good',
    pending_max UInt64 COMMENT 'vi: số sự kiện chờ gửi, cao nhất | en: events pending, at most',
    missing_max UInt64 COMMENT 'vi: số sự kiện thiếu, cao nhất | en: events missing, at most'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
WITH (SELECT at FROM r_now) AS instant
SELECT
    s.ward AS ward,
    toDateTime64(toStartOfInterval(s.at, INTERVAL 15 MINUTE), 3, 'Asia/Ho_Chi_Minh') AS bucket_at,
    count() AS cuts,
    uniqExactIf(s.heartbeat_at, s.heartbeat_at >= bucket_at) AS heartbeats,
    max(s.events) - min(s.events) AS events,
    argMin(s.alive, indexOf(['silent', 'behind', 'never', 'closed', 'quiet', 'active'], s.alive)) AS alive,
    argMin(s.status, indexOf(['bad', 'attention', 'waiting', 'good'], s.status)) AS status,
    max(s.pending) AS pending_max,
    max(s.missing) AS missing_max
FROM r_ward_states AS s
WHERE s.at > instant - INTERVAL 24 HOUR
GROUP BY s.ward, bucket_at
COMMENT 'vi: nhịp của từng phường, xã trong 24 giờ, từng 15 phút | en: the pulse of each ward in 24 hours, by 15 minutes';
