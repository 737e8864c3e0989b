-- Rebuilds: books counted anew from the raw events. A run is written down before it changes anything; one that has begun
-- to write and is not done keeps the next cut waiting, so that no cut is published with half of a generation.

CREATE TABLE IF NOT EXISTS rebuilds
(
    run String COMMENT 'vi: mã lượt dựng lại | en: code of the run',
    state LowCardinality(String) COMMENT 'vi: compared (chỉ so), writing (đang ghi), written (đã ghi vào Kafka), done (xong), superseded (lượt sau đã làm thay) | en: compared (nothing was changed), writing, written (Kafka has all), done, superseded (a later run did its work)',
    at DateTime64(3, 'Asia/Ho_Chi_Minh') COMMENT 'vi: lúc chuyển sang trạng thái này | en: when it reached that state',
    began_at DateTime64(3, 'Asia/Ho_Chi_Minh') COMMENT 'vi: lúc bắt đầu | en: when it began',
    actor String COMMENT 'vi: tài khoản máy tính và tên máy đã chạy lệnh | en: account and host that ran the command',
    logic LowCardinality(String) COMMENT 'vi: phiên bản quy tắc đếm | en: version of the rules of counting',
    generation UInt32 COMMENT 'vi: đời sổ mà lượt này ghi, 0 nếu không ghi | en: generation that it wrote, 0 if none',
    wards Array(String) COMMENT 'vi: phường, xã trong phạm vi, rỗng là tất cả | en: wards of its scope, empty for all',
    first_day Date32 COMMENT 'vi: từ ngày | en: from this day',
    last_day Date32 COMMENT 'vi: đến ngày | en: to this day',
    accept_missing Bool COMMENT 'vi: dựng lại cả sổ có sự kiện không còn dòng thô | en: books with events of which no raw row is left were made anew as well',
    books UInt64 COMMENT 'vi: số sổ đã so | en: books that were compared',
    events UInt64 COMMENT 'vi: số sự kiện đã đếm lại | en: events that were counted anew',
    differing UInt64 COMMENT 'vi: số sổ khác | en: books that differ',
    kept UInt64 COMMENT 'vi: trong đó giữ nguyên vì thiếu dòng thô | en: of these, left as they are because raw rows are missing',
    written UInt64 COMMENT 'vi: số sổ và dòng đồng bộ đã ghi | en: books and synchronisation records that were written',
    took_ms UInt64 COMMENT 'vi: đã mất bao nhiêu mili giây | en: how many milliseconds it took until then'
)
ENGINE = ReplacingMergeTree(at)
ORDER BY run
COMMENT 'vi: các lượt dựng lại sổ từ sự kiện thô | en: rebuilds of the books from raw events';

CREATE TABLE IF NOT EXISTS rebuild_changes
(
    run String COMMENT 'vi: mã lượt dựng lại | en: code of the run',
    ward LowCardinality(String) COMMENT 'vi: mã phường, xã | en: ward code',
    day Nullable(Date32) COMMENT 'vi: ngày của sổ, rỗng nếu là dòng đồng bộ | en: day of the book, empty for the ward''s synchronisation record',
    cause LowCardinality(String) COMMENT 'vi: rule (quy tắc khác), state (trạng thái của worker sai), row (dòng trong ClickHouse sai), missing (thiếu dòng thô) | en: rule (another rule), state (the worker''s state was wrong), row (the row in ClickHouse was wrong), missing (raw rows are missing)',
    field LowCardinality(String) COMMENT 'vi: lĩnh vực, rỗng nếu so số sự kiện của cả sổ | en: field, empty where the events of the whole book are compared',
    channel LowCardinality(String) COMMENT 'vi: kênh nộp | en: channel',
    status UInt8 COMMENT 'vi: trạng thái 1..10 | en: status 1..10',
    timeliness LowCardinality(String) COMMENT 'vi: open, early, on_time, overdue | en: open, early, on_time, overdue',
    old_count Int64 COMMENT 'vi: trước: số bước | en: before: steps',
    new_count Int64 COMMENT 'vi: sau: số bước | en: after: steps',
    old_minutes Int64 COMMENT 'vi: trước: phút | en: before: minutes',
    new_minutes Int64 COMMENT 'vi: sau: phút | en: after: minutes',
    version UInt64 COMMENT 'vi: phiên bản của sổ mới, 0 nếu giữ nguyên | en: version of the new book, 0 if it was left as it was'
)
ENGINE = ReplacingMergeTree
ORDER BY (run, ward, ifNull(day, toDate32('1900-01-01')), field, channel, status, timeliness)
COMMENT 'vi: mỗi lượt dựng lại khác gì, từng ô | en: what each rebuild found different, cell by cell';
