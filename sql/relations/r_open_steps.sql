-- The newest copy of those steps that is complete, 1970 if there is none. One that lies in the future was made before
-- somebody set the clock back.
CREATE OR REPLACE VIEW r_open_copy
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS SELECT max(c.made) AS made FROM open_copies AS c WHERE c.made BETWEEN now() - INTERVAL 3 HOUR AND now()
COMMENT 'vi: bản sao mới nhất các bước của hồ sơ có thể chưa kết thúc | en: the newest copy of the steps of dossiers that may be open';

-- Dossiers that may be open, each with whether the copy has all of its steps. It has, if nothing of the dossier was written
-- since an hour before the copy was begun: an hour is more than any insert takes to be seen.
CREATE OR REPLACE VIEW r_open_keys
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
WITH (SELECT made FROM r_open_copy) AS newest
SELECT
    ward, dossier,
    o.stored_at < newest - INTERVAL 1 HOUR
        AND (ward, dossier) IN (SELECT ward, dossier FROM open_steps WHERE made = newest) AS copied
FROM open_dossiers AS o FINAL
WHERE NOT arrayExists(e -> NOT has(taken, e), ends)
COMMENT 'vi: hồ sơ có thể chưa kết thúc, và bản sao có đủ các bước hay không | en: dossiers that may be open, and whether the copy has all of their steps';

-- Steps of dossiers that may be open: all steps of each of them, and of some that have ended. As of a cut also of
-- those that ended after it. Seqs that were used twice can make an end look certain that is none, so their
-- dossiers are always looked at.
CREATE OR REPLACE VIEW r_open_steps
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
SELECT * FROM dossiers
WHERE (ward, dossier) IN
(
    SELECT ward, dossier FROM r_open_keys WHERE NOT copied
    UNION ALL
    SELECT ward, arrayJoin(dossiers) FROM r_losers
)
UNION ALL
-- The newest copy, whatever its age: should the one above grow too old while this is answered, nothing falls between.
SELECT * EXCEPT (made) FROM open_steps
WHERE made = (SELECT max(made) FROM open_copies) AND (ward, dossier) IN (SELECT ward, dossier FROM r_open_keys)
COMMENT 'vi: các bước của hồ sơ có thể chưa kết thúc, có thể lặp | en: the steps of dossiers that may be open, may repeat';

CREATE OR REPLACE VIEW r_open_steps_at
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
WITH (SELECT at FROM r_now_at(as_of = {as_of:String})) AS instant
SELECT * FROM dossiers
WHERE rank > 9223372036854775807 - (toUInt64(toUnixTimestamp64Milli(instant)) + 1) * 1048576
    AND (ward, dossier) IN
    (
        SELECT ward, dossier FROM open_dossiers FINAL WHERE NOT arrayExists(e -> NOT has(taken, e), ends)
        UNION ALL
        SELECT ward, dossier FROM dossier_ends WHERE arrived_at > instant
        UNION ALL
        SELECT ward, arrayJoin(dossiers) FROM r_losers_at(as_of = {as_of:String})
    )
COMMENT 'vi: các bước của hồ sơ có thể chưa kết thúc tại một mốc, có thể lặp | en: the steps of dossiers that may have been open at a cut, may repeat';
