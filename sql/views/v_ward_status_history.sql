-- From what the monitor judged for every cut: a row for each time that a ward held one status for one reason.
CREATE OR REPLACE VIEW v_ward_status_history
(
    ward String COMMENT 'vi: mã phường, xã | en: ward code',
    ward_name String COMMENT 'vi: tên phường, xã | en: name of the ward',
    first_at DateTime64(3, 'Asia/Ho_Chi_Minh') COMMENT 'vi: mốc đầu tiên như vậy | en: the first cut with it',
    last_at DateTime64(3, 'Asia/Ho_Chi_Minh') COMMENT 'vi: mốc cuối cùng như vậy | en: the last cut with it',
    since DateTime64(3, 'Asia/Ho_Chi_Minh') COMMENT 'vi: lý do này có từ lúc | en: the reason holds since',
    status String COMMENT 'vi: good, waiting, attention hoặc bad | en: good, waiting, attention or bad',
    reason String COMMENT 'vi: mã lý do | en: code of the reason',
    reason_vi String COMMENT 'vi: lý do bằng tiếng Việt, lúc cuối | en: the reason in Vietnamese, as last said',
    reason_en String COMMENT 'vi: lý do bằng tiếng Anh, lúc cuối | en: the reason in English, as last said',
    alive String COMMENT 'vi: liên lạc, lúc cuối | en: alive, as last judged',
    complete String COMMENT 'vi: đầy đủ, lúc cuối | en: complete, as last judged',
    reconciled String COMMENT 'vi: đối chiếu, lúc cuối | en: reconciled, as last judged',
    missing_max UInt64 COMMENT 'vi: số sự kiện thiếu, cao nhất | en: events missing, at most',
    pending_max UInt64 COMMENT 'vi: số sự kiện chờ gửi, cao nhất | en: events pending, at most',
    cuts UInt64 COMMENT 'vi: số mốc | en: cuts'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
SELECT
    h.ward AS ward,
    w.name AS ward_name,
    h.first_at AS first_at,
    h.last_at AS last_at,
    h.held_since AS since,
    h.status AS status,
    h.reason AS reason,
    h.last_words.1 AS reason_vi,
    h.last_words.2 AS reason_en,
    h.last_words.3 AS alive,
    h.last_words.4 AS complete,
    h.last_words.5 AS reconciled,
    h.missing_max AS missing_max,
    h.pending_max AS pending_max,
    h.cuts AS cuts
FROM
(
    SELECT
        s.ward AS ward,
        s.status AS status,
        s.reason AS reason,
        s.since AS held_since,
        min(s.at) AS first_at,
        max(s.at) AS last_at,
        argMax((s.reason_vi, s.reason_en, s.alive, s.complete, s.reconciled), s.at) AS last_words,
        max(s.missing) AS missing_max,
        max(s.pending) AS pending_max,
        count() AS cuts
    FROM r_ward_states AS s
    GROUP BY ward, status, reason, held_since
) AS h
LEFT JOIN (SELECT code, name FROM r_wards) AS w ON w.code = h.ward
COMMENT 'vi: diễn biến tình trạng của từng phường, xã, gọn lại theo lần thay đổi | en: how the status of each ward went, condensed to its changes';
