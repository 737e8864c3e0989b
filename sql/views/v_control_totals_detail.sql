CREATE OR REPLACE VIEW v_control_totals_detail
(
    ward String COMMENT 'vi: mã phường, xã | en: ward code',
    ward_name String COMMENT 'vi: tên phường, xã | en: name of the ward',
    day Date32 COMMENT 'vi: ngày đã chốt | en: day that the ward has closed',
    status UInt8 COMMENT 'vi: trạng thái 1..10 | en: status 1..10',
    declared Int64 COMMENT 'vi: số bước do phường, xã kê khai | en: steps that the ward declared',
    counted Int64 COMMENT 'vi: số bước trong sổ, đã trừ các bước bị rút lại | en: steps in the book, net of retractions',
    difference Int64 COMMENT 'vi: sổ trừ kê khai: âm là thiếu, dương là thừa | en: book less declared: negative is short, positive is over'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
SELECT
    b.ward AS ward,
    w.name AS ward_name,
    b.day AS day,
    cell.1 AS status,
    toInt64(cell.2) AS declared,
    toInt64(cell.3) AS counted,
    counted - declared AS difference
FROM
(
    SELECT
        ward,
        day,
        arrayJoin(arrayMap(
            s -> (s,
                arraySum((t, n) -> if(t = s, toInt64(n), 0), declared_status, declared_count),
                arraySum((t, n) -> if(t = s, n, 0), status, count)),
            arraySort(arrayDistinct(arrayConcat(declared_status, status))))) AS cell
    FROM r_book
    WHERE declared
) AS b
LEFT JOIN (SELECT code, name FROM r_wards) AS w ON w.code = b.ward
COMMENT 'vi: số kê khai của ngày đã chốt so với sổ, từng trạng thái | en: declared totals of closed days against the book, status by status'
