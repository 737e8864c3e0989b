-- Rejected messages without their bytes.
CREATE OR REPLACE VIEW r_rejects
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS SELECT topic_id, topic, partition, `offset`, arrived_at, ward, reason, detail, member, bytes FROM rejects FINAL
COMMENT 'vi: thông điệp bị từ chối | en: rejected messages';

CREATE OR REPLACE VIEW r_rejects_at
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
WITH (SELECT at FROM r_now_at(as_of = {as_of:String})) AS instant
SELECT topic_id, topic, partition, `offset`, arrived_at, ward, reason, detail, member, bytes FROM rejects FINAL
WHERE arrived_at <= instant
COMMENT 'vi: thông điệp bị từ chối tại một mốc | en: messages that had been rejected at a cut';
