-- A retraction whose seq was used before with another content does not count itself.
CREATE OR REPLACE VIEW r_retracted
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
SELECT l.ward AS ward, l.dossier AS dossier, l.of_epoch AS epoch, l.of_seq AS seq
FROM late_events AS l
WHERE l.of_seq > 0
    AND (l.ward, l.epoch, l.seq, l.content_hash) NOT IN (SELECT ward, epoch, seq, content_hash FROM r_losers)
COMMENT 'vi: các bước đã bị rút lại, có thể lặp | en: steps that were taken back, may repeat';

CREATE OR REPLACE VIEW r_retracted_at
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
WITH (SELECT at FROM r_now_at(as_of = {as_of:String})) AS instant
SELECT l.ward AS ward, l.dossier AS dossier, l.of_epoch AS epoch, l.of_seq AS seq
FROM late_events AS l
WHERE l.of_seq > 0 AND l.arrived_at <= instant
    AND (l.ward, l.epoch, l.seq, l.content_hash) NOT IN
        (SELECT ward, epoch, seq, content_hash FROM r_losers_at(as_of = {as_of:String}))
COMMENT 'vi: các bước đã bị rút lại tại một mốc, có thể lặp | en: steps that had been taken back at a cut, may repeat';
