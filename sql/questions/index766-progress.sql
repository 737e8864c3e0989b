-- vi: Điểm tiến độ của từng phường, xã theo cách của Bộ chỉ số 766 là bao nhiêu?
-- en: What is each ward's progress score in the manner of the index of Decision 766?
-- audience: leader, ward
-- chart: bar ward_name score
-- unit: vi: điểm trên 20 | en: points of 20
-- basis: vi: công thức suy ra từ số đã công bố, không phải văn bản; chỉ phần mà sự kiện cho biết | en: the formula was fitted from published figures and is not legal text; only the part that the events can give
-- ward: ward
-- param month Nullable(Date) default '' -- vi: Tháng của ngày này; trống là tháng mới nhất có dữ liệu | en: The month of this day; empty: the newest with data
-- param least UInt32 default 1 -- vi: Chỉ nêu nơi tiếp nhận ít nhất chừng này | en: Only wards that received at least so many
-- param ward String default '' choices ward -- vi: Phường, xã; trống là toàn thành phố | en: Ward; empty: the whole city
SELECT i.period AS month, i.ward AS ward, i.ward_name AS ward_name, i.score AS score, i.max_score AS max_score,
    i.numerator AS in_time, i.denominator AS received, i.formula_status AS formula_status, i.policy AS policy,
    i.basis_vi AS basis_vi, i.basis_en AS basis_en, i.complete AS month_over
FROM v_index766_ward_month AS i
WHERE i.grp = 'progress' AND i.denominator >= {least:UInt32}
    AND i.period = toStartOfMonth(ifNull({month:Nullable(Date)}, (SELECT max(day) FROM v_ward_day)))
    AND ({ward:String} = '' OR i.ward = {ward:String})
ORDER BY score, ward
