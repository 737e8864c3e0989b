-- vi: Thông điệp bị từ chối vì lý do gì, của phường, xã nào, cần gửi gì thay thế?
-- en: Why were messages rejected, whose were they, and what should be sent instead?
-- audience: ward, operator
-- ward: ward
-- chart: bar reason messages
-- unit: vi: thông điệp | en: messages
-- param hours UInt32 default 720 -- vi: Trong bao nhiêu giờ gần nhất | en: Within how many hours
-- param ward String default '' choices ward -- vi: Phường, xã; trống là toàn thành phố | en: Ward; empty: the whole city
SELECT reason, any(reason_vi) AS reason_vi, any(reason_en) AS reason_en, count() AS messages,
    uniqExactIf(ward, ward != '') AS wards, arraySort(groupUniqArray(10)(ward)) AS some_wards,
    max(arrived_at) AS newest, any(remedy_vi) AS remedy_vi, any(remedy_en) AS remedy_en
FROM v_rejects
WHERE ({ward:String} = '' OR ward = {ward:String}) AND arrived_at > (SELECT at FROM r_now) - toIntervalHour({hours:UInt32})
GROUP BY reason
ORDER BY messages DESC, reason
