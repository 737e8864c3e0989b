-- Contents of seqs that were used before with another content: they do not count. Only full blocks (`r_full_blocks`) are
-- looked at.
CREATE OR REPLACE VIEW r_losers
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
SELECT ward, epoch, seq, content_hash, dossiers
FROM
(
    SELECT ward, epoch, seq, content_hash, counted, groupUniqArray(dossier) OVER (PARTITION BY ward, epoch, seq) AS dossiers
    FROM r_full_block_events
)
WHERE NOT counted
UNION ALL
SELECT ward, epoch, seq, content_hash, dossiers FROM r_many_losers
COMMENT 'vi: nội dung đến sau của số thứ tự dùng lại, không được tính | en: later contents of a seq that was used again; they do not count';

CREATE OR REPLACE VIEW r_losers_at
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
SELECT ward, epoch, seq, content_hash, dossiers
FROM
(
    SELECT ward, epoch, seq, content_hash, counted, groupUniqArray(dossier) OVER (PARTITION BY ward, epoch, seq) AS dossiers
    FROM r_full_block_events_at(as_of = {as_of:String})
)
WHERE NOT counted
UNION ALL
SELECT ward, epoch, seq, content_hash, dossiers FROM r_many_losers_at(as_of = {as_of:String})
COMMENT 'vi: nội dung đến sau của số thứ tự dùng lại, tại một mốc | en: later contents of a seq that was used again, at a cut';
