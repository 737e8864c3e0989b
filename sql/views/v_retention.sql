-- now-only: vi: gỡ là gỡ cho mọi mốc: chỉ có hiện tại | en: what was removed is removed for every cut: there is only the present
CREATE OR REPLACE VIEW v_retention
(
    what String COMMENT 'vi: raw (sự kiện và bước hồ sơ) hoặc history (lần sửa sổ, tình trạng tại mốc) | en: raw (events and steps of dossiers) or history (revisions of books, states at cuts)',
    from_at Nullable(DateTime64(3, 'Asia/Ho_Chi_Minh')) COMMENT 'vi: còn đủ từ lúc này; rỗng: còn tất cả | en: whole from this instant on; empty: all of it is there',
    days UInt32 COMMENT 'vi: cài đặt khi gỡ: giữ bao nhiêu ngày | en: the setting at the removal: days that are kept',
    held UInt64 COMMENT 'vi: số sổ không khớp nên dòng thô được giữ lại | en: books that did not agree, whose raw rows stay',
    removed UInt64 COMMENT 'vi: số sự kiện đã gỡ, đều có niêm phong (v_seals) | en: events that were removed, each under a seal (v_seals)',
    noted_at Nullable(DateTime64(3, 'Asia/Ho_Chi_Minh')) COMMENT 'vi: lúc gỡ lần cuối | en: when something was removed last',
    words_vi String COMMENT 'vi: nói bằng lời | en: the same in words, in Vietnamese',
    words_en String COMMENT 'vi: bằng tiếng Anh | en: the same in words, in English'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
SELECT
    k.what AS what,
    if(m.times = 0, NULL, m.last_until) AS from_at,
    m.last_days AS days,
    m.last_held AS held,
    if(k.what = 'raw', ifNull((SELECT sum(s.events) FROM (SELECT events FROM seals FINAL) AS s), 0), 0) AS removed,
    if(m.times = 0, NULL, m.last_noted) AS noted_at,
    multiIf(
        m.times = 0, 'còn tất cả',
        k.what = 'raw', concat('dữ liệu thô trước ', toString(toDate(m.last_until)), ' đã gỡ: hỏi theo sổ, tổng và niêm phong; các mốc trước đó không hỏi được nữa'),
        concat('các mốc trước ', toString(toDate(m.last_until)), ' không hỏi được nữa; sổ hiện tại vẫn đủ')) AS words_vi,
    multiIf(
        m.times = 0, 'all of it is there',
        k.what = 'raw', concat('raw rows before ', toString(toDate(m.last_until)), ' were removed: ask books, totals and seals; earlier cuts cannot be asked any more'),
        concat('cuts before ', toString(toDate(m.last_until)), ' cannot be asked any more; the books of now are whole')) AS words_en
FROM (SELECT arrayJoin(['raw', 'history']) AS what) AS k
LEFT JOIN
(
    SELECT
        toString(what) AS what, count() AS times, max(until) AS last_until, argMax(r.days, r.until) AS last_days,
        argMax(r.held, r.until) AS last_held, max(r.noted_at) AS last_noted
    FROM (SELECT * FROM removals FINAL) AS r
    GROUP BY what
) AS m ON m.what = k.what
COMMENT 'vi: dữ liệu còn đủ từ lúc nào, và những gì đã gỡ | en: from when on the data is whole, and what was removed';
