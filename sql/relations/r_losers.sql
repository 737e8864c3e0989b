-- Contents of seqs that were used before with another content: they do not count. Only full blocks (`r_full_blocks`) are
-- looked at.
CREATE OR REPLACE VIEW r_losers
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
SELECT ward, epoch, seq, arrayJoin(arrayFilter(hash -> hash != first_hash, hashes)) AS content_hash, dossiers
FROM
(
    SELECT
        ward, epoch, seq,
        groupUniqArray(e.content_hash) AS hashes,
        argMax(e.content_hash, e.rank) AS first_hash,
        groupUniqArray(e.dossier) AS dossiers
    FROM events AS e
    WHERE toYYYYMM(e.occurred_at) IN (SELECT month FROM r_full_block_months)
        AND intDiv(seq, 128) IN (SELECT block FROM r_full_blocks)
        AND (ward, epoch, intDiv(seq, 128)) IN (SELECT ward, epoch, block FROM r_full_blocks)
    GROUP BY ward, epoch, seq
    HAVING min(e.content_hash) != max(e.content_hash)
)
COMMENT 'vi: nội dung đến sau của số thứ tự dùng lại, không được tính | en: later contents of a seq that was used again; they do not count';

CREATE OR REPLACE VIEW r_losers_at
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
WITH (SELECT at FROM r_now_at(as_of = {as_of:String})) AS instant
SELECT ward, epoch, seq, arrayJoin(arrayFilter(hash -> hash != first_hash, hashes)) AS content_hash, dossiers
FROM
(
    SELECT
        ward, epoch, seq,
        groupUniqArray(e.content_hash) AS hashes,
        argMax(e.content_hash, e.rank) AS first_hash,
        groupUniqArray(e.dossier) AS dossiers
    FROM events AS e
    WHERE arrived_at <= instant
        AND toYYYYMM(e.occurred_at) IN (SELECT month FROM r_full_block_months)
        AND intDiv(seq, 128) IN (SELECT block FROM r_full_blocks)
        AND (ward, epoch, intDiv(seq, 128)) IN (SELECT ward, epoch, block FROM r_full_blocks)
    GROUP BY ward, epoch, seq
    HAVING min(e.content_hash) != max(e.content_hash)
)
COMMENT 'vi: nội dung đến sau của số thứ tự dùng lại, tại một mốc | en: later contents of a seq that was used again, at a cut';
