-- vi: Thiếu sự kiện đã lâu
-- en: Events have been missing for long
-- severity: critical
-- what-vi: {ward_name} ({ward}) thiếu {missing} sự kiện đã hơn {minutes} phút: số {seqs}
-- what-en: {ward_name} ({ward}) has had {missing} events missing for more than {minutes} minutes: seqs {seqs}
-- impact-vi: Số liệu của phường, xã chưa đủ; mốc đồng bộ của thành phố không tính phường, xã này
-- impact-en: The ward's figures are not complete; the city's cut leaves it out
-- next-vi: Chạy: dongbo ward request {ward}; nếu hộp gửi không trả lời, gọi phường, xã khởi động lại tiến trình gửi
-- next-en: Run: dongbo ward request {ward}; if its outbox does not answer, have the ward restart its sender
-- param seconds UInt32 default 900
SELECT
    s.ward AS key,
    s.ward AS ward,
    min(known_since) AS since,
    sum(toUInt64(last - first + 1)) AS missing,
    intDiv(toUInt32({seconds:UInt32}), 60) AS minutes,
    arraySort(groupArray(20)(if(first = last, toString(first), concat(toString(first), '-', toString(last))))) AS seqs
FROM v_ward_status AS s
ARRAY JOIN hole_first AS first, hole_last AS last, hole_since AS known_since
WHERE known_since <= (SELECT at FROM r_now) - toIntervalSecond({seconds:UInt32})
GROUP BY s.ward
ORDER BY key
