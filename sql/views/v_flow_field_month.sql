CREATE OR REPLACE VIEW v_flow_field_month
(
    period Date32 COMMENT 'vi: ngày đầu tháng | en: the first day of the month',
    ward String COMMENT 'vi: mã phường, xã | en: ward code',
    ward_name String COMMENT 'vi: tên phường, xã | en: name of the ward',
    field String COMMENT 'vi: lĩnh vực | en: field',
    channel String COMMENT 'vi: kênh nộp | en: channel',
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
    complete Bool COMMENT 'vi: tháng đã hết vào lúc hỏi; nếu chưa, số liệu còn tăng | en: the month was over at the instant asked for; if not, the figures still grow'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
SELECT
    f.row.1 AS period,
    f.ward AS ward,
    w.name AS ward_name,
    f.field AS field,
    f.channel AS channel,
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
    assumeNotNull(toDate32(toLastDayOfMonth(f.row.1)) < (SELECT toDate32(at) FROM r_now)) AS complete
FROM
(
    SELECT ward, field, channel, row, closing
    FROM
    (
        SELECT
            ward, field, channel, arraySort(one -> one.1, groupArray((period, registered, received, refused, resolved, withdrawn, stopped, returned))) AS list,
            arrayCumSum(one -> one.3 - one.5 - one.6 - one.7, list) AS closings
        FROM
        (
            SELECT ward, field, channel, period, sum(n_registered) AS registered, sum(n_received) AS received, sum(n_refused) AS refused, sum(n_resolved) AS resolved, sum(n_withdrawn) AS withdrawn, sum(n_stopped) AS stopped, sum(n_returned) AS returned
            FROM
            (
                SELECT b.ward AS ward, toString(cell.1) AS field, toString(cell.2) AS channel, toDate32(toStartOfMonth(b.day)) AS period,
                    toInt64(sumIf(cell.4, cell.3 = 1)) AS n_registered, toInt64(sumIf(cell.4, cell.3 = 2)) AS n_received, toInt64(sumIf(cell.4, cell.3 = 3)) AS n_refused, toInt64(sumIf(cell.4, cell.3 = 9)) AS n_resolved, toInt64(sumIf(cell.4, cell.3 = 7)) AS n_withdrawn, toInt64(sumIf(cell.4, cell.3 = 8)) AS n_stopped, toInt64(sumIf(cell.4, cell.3 = 10)) AS n_returned
                FROM (SELECT ward, day, arrayJoin(arrayZip(field, channel, status, count)) AS cell FROM r_book) AS b
                GROUP BY ward, field, channel, period
                UNION ALL
                -- So that no period is missing.
                SELECT k.ward, k.field, k.channel, d.period, toInt64(0), toInt64(0), toInt64(0), toInt64(0), toInt64(0), toInt64(0), toInt64(0)
                FROM (SELECT DISTINCT toString(ward) AS ward, toString(cell.1) AS field, toString(cell.2) AS channel FROM (SELECT ward, arrayJoin(arrayZip(field, channel)) AS cell FROM r_book)) AS k
                CROSS JOIN (SELECT DISTINCT toDate32(toStartOfMonth(o.day)) AS period FROM (SELECT day FROM r_office_days) AS o WHERE o.day BETWEEN (SELECT min(day) FROM r_day) AND (SELECT toDate32(at) FROM r_now)) AS d
            )
            GROUP BY ward, field, channel, period
        )
        GROUP BY ward, field, channel
    )
    ARRAY JOIN list AS row, closings AS closing
) AS f
LEFT JOIN (SELECT code, name FROM r_wards) AS w ON w.code = f.ward
COMMENT 'vi: dòng hồ sơ theo lĩnh vực và kênh nộp, từng phường, xã, theo tháng; cộng các dòng để có tổng | en: flow by field and channel of each ward by month; rows add up to totals';
