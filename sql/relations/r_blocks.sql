-- Blocks of seqs with more rows than seqs: a row came again there, or a seq was used for other content. A superset for every
-- cut, found within spans of blocks of which the same is true. What was looked at since and has a row a seq is left out
-- (`clean`, `settled_seqs`): then it has so at every cut before, too.
CREATE OR REPLACE VIEW r_doubtful_spans
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
SELECT ward, epoch, span, sum(s.inserted) AS inserted
FROM span_seqs AS s
GROUP BY ward, epoch, span
HAVING inserted != max(s.clean)
COMMENT 'vi: khoảng số thứ tự chưa rõ mỗi số chỉ có một dòng | en: spans of seqs of which it is not known that their rows are one a seq';

CREATE OR REPLACE VIEW r_full_spans
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
SELECT ward, epoch, span, inserted
FROM span_seqs FINAL
-- By the key first: so the bitmaps of the others are not read. Every doubtful span has such a row, and few others have one
-- that merges have not been at: rows are merged in the order in which they came, so those up to a note and nothing else are.
WHERE (ward, epoch, span) IN (SELECT ward, epoch, span FROM span_seqs WHERE inserted != clean)
    AND inserted != clean AND inserted > bitmapCardinality(seqs)
COMMENT 'vi: khoảng số thứ tự có nhiều dòng hơn số | en: spans of seqs with more rows than seqs';

CREATE OR REPLACE VIEW r_full_blocks
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
SELECT ward, epoch, block, inserted
FROM block_seqs FINAL
WHERE inserted > bitmapCardinality(seqs)
    AND (ward, epoch, intDiv(block, 128)) IN (SELECT ward, epoch, span FROM r_full_spans)
    AND (ward, epoch, block, inserted) NOT IN (SELECT ward, epoch, number, inserted FROM settled_seqs WHERE size = 128 AND settled = 1)
COMMENT 'vi: khối số thứ tự có nhiều dòng hơn số | en: blocks of seqs with more rows than seqs';

-- The same for a question as a whole: as a scalar (`WITH (SELECT full FROM r_full_blocks_once) AS full`) it is looked up once,
-- however many relations ask, and all of them speak of the same blocks; as a set each asks for itself. Where blocks are so
-- many that a list of them costs more than it saves, there is none (`many`).
CREATE OR REPLACE VIEW r_full_blocks_once
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
SELECT
    CAST(
        (
            count() > 4096,
            if(count() > 4096, [], groupArray(4096)((ward, epoch, block))),
            if(count() > 4096, [], groupUniqArray(4096)(block))
        ),
        'Tuple(many Bool, blocks Array(Tuple(LowCardinality(String), LowCardinality(String), UInt64)), numbers Array(UInt64))') AS full
FROM r_full_blocks
COMMENT 'vi: các khối đó, xem một lần cho cả câu hỏi | en: those blocks, looked up once for a whole question';

-- Rows of a block lie in the months in which its seqs landed, so no other partition of ten years is looked at.
CREATE OR REPLACE VIEW r_full_block_months
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
WITH (SELECT full FROM r_full_blocks_once) AS full
SELECT DISTINCT l.month AS month
FROM landed_seqs AS l
INNER JOIN (SELECT arrayJoin(full.blocks) AS one, one.1 AS ward, one.2 AS epoch, one.3 AS block) AS f
    ON f.ward = l.ward AND f.epoch = l.epoch
WHERE (l.ward, l.epoch) IN arrayDistinct(arrayMap(one -> (one.1, one.2), full.blocks))
    AND notEmpty(bitmapToArray(bitmapSubsetInRange(l.seqs, f.block * 128, f.block * 128 + 128)))
COMMENT 'vi: các tháng có khối số thứ tự như vậy | en: months in which such blocks lie';
