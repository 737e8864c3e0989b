-- Steps that arrived after the end of their day, and all retractions.
CREATE OR REPLACE VIEW r_late_events
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS SELECT * FROM late_events FINAL
COMMENT 'vi: các bước đến sau khi hết ngày, và mọi lần rút lại | en: steps that arrived after the end of their day, and all retractions';

CREATE OR REPLACE VIEW r_late_events_at
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
WITH (SELECT at FROM r_now_at(as_of = {as_of:String})) AS instant
SELECT * FROM late_events FINAL WHERE arrived_at <= instant
COMMENT 'vi: các bước đến sau khi hết ngày, và mọi lần rút lại, tại một mốc | en: steps that had arrived after the end of their day at a cut, and all retractions';
