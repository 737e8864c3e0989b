-- The instant for which is asked. `as_of` is the number of a cut, or an instant in Hanoi's time: then the newest
-- cut not after it, and an error if no cut has passed it yet, because that answer could still change.
CREATE OR REPLACE VIEW r_now
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS SELECT toUInt64(0) AS cut, now64(3, 'Asia/Ho_Chi_Minh') AS at, toUInt32(4294967295) AS generation
COMMENT 'vi: thời điểm được hỏi: bây giờ | en: the instant asked for: now';

CREATE OR REPLACE VIEW r_now_at
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
WITH
    match({as_of:String}, '^[0-9]{1,18}$') AS is_number,
    parseDateTime64BestEffortOrZero({as_of:String}, 3, 'Asia/Ho_Chi_Minh') AS instant,
    if(is_number, toInt64OrZero({as_of:String}), intDiv(toUnixTimestamp64Milli(instant) - 1735664400000, 10000)) AS number_max,
    (SELECT max(at) FROM city_cut) AS newest
SELECT cut, at, generation
FROM
(
    SELECT
        max(c.number) AS cut,
        max(c.at) AS at,
        argMax(c.generation, c.number) AS generation,
        count() = 0 OR if(is_number, cut != number_max, instant > newest) AS wrong
    FROM city_cut AS c
    WHERE c.number <= number_max
)
-- In WHERE, so that it is looked at whichever column is asked for.
WHERE throwIf(wrong, 'no_such_cut: as_of names no published cut. See: SELECT number, at FROM v_city_cut') = 0
    -- What such a cut would be made of has been removed: no answer is better than half of one.
    AND throwIf(NOT wrong AND at < (SELECT max(until) FROM removals),
        'cut_expired: what this cut is asked from was removed. See: SELECT * FROM v_retention') = 0
COMMENT 'vi: thời điểm được hỏi: một mốc đã công bố | en: the instant asked for: a published cut';
