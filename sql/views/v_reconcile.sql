CREATE OR REPLACE VIEW v_reconcile
(
    ward String COMMENT 'vi: mã phường, xã | en: ward code',
    day Date32 COMMENT 'vi: ngày tại Hà Nội | en: day in Hanoi',
    field String COMMENT 'vi: lĩnh vực | en: field',
    channel String COMMENT 'vi: kênh nộp | en: channel',
    status UInt8 COMMENT 'vi: trạng thái 1..10 | en: status 1..10',
    timeliness String COMMENT 'vi: open, early, on_time, overdue | en: open, early, on_time, overdue',
    book_count Int64 COMMENT 'vi: theo sổ: số bước | en: by the book: steps',
    raw_count Int64 COMMENT 'vi: tính lại từ sự kiện thô: số bước | en: recomputed from raw events: steps',
    book_minutes Int64 COMMENT 'vi: theo sổ: phút | en: by the book: minutes',
    raw_minutes Int64 COMMENT 'vi: tính lại: phút | en: recomputed: minutes'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
SELECT
    ward,
    day,
    field,
    channel,
    status,
    timeliness,
    sum(in_book) AS book_count,
    sum(in_raw) AS raw_count,
    sum(book_min) AS book_minutes,
    sum(raw_min) AS raw_minutes
FROM
(
    SELECT
        ward,
        day,
        field,
        channel,
        status,
        timeliness,
        count AS in_book,
        toInt64(0) AS in_raw,
        minutes AS book_min,
        toInt64(0) AS raw_min
    FROM v_ward_day_detail
    UNION ALL
    SELECT
        toString(ward) AS ward,
        book_day AS day,
        toString(field) AS field,
        toString(channel) AS channel,
        status,
        toString(timeliness) AS timeliness,
        toInt64(0) AS in_book,
        toInt64(count()) AS in_raw,
        toInt64(0) AS book_min,
        toInt64(sum(minutes)) AS raw_min
    FROM r_events
    WHERE counted AND status > 0 AND of_seq = 0
        AND (ward, book_day, epoch, seq) NOT IN
        (
            SELECT ward, book_day, of_epoch, of_seq
            FROM r_events
            WHERE counted AND of_seq > 0
        )
    GROUP BY ward, book_day, field, channel, status, timeliness
)
-- Of sealed days the raw rows are gone: their seal is compared, in v_seals.
WHERE (ward, day) NOT IN (SELECT ward, day FROM r_sealed)
GROUP BY ward, day, field, channel, status, timeliness
HAVING book_count != raw_count OR book_minutes != raw_minutes
COMMENT 'vi: chỗ sổ khác với phép tính lại từ sự kiện thô; rỗng là khớp | en: where the book differs from what raw events add up to; empty means that they agree';
