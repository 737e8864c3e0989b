-- Contents of seqs that were used before with another content: they do not count. Blocks of seqs with more rows than
-- seqs are looked at, no others, and only within spans of blocks of which the same is true.
CREATE OR REPLACE VIEW r_full_blocks
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
SELECT ward, epoch, block
FROM seq_blocks FINAL
WHERE inserted > bitmapCardinality(seqs)
    AND (ward, epoch, intDiv(block, 128)) IN (SELECT ward, epoch, span FROM seq_spans FINAL WHERE inserted > bitmapCardinality(seqs))
COMMENT 'vi: khối số thứ tự có nhiều dòng hơn số | en: blocks of seqs with more rows than seqs';

-- Rows of a block lie in the months in which its seqs landed, so no other partition of ten years is looked at.
CREATE OR REPLACE VIEW r_full_block_months
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
SELECT DISTINCT l.month AS month
FROM landed_seqs AS l
INNER JOIN r_full_blocks AS f ON f.ward = l.ward AND f.epoch = l.epoch
WHERE (l.ward, l.epoch) IN (SELECT ward, epoch FROM r_full_blocks)
    AND notEmpty(bitmapToArray(bitmapSubsetInRange(l.seqs, f.block * 128, f.block * 128 + 128)))
COMMENT 'vi: các tháng có khối số thứ tự như vậy | en: months in which such blocks lie';

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
