-- vi: Số kê khai không khớp với sổ
-- en: Declared totals do not match the book
-- severity: critical
-- for: 30
-- every: 10
-- what-vi: {ward_name} ({ward}) kê khai {declared} bước cho ngày {on_day}, sổ có {counted}: {words_vi}
-- what-en: {ward_name} ({ward}) declared {declared} steps for {on_day}, the book has {counted}: {words_en}
-- impact-vi: Số liệu ngày {on_day} của phường, xã chưa được hai bên xác nhận, không nên dùng trong báo cáo
-- impact-en: The ward's figures of {on_day} are not confirmed by both sides and should not go into a report
-- next-vi: Xem từng trạng thái: dongbo sql "SELECT * FROM v_control_totals_detail WHERE ward = '{ward}' AND day = '{day}'"; còn thiếu số thứ tự thì chạy: dongbo ward request {ward}
-- next-en: See each status: dongbo sql "SELECT * FROM v_control_totals_detail WHERE ward = '{ward}' AND day = '{day}'"; where seqs are missing run: dongbo ward request {ward}
-- param days UInt32 default 7
SELECT
    concat(ward, '/', toString(day)) AS key,
    ward,
    (SELECT at FROM r_now) AS since,
    day,
    formatDateTime(day, '%d/%m/%Y') AS on_day,
    declared,
    counted,
    short_by,
    over_by,
    words_vi,
    words_en
FROM v_control_totals
WHERE state IN ('short', 'over') AND day > toDate32((SELECT at FROM r_now)) - {days:UInt32}
ORDER BY key
