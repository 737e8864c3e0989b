-- vi: Số thông điệp không bảo toàn
-- en: Messages are not conserved
-- severity: critical
-- for: 30
-- what-vi: {hop_vi}, phân vùng {partition}: phải có {expected}, có {found}, thiếu {broken}. {detail_vi}
-- what-en: {hop_en}, partition {partition}: {expected} expected, {found} found, {broken} lost. {detail_en}
-- impact-vi: Có thông điệp đã nhận mà không được tính; số liệu của các phường, xã trong phân vùng đó có thể thiếu
-- impact-en: Messages were taken and are not counted; figures of the wards in that partition may be short
-- next-vi: Chạy: dongbo sql "SELECT * FROM v_coverage_holes", rồi: dongbo reconcile --repair
-- next-en: Run: dongbo sql "SELECT * FROM v_coverage_holes", then: dongbo reconcile --repair
SELECT
    concat(hop, '/', toString(partition)) AS key,
    '' AS ward,
    at AS since,
    hop_vi,
    hop_en,
    partition,
    expected,
    found,
    broken,
    detail_vi,
    detail_en
FROM v_conservation
WHERE state = 'broken'
ORDER BY key
