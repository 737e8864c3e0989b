-- What the monitor found and did, as it stands now, and as it stood at a cut.
CREATE OR REPLACE VIEW r_alerts
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS SELECT * FROM alerts FINAL
COMMENT 'vi: cảnh báo | en: alerts';

CREATE OR REPLACE VIEW r_alerts_at
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
WITH (SELECT at FROM r_now_at(as_of = {as_of:String})) AS instant
SELECT * EXCEPT (known_at) FROM alert_history FINAL
WHERE known_at <= instant
ORDER BY version DESC
LIMIT 1 BY id
COMMENT 'vi: cảnh báo tại một mốc | en: alerts, at a cut';

CREATE OR REPLACE VIEW r_alert_acks
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS SELECT * FROM alert_acks FINAL
COMMENT 'vi: ghi nhận cảnh báo | en: acknowledgements of alerts';

CREATE OR REPLACE VIEW r_alert_acks_at
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
WITH (SELECT at FROM r_now_at(as_of = {as_of:String})) AS instant
SELECT * EXCEPT (known_at) FROM alert_ack_history FINAL
WHERE known_at <= instant
ORDER BY version DESC
LIMIT 1 BY id
COMMENT 'vi: ghi nhận cảnh báo tại một mốc | en: acknowledgements of alerts, at a cut';

CREATE OR REPLACE VIEW r_alert_deliveries
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS SELECT * FROM alert_deliveries FINAL
COMMENT 'vi: việc gửi cảnh báo | en: deliveries of alerts';

CREATE OR REPLACE VIEW r_alert_deliveries_at
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
WITH (SELECT at FROM r_now_at(as_of = {as_of:String})) AS instant
SELECT * EXCEPT (known_at) FROM alert_delivery_history FINAL
WHERE known_at <= instant
ORDER BY version DESC
LIMIT 1 BY alert_id, event, channel
COMMENT 'vi: việc gửi cảnh báo tại một mốc | en: deliveries of alerts, at a cut';

CREATE OR REPLACE VIEW r_double_entry
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS SELECT * FROM double_entry FINAL
COMMENT 'vi: bút toán kép | en: double entry';

CREATE OR REPLACE VIEW r_double_entry_at
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
WITH (SELECT at FROM r_now_at(as_of = {as_of:String})) AS instant
SELECT * EXCEPT (known_at) FROM double_entry_history FINAL
WHERE known_at <= instant
ORDER BY checked_at DESC
LIMIT 1 BY kind, ward, day, since
COMMENT 'vi: bút toán kép tại một mốc | en: double entry, at a cut';

CREATE OR REPLACE VIEW r_conservation
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS SELECT * FROM conservation_now FINAL
COMMENT 'vi: bảo toàn qua từng chặng | en: conservation per hop';

CREATE OR REPLACE VIEW r_conservation_at
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
WITH (SELECT at FROM r_now_at(as_of = {as_of:String})) AS instant
SELECT * EXCEPT (known_at) FROM conservation_history FINAL
WHERE known_at <= instant
    -- Judged every ten seconds: what was not judged for an hour is not known.
    AND conservation_history.at > instant - INTERVAL 1 HOUR
ORDER BY at DESC
LIMIT 1 BY hop, partition
COMMENT 'vi: bảo toàn qua từng chặng tại một mốc | en: conservation per hop, at a cut';

CREATE OR REPLACE VIEW r_load_delays
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS SELECT * FROM load_delays FINAL
COMMENT 'vi: độ trễ nạp | en: how late the loader was';

CREATE OR REPLACE VIEW r_load_delays_at
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
WITH (SELECT at FROM r_now_at(as_of = {as_of:String})) AS instant
SELECT * FROM load_delays FINAL
-- Ten seconds that are over, and whose last block is surely stored.
WHERE load_delays.at <= instant - INTERVAL 20 SECOND
COMMENT 'vi: độ trễ nạp tại một mốc | en: how late the loader was, at a cut';
