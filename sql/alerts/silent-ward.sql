-- vi: Phường, xã im lặng trong giờ làm việc
-- en: A ward is silent during office hours
-- severity: critical
-- what-vi: {ward_name} ({ward}) không gửi sự kiện hay nhịp tim nào trong giờ làm việc; tin cuối lúc {heard_at}
-- what-en: {ward_name} ({ward}) has sent no event and no heartbeat during office hours; heard last at {heard_at}
-- impact-vi: Số liệu của phường, xã dừng ở {event_at} và không được tính vào mốc đồng bộ của thành phố
-- impact-en: The ward's figures stand still at {event_at}, and the city's cut leaves it out
-- next-vi: Gọi bộ phận một cửa, kiểm tra đường truyền và tiến trình gửi; rồi chạy: dongbo ward show {ward}
-- next-en: Call the one-stop desk, check its line and its sender; then run: dongbo ward show {ward}
-- The closing ends no silence, and begins none.
SELECT
    ward AS key, ward, if(reason IN ('silent', 'silent_before_closing'), since, ifNull(heard_at, at)) AS since, heard_at,
    event_at, pending, alive = 'silent' AS starts
FROM v_ward_status
WHERE alive = 'silent' OR reason = 'silent_before_closing'
ORDER BY ward
