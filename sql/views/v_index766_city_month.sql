-- Maxima: group maxima of the index as read in a secondary source; formulas: fitted by that source on one province's
-- published figures. Neither is the text of the decision.
CREATE OR REPLACE VIEW v_index766_city_month
(
    period Date32 COMMENT 'vi: ngày đầu tháng | en: the first day of the month',
    grp String COMMENT 'vi: nhóm chỉ số | en: group of the index',
    part String COMMENT 'vi: chỉ số thành phần | en: part of the index',
    part_vi String COMMENT 'vi: tên bằng tiếng Việt | en: its name in Vietnamese',
    part_en String COMMENT 'vi: tên bằng tiếng Anh | en: its name in English',
    max_score Float64 COMMENT 'vi: điểm tối đa | en: maximal score',
    score Nullable(Float64) COMMENT 'vi: điểm, NULL nếu sự kiện không cho biết hoặc công thức không rõ | en: score, NULL if the events cannot give it or the formula is not known',
    numerator Nullable(Int64) COMMENT 'vi: tử số | en: numerator',
    denominator Nullable(Int64) COMMENT 'vi: mẫu số | en: denominator',
    basis String COMMENT 'vi: measured (đo được), ratio_only (chỉ có tỷ lệ) hoặc not_in_events (sự kiện không có) | en: measured, ratio_only or not_in_events',
    policy String COMMENT 'vi: quy tắc hạn trả, rỗng nếu không liên quan | en: rule of the due date, empty where none matters',
    formula String COMMENT 'vi: công thức đã dùng | en: the formula that was used',
    formula_status String COMMENT 'vi: FITTED (suy ra từ số đã công bố, không phải văn bản) hoặc UNKNOWN | en: FITTED (found from published figures, not legal text) or UNKNOWN',
    basis_vi String COMMENT 'vi: căn cứ, hoặc vì sao không có | en: the basis, or why there is none, in Vietnamese',
    basis_en String COMMENT 'vi: căn cứ, hoặc vì sao không có, tiếng Anh | en: the basis, or why there is none, in English',
    complete Bool COMMENT 'vi: tháng đã hết vào lúc hỏi | en: the month was over at the instant asked for'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
SELECT
    m.period AS period,
    i.grp AS grp,
    i.part AS part,
    i.vi AS part_vi,
    i.en AS part_en,
    i.max_score AS max_score,
    multiIf(
        i.basis != 'measured' OR ifNull(denominator, 0) = 0, NULL,
        toNullable(round(least(i.max_score, i.max_score * numerator / denominator), 4))) AS score,
    multiIf(i.measure = '', NULL, toNullable(m.figures[i.measure].1)) AS numerator,
    multiIf(i.measure = '', NULL, toNullable(m.figures[i.measure].2)) AS denominator,
    i.basis AS basis,
    i.policy AS policy,
    i.formula AS formula,
    i.formula_status AS formula_status,
    i.basis_vi AS basis_vi,
    i.basis_en AS basis_en,
    assumeNotNull(toDate32(toLastDayOfMonth(m.period)) < (SELECT toDate32(at) FROM r_now)) AS complete
FROM
(
    SELECT period,
        map(
            'progress', (sum(n_in_time), sum(n_received)),
            'online', (sum(n_online), sum(n_received)),
            'payment', (sum(n_paid), sum(n_payable)),
            'digitised', (sum(n_digitised), sum(n_said))) AS figures
    FROM
    (
        -- What the books hold is not counted once more from the raw steps.
        SELECT
            toDate32(toStartOfMonth(b.day)) AS period,
            toInt64(b.early + b.on_time) AS n_in_time, toInt64(b.received) AS n_received, toInt64(b.online) AS n_online,
            toInt64(0) AS n_paid, toInt64(0) AS n_payable, toInt64(0) AS n_digitised, toInt64(0) AS n_said
        FROM r_day AS b
        UNION ALL
        SELECT
            period, toInt64(0), toInt64(0), toInt64(0), toInt64(s.paid_online), toInt64(s.paid_online + s.paid_otherwise),
            toInt64(s.digitised), toInt64(s.digitised + s.not_digitised)
        FROM v_service_city_month AS s
    )
    GROUP BY period
) AS m
CROSS JOIN (SELECT * FROM r_index766) AS i
COMMENT 'vi: các phần của Bộ chỉ số 766 mà sự kiện cho biết, toàn thành phố, tháng; công thức suy ra từ số công bố, không phải văn bản pháp luật | en: the parts of the Decision 766 index that the events can give, city-wide by month; formulas are fitted, not legal text';
