-- vi: Đồng hồ phường, xã sai
-- en: A ward's clock is wrong
-- severity: warning
-- for: 30
-- what-vi: Đồng hồ của {ward_name} ({ward}) {way_vi} Kafka {seconds_off} giây
-- what-en: The clock of {ward_name} ({ward}) is {seconds_off} seconds {way_en} Kafka's
-- impact-vi: Giờ và có khi cả ngày của sự kiện bị ghi sai; lệch quá một ngày thì sự kiện bị từ chối
-- impact-en: Events carry a wrong time and perhaps a wrong day; more than a day ahead and they are rejected
-- next-vi: Bật đồng bộ giờ (NTP) trên máy gửi của phường, xã; rồi xem: dongbo ward show {ward}
-- next-en: Switch on time synchronisation (NTP) where the ward sends from; then see: dongbo ward show {ward}
-- param seconds UInt32 default 120
SELECT
    ward AS key,
    ward,
    at AS since,
    intDiv(abs(assumeNotNull(skew_ms)), 1000) AS seconds_off,
    if(skew_ms > 0, 'nhanh hơn', 'chậm hơn') AS way_vi,
    if(skew_ms > 0, 'ahead of', 'behind') AS way_en
FROM v_ward_status
WHERE skew_ms IS NOT NULL AND abs(assumeNotNull(skew_ms)) > toInt64({seconds:UInt32}) * 1000
ORDER BY ward
