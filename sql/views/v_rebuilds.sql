-- now-only: vi: chỉ giữ trạng thái mới nhất của mỗi lần dựng lại; số liệu theo mốc không đổi vì dựng lại | en: only the newest state of each rebuild is kept; no rebuild changes what is asked as of a cut
CREATE OR REPLACE VIEW v_rebuilds
(
    run String COMMENT 'vi: mã lượt dựng lại | en: code of the run',
    state String COMMENT 'vi: compared (chỉ so), writing, written, done hoặc superseded | en: compared (nothing was changed), writing, written, done or superseded',
    open Bool COMMENT 'vi: còn dang dở: mốc mới phải chờ, hãy chạy lại | en: unfinished: the next cut waits for it, run it again',
    began_at DateTime64(3, 'Asia/Ho_Chi_Minh') COMMENT 'vi: lúc bắt đầu | en: when it began',
    at DateTime64(3, 'Asia/Ho_Chi_Minh') COMMENT 'vi: lúc chuyển sang trạng thái này | en: when it reached that state',
    actor String COMMENT 'vi: tài khoản và máy đã chạy | en: account and host that ran it',
    logic String COMMENT 'vi: phiên bản quy tắc đếm | en: version of the rules of counting',
    generation UInt32 COMMENT 'vi: đời sổ đã ghi | en: generation that it wrote',
    wards Array(String) COMMENT 'vi: phường, xã, rỗng là tất cả | en: wards, empty for all',
    first_day Date32 COMMENT 'vi: từ ngày | en: from this day',
    last_day Date32 COMMENT 'vi: đến ngày | en: to this day',
    books UInt64 COMMENT 'vi: số sổ đã so | en: books that were compared',
    events UInt64 COMMENT 'vi: số sự kiện đã đếm lại | en: events that were counted anew',
    differing UInt64 COMMENT 'vi: số sổ khác | en: books that differ',
    kept UInt64 COMMENT 'vi: giữ nguyên vì thiếu dòng thô | en: left as they are because raw rows are missing',
    written UInt64 COMMENT 'vi: số sổ và dòng đồng bộ đã ghi | en: books and synchronisation records that were written',
    took_ms UInt64 COMMENT 'vi: đã mất bao nhiêu mili giây | en: how many milliseconds it took'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
SELECT
    run, state, state IN ('writing', 'written') AS open, began_at, at, actor, logic, generation, wards, first_day, last_day,
    books, events, differing, kept, written, took_ms
FROM rebuilds FINAL
COMMENT 'vi: sổ đã được dựng lại từ sự kiện thô lúc nào, ai chạy, thay đổi bao nhiêu | en: when books were rebuilt from raw events, by whom, and how much changed';
