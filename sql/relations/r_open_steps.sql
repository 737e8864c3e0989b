-- Steps of dossiers that may be open: all steps of each of them, and of some that have ended. As of a cut also of
-- those that ended after it. Seqs that were used twice can make an end look certain that is none, so their
-- dossiers are always looked at.
CREATE OR REPLACE VIEW r_open_steps
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
SELECT * FROM dossiers
WHERE (ward, dossier) IN
(
    SELECT ward, dossier FROM open_dossiers FINAL WHERE NOT arrayExists(e -> NOT has(taken, e), ends)
    UNION ALL
    SELECT ward, arrayJoin(dossiers) FROM r_losers
)
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
