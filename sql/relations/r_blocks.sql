-- Blocks of seqs with more rows than seqs: a row came again there, or a seq was used for other content. A superset for every
-- cut, found within spans of blocks of which the same is true.
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
