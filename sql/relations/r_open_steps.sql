-- The newest copy of the states of open dossiers that is complete, 1970 if there is none. One that lies in the future was made before
-- somebody set the clock back.
CREATE OR REPLACE VIEW r_open_copy
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS SELECT max(c.made) AS made FROM open_copies AS c WHERE c.made BETWEEN now() - INTERVAL 3 HOUR AND now()
COMMENT 'vi: bản sao mới nhất tình trạng của hồ sơ chưa kết thúc | en: the newest copy of the states of open dossiers';

-- Dossiers that may be open, each with whether the copy has its state. It has, if nothing of the dossier was written since an
-- hour before the copy was begun: an hour is more than any insert takes to be seen.
CREATE OR REPLACE VIEW r_open_keys
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
WITH (SELECT made FROM r_open_copy) AS newest
SELECT
    ward, dossier,
    o.stored_at < newest - INTERVAL 1 HOUR
        AND (ward, dossier) IN (SELECT ward, dossier FROM open_states WHERE made = newest) AS copied
FROM open_dossiers AS o FINAL
WHERE NOT arrayExists(e -> NOT has(taken, e), ends)
COMMENT 'vi: hồ sơ có thể chưa kết thúc, và bản sao có tình trạng của chúng hay không | en: dossiers that may be open, and whether the copy has their state';

-- What the copy says of dossiers that may still be open. Whoever reads it takes what the steps say where they say anything:
-- a dossier is in both if it was written since, and is in one at least whatever is written while this is answered.
CREATE OR REPLACE VIEW r_open_states
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
-- The newest copy, whatever its age: should the one above grow too old while this is answered, nothing falls between.
SELECT * EXCEPT (made) FROM open_states
WHERE made = (SELECT max(made) FROM open_copies) AND (ward, dossier) IN (SELECT ward, dossier FROM r_open_keys)
COMMENT 'vi: tình trạng của hồ sơ có thể chưa kết thúc theo bản sao | en: the state of dossiers that may be open, as the copy has it';

-- No copy says what was open at a cut.
CREATE OR REPLACE VIEW r_open_states_at
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
SELECT * EXCEPT (made) FROM open_states WHERE {as_of:String} != {as_of:String}
COMMENT 'vi: rỗng: không có bản sao nào của một mốc | en: empty: there is no copy of a cut';

-- Steps of dossiers that may be open and are not in the copy: all steps of each of them, and of some that have ended. As of a
-- cut of all that may have been open, those that ended after it among them. Seqs that were used twice can make an end look
-- certain that is none, so their dossiers are always looked at.
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
COMMENT 'vi: các bước của hồ sơ có thể chưa kết thúc mà bản sao không có, có thể lặp | en: the steps of dossiers that may be open and are not in the copy, may repeat';

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
