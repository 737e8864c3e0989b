-- now-only: vi: chỉ giữ trạng thái mới nhất của mỗi lần dựng lại; số liệu theo mốc không đổi vì dựng lại | en: only the newest state of each rebuild is kept; no rebuild changes what is asked as of a cut
CREATE OR REPLACE VIEW v_rebuild_changes
(
    run String COMMENT 'vi: mã lượt dựng lại | en: code of the run',
    at DateTime64(3, 'Asia/Ho_Chi_Minh') COMMENT 'vi: lúc lượt đó chuyển sang trạng thái hiện tại | en: when the run reached its present state',
    applied Bool COMMENT 'vi: sổ đã được thay | en: the book was replaced',
    ward String COMMENT 'vi: mã phường, xã | en: ward code',
    day Nullable(Date32) COMMENT 'vi: ngày của sổ, rỗng nếu là dòng đồng bộ | en: day of the book, empty for the ward''s synchronisation record',
    cause String COMMENT 'vi: rule (quy tắc khác), state (trạng thái worker sai), row (dòng ClickHouse sai), missing (thiếu dòng thô) | en: rule (another rule), state (the worker''s state was wrong), row (the row in ClickHouse was wrong), missing (raw rows are missing)',
    field String COMMENT 'vi: lĩnh vực, rỗng nếu so số sự kiện của cả sổ | en: field, empty where the events of the whole book are compared',
    channel String COMMENT 'vi: kênh nộp | en: channel',
    status UInt8 COMMENT 'vi: trạng thái 1..10 | en: status 1..10',
    timeliness String COMMENT 'vi: open, early, on_time, overdue | en: open, early, on_time, overdue',
    old_count Int64 COMMENT 'vi: trước: số bước | en: before: steps',
    new_count Int64 COMMENT 'vi: sau: số bước | en: after: steps',
    old_minutes Int64 COMMENT 'vi: trước: phút | en: before: minutes',
    new_minutes Int64 COMMENT 'vi: sau: phút | en: after: minutes'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
SELECT
    c.run AS run, r.at AS at, c.version > 0 AND r.state != 'compared' AS applied, c.ward AS ward, c.day AS day, c.cause AS cause,
    c.field AS field, c.channel AS channel, c.status AS status, c.timeliness AS timeliness,
    c.old_count AS old_count, c.new_count AS new_count, c.old_minutes AS old_minutes, c.new_minutes AS new_minutes
FROM (SELECT * FROM rebuild_changes FINAL) AS c
INNER JOIN (SELECT run, at, state FROM rebuilds FINAL) AS r ON r.run = c.run
COMMENT 'vi: mỗi lượt dựng lại thay đổi ô nào của sổ nào, vì sao | en: which cells of which books each rebuild changed, and why';
