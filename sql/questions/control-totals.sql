-- vi: Số phường, xã kê khai của một ngày có khớp với sổ không, nếu thiếu thì thiếu số thứ tự nào?
-- en: Do the wards' declared totals of a day match the book, and if short, which seqs are missing?
-- audience: operator, ward
-- ward: ward
-- param day Nullable(Date) default '' -- vi: Ngày; trống là ngày mới nhất có dữ liệu | en: Day; empty: the newest with data
-- param ward String default '' choices ward -- vi: Phường, xã; trống là toàn thành phố | en: Ward; empty: the whole city
SELECT ward, ward_name, state, declared, counted, short_by, over_by, missing, words_vi, words_en
FROM v_control_totals
WHERE ({ward:String} = '' OR ward = {ward:String}) AND day = ifNull({day:Nullable(Date)}, (SELECT max(day) FROM v_ward_day))
ORDER BY indexOf(['short', 'over', 'not_declared', 'matched'], state), ward
