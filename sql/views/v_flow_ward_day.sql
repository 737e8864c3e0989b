CREATE OR REPLACE VIEW v_flow_ward_day
(
    period Date32 COMMENT 'vi: ngày | en: the day',
    ward String COMMENT 'vi: mã phường, xã | en: ward code',
    ward_name String COMMENT 'vi: tên phường, xã | en: name of the ward',
    opening Int64 COMMENT 'vi: tồn đầu kỳ | en: backlog at the beginning',
    registered Int64 COMMENT 'vi: mới đăng ký (trạng thái 1), chưa tính là tồn | en: registered (status 1), not part of the backlog',
    received Int64 COMMENT 'vi: được tiếp nhận (trạng thái 2) | en: received (status 2)',
    refused Int64 COMMENT 'vi: không được tiếp nhận (trạng thái 3), không tính vào kết thúc | en: not accepted (status 3), not among the ended',
    resolved Int64 COMMENT 'vi: xử lý xong (trạng thái 9) | en: processed to the end (status 9)',
    withdrawn Int64 COMMENT 'vi: công dân rút hồ sơ (trạng thái 7) | en: withdrawn by the applicant (status 7)',
    stopped Int64 COMMENT 'vi: dừng xử lý (trạng thái 8) | en: stopped (status 8)',
    returned Int64 COMMENT 'vi: trả kết quả (trạng thái 10), đã tính khi xử lý xong | en: results handed over (status 10), counted when resolved already',
    ended Int64 COMMENT 'vi: kết thúc = resolved + withdrawn + stopped | en: ended = resolved + withdrawn + stopped',
    closing Int64 COMMENT 'vi: tồn cuối kỳ = opening + received - ended | en: backlog at the end = opening + received - ended',
    complete Bool COMMENT 'vi: ngày đã hết vào lúc hỏi | en: the day was over at the instant asked for'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
SELECT
    f.row.1 AS period,
    f.ward AS ward,
    w.name AS ward_name,
    f.closing - f.row.3 + ended AS opening,
    f.row.2 AS registered,
    f.row.3 AS received,
    f.row.4 AS refused,
    f.row.5 AS resolved,
    f.row.6 AS withdrawn,
    f.row.7 AS stopped,
    f.row.8 AS returned,
    f.row.5 + f.row.6 + f.row.7 AS ended,
    f.closing AS closing,
    assumeNotNull(f.row.1 < (SELECT toDate32(at) FROM r_now)) AS complete
FROM
(
    SELECT ward, row, closing
    FROM
    (
        SELECT
            ward, arraySort(one -> one.1, groupArray((period, registered, received, refused, resolved, withdrawn, stopped, returned))) AS list,
            arrayCumSum(one -> one.3 - one.5 - one.6 - one.7, list) AS closings
        FROM
        (
            SELECT ward, period, sum(n_registered) AS registered, sum(n_received) AS received, sum(n_refused) AS refused, sum(n_resolved) AS resolved, sum(n_withdrawn) AS withdrawn, sum(n_stopped) AS stopped, sum(n_returned) AS returned
            FROM
            (
                SELECT b.ward AS ward, b.day AS period, toInt64(sum(b.registered)) AS n_registered, toInt64(sum(b.received)) AS n_received, toInt64(sum(b.refused)) AS n_refused, toInt64(sum(b.resolved)) AS n_resolved, toInt64(sum(b.withdrawn)) AS n_withdrawn, toInt64(sum(b.stopped)) AS n_stopped, toInt64(sum(b.returned)) AS n_returned
                FROM r_day AS b
                GROUP BY ward, period
                UNION ALL
                -- So that no period is missing.
                SELECT k.ward, d.period, toInt64(0), toInt64(0), toInt64(0), toInt64(0), toInt64(0), toInt64(0), toInt64(0)
                FROM (SELECT DISTINCT ward FROM r_day) AS k
                CROSS JOIN (SELECT DISTINCT o.day AS period FROM (SELECT day FROM r_office_days) AS o WHERE o.day BETWEEN (SELECT min(day) FROM r_day) AND (SELECT toDate32(at) FROM r_now)) AS d
            )
            GROUP BY ward, period
        )
        GROUP BY ward
    )
    ARRAY JOIN list AS row, closings AS closing
) AS f
LEFT JOIN (SELECT code, name FROM r_wards) AS w ON w.code = f.ward
COMMENT 'vi: dòng hồ sơ của từng phường, xã theo ngày: tồn đầu + tiếp nhận - kết thúc = tồn cuối, đếm bước theo sổ | en: flow of each ward by day: opening + received - ended = closing, in steps by the books';
