-- vi: Phường, xã nào im lặng hoặc gửi chậm, từ lúc nào?
-- en: Which wards are silent or behind, and since when?
-- audience: operator
SELECT ward, ward_name, alive, status, reason_vi, reason_en, since, heard_at, heartbeat_at, pending, office_open
FROM v_ward_status
WHERE alive IN ('silent', 'behind', 'never') OR reason = 'silent_before_closing'
ORDER BY indexOf(['silent', 'closed', 'behind', 'never'], alive), since, ward
