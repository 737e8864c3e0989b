-- vi: Sổ nào đang khác dữ liệu gốc?
-- en: Which books differ from the raw events now?
-- audience: operator, analyst
-- ward: ward
-- param ward String default '' choices ward -- vi: Phường, xã; trống là toàn thành phố | en: Ward; empty: the whole city
SELECT ward, ward_name, day, since, checked_at, cells, book_steps, raw_steps, raw_steps - book_steps AS difference
FROM v_double_entry
WHERE open AND ({ward:String} = '' OR ward = {ward:String})
ORDER BY abs(difference) DESC, ward, day
