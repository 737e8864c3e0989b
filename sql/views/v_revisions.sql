CREATE OR REPLACE VIEW v_revisions
(
    day Date32 COMMENT 'vi: ngày tại Hà Nội | en: day in Hanoi',
    ward String COMMENT 'vi: mã phường, xã | en: ward code',
    generation UInt32 COMMENT 'vi: đời sổ | en: generation',
    revision UInt64 COMMENT 'vi: lần sửa | en: revision',
    arrived_at DateTime64(3, 'Asia/Ho_Chi_Minh') COMMENT 'vi: lúc Kafka nhận thay đổi | en: when Kafka had the change',
    events UInt64 COMMENT 'vi: số sự kiện trong sổ | en: events in the book',
    retracted UInt64 COMMENT 'vi: số bước bị rút lại | en: steps taken back',
    received Int64 COMMENT 'vi: số tiếp nhận | en: received',
    resolved Int64 COMMENT 'vi: số xử lý xong | en: resolved'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
SELECT
    day,
    ward,
    generation,
    revision,
    arrived_at,
    events,
    retracted,
    arraySum((s, c) -> if(s = 2, c, 0), status, count) AS received,
    arraySum((s, c) -> if(s = 9, c, 0), status, count) AS resolved
FROM r_book_history
COMMENT 'vi: sổ của một ngày đã thay đổi thế nào, lúc nào | en: how and when the book of a day changed';
