-- vi: Phường, xã nào còn thiếu sự kiện, thiếu số nào, từ lúc nào?
-- en: Which wards have events missing, which seqs, and since when?
-- audience: operator, ward
-- chart: bar ward_name missing
-- unit: vi: sự kiện | en: events
-- ward: ward
-- param ward String default '' choices ward -- vi: Phường, xã; trống là toàn thành phố | en: Ward; empty: the whole city
-- param only_missing UInt8 default 1 -- vi: 1: chỉ nơi còn thiếu; 0: mọi nơi | en: 1: only wards with something missing; 0: all
SELECT s.ward AS ward, s.ward_name AS ward_name, s.events AS events, s.missing AS missing,
    if(s.events + s.missing > 0, round(s.events / (s.events + s.missing), 4), NULL) AS complete,
    arrayStringConcat(arrayMap((a, b) -> if(a = b, toString(a), concat(toString(a), '-', toString(b))), s.hole_first, s.hole_last), ', ') AS missing_seqs,
    if(empty(s.hole_since), NULL, arrayMin(s.hole_since)) AS missing_since, s.pending AS pending, s.heard_at AS heard_at
FROM v_ward_sync AS s
WHERE (NOT {only_missing:UInt8} OR s.missing > 0 OR s.events = 0) AND ({ward:String} = '' OR s.ward = {ward:String})
ORDER BY complete NULLS FIRST, ward
