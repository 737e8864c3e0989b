CREATE OR REPLACE VIEW v_control_totals
(
    ward String COMMENT 'vi: mã phường, xã | en: ward code',
    ward_name String COMMENT 'vi: tên phường, xã | en: name of the ward',
    day Date32 COMMENT 'vi: ngày | en: day',
    working Bool COMMENT 'vi: ngày làm việc; chỉ ngày làm việc mới phải chốt | en: a working day; only those have to be closed',
    state String COMMENT 'vi: matched (khớp), short (thiếu), over (thừa), not_declared (chưa chốt) | en: matched, short, over or not_declared',
    declared Nullable(Int64) COMMENT 'vi: tổng số bước do phường, xã kê khai, rỗng nếu chưa chốt | en: steps that the ward declared, null if it has not closed the day',
    counted Int64 COMMENT 'vi: tổng số bước trong sổ, đã trừ các bước bị rút lại | en: steps in the book, net of retractions',
    difference Nullable(Int64) COMMENT 'vi: sổ trừ kê khai | en: book less declared',
    short_by UInt64 COMMENT 'vi: sổ thiếu bao nhiêu bước, cộng theo từng trạng thái | en: steps that the book lacks, summed over the statuses',
    over_by UInt64 COMMENT 'vi: sổ thừa bao nhiêu bước, cộng theo từng trạng thái | en: steps that the book has beyond the declared, summed over the statuses',
    missing UInt64 COMMENT 'vi: số sự kiện chưa đến trong đoạn số thứ tự đã kê khai | en: events of the declared seqs that have not arrived',
    epoch String COMMENT 'vi: đời hộp gửi của lần chốt | en: epoch of the closing',
    missing_first Array(UInt64) COMMENT 'vi: các đoạn chưa đến: từ số | en: what has not arrived: first seqs',
    missing_last Array(UInt64) COMMENT 'vi: các đoạn chưa đến: đến số | en: what has not arrived: last seqs',
    corrected UInt64 COMMENT 'vi: số bước do thành phố rút lại, phường, xã có thể không biết | en: steps that the city itself took back, of which the ward may not know',
    words_vi String COMMENT 'vi: kết quả bằng lời | en: the result in Vietnamese',
    words_en String COMMENT 'vi: kết quả bằng tiếng Anh | en: the result in English'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
WITH
    toDate32((SELECT at FROM r_now)) AS today,
    books AS
    (
        SELECT
            ward, day, declared AS closed, toString(declared_epoch) AS declared_epoch, declared_first_seq, declared_last_seq,
            declared_steps AS total_declared, counted AS total_counted, short_by, over_by
        FROM r_day
    ),
    -- Days without any event are closed as well: nothing is not silence. A month back, and not before the ward began.
    silent AS
    (
        SELECT f.ward AS ward, d.day AS day
        FROM (SELECT ward, min(day) AS first_day FROM r_day GROUP BY ward) AS f
        CROSS JOIN (SELECT day FROM r_office_days WHERE working) AS d
        WHERE d.day >= f.first_day AND d.day >= today - 31 AND d.day < today
            AND (f.ward, d.day) NOT IN (SELECT ward, day FROM r_day WHERE day >= today - 31)
    ),
    days AS
    (
        SELECT * FROM books
        UNION ALL
        SELECT ward, day, false, '', 0, 0, toInt64(0), toInt64(0), 0, 0 FROM silent
    ),
    corrections AS
    (
        SELECT ward, book_day AS day, uniqExact(of_epoch, of_seq) AS corrected
        FROM r_late_events
        WHERE of_seq > 0 AND startsWith(epoch, 'city-corrections')
        GROUP BY ward, day
    )
SELECT
    ward, ward_name, day, working, state, declared, counted, difference, short_by, over_by, missing, epoch,
    missing_first, missing_last, corrected,
    multiIf(
        state = 'matched', 'khớp',
        state = 'not_declared', 'chưa chốt ngày',
        state = 'over', concat('sổ nhiều hơn kê khai ', toString(over_by), ' bước: phường, xã cần chốt lại ngày'),
        missing > 0, concat('sổ thiếu ', toString(short_by), ' bước; chưa đến ', toString(missing), ' sự kiện, số thứ tự ', seqs),
        concat('sổ thiếu ', toString(short_by), ' bước dù mọi số thứ tự đã đến: số kê khai chưa đúng, cần chốt lại ngày',
            if(corrected > 0, concat(' (thành phố đã rút lại ', toString(corrected), ' bước)'), ''))) AS words_vi,
    multiIf(
        state = 'matched', 'matched',
        state = 'not_declared', 'not declared',
        state = 'over', concat('over by ', toString(over_by), ': the ward has to close the day again'),
        missing > 0, concat('short by ', toString(short_by), '; ', toString(missing), ' events have not arrived, seqs ', seqs),
        concat('short by ', toString(short_by), ', though every seq has arrived: the ward''s own count is off, it has to close the day again',
            if(corrected > 0, concat(' (the city took ', toString(corrected), ' steps back)'), ''))) AS words_en
FROM
(
    SELECT
        b.ward AS ward,
        w.name AS ward_name,
        b.day AS day,
        o.working AS working,
        multiIf(
            NOT b.closed, 'not_declared', b.short_by = 0 AND b.over_by = 0, 'matched', b.over_by > b.short_by, 'over', 'short') AS state,
        if(b.closed, b.total_declared, NULL) AS declared,
        b.total_counted AS counted,
        if(b.closed, b.total_counted - b.total_declared, NULL) AS difference,
        b.short_by AS short_by,
        b.over_by AS over_by,
        arrayFilter(
            h -> b.closed AND h.1 = b.declared_epoch AND h.2 <= b.declared_last_seq AND h.3 >= b.declared_first_seq,
            arrayZip(s.hole_epoch, s.hole_first, s.hole_last)) AS holes,
        toUInt64(arraySum((a, z) -> z - a + 1, missing_first, missing_last)) AS missing,
        b.declared_epoch AS epoch,
        arrayMap(h -> greatest(h.2, b.declared_first_seq), holes) AS missing_first,
        arrayMap(h -> least(h.3, b.declared_last_seq), holes) AS missing_last,
        c.corrected AS corrected,
        arrayStringConcat(arrayMap((a, z) -> if(a = z, toString(a), concat(toString(a), '-', toString(z))),
            missing_first, missing_last), ', ') AS seqs
    FROM days AS b
    LEFT JOIN (SELECT day, working FROM r_office_days) AS o ON o.day = b.day
    LEFT JOIN (SELECT ward, hole_epoch, hole_first, hole_last FROM r_ward_sync) AS s ON s.ward = b.ward
    LEFT JOIN corrections AS c ON c.ward = b.ward AND c.day = b.day
    LEFT JOIN (SELECT code, name FROM r_wards) AS w ON w.code = b.ward
    WHERE b.closed OR (o.working AND b.day < today)
)
COMMENT 'vi: số kê khai của phường, xã so với sổ | en: what a ward declared against the book'
