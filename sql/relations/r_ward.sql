-- How far the city has each ward: now from the loader's rows, at a cut from what was judged for it, which never changes.
CREATE OR REPLACE VIEW r_ward_sync
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
SELECT
    s.ward AS ward,
    s.events AS events,
    s.missing AS missing,
    if(s.heartbeat_epoch != '', s.heartbeat_epoch, s.epochs[indexOf(s.counted, arrayMax(s.counted))]) AS epoch,
    s.contiguous[indexOf(s.epochs, epoch)] AS contiguous,
    s.highest[indexOf(s.epochs, epoch)] AS highest,
    s.outbox_pending AS pending,
    s.last_event_at AS event_at,
    s.arrived_at AS arrived_at,
    s.heartbeat_at AS heartbeat_at,
    if(s.heartbeat_arrived_at > s.arrived_at OR s.arrived_at IS NULL, s.heartbeat_arrived_at, s.arrived_at) AS heard_at,
    s.rejected AS rejected,
    s.epochs AS epochs,
    s.counted AS epoch_events,
    s.contiguous AS epoch_contiguous,
    s.highest AS epoch_highest,
    s.hole_epoch AS hole_epoch,
    s.hole_first AS hole_first,
    s.hole_last AS hole_last
FROM (SELECT * FROM ward_sync FINAL) AS s
COMMENT 'vi: đồng bộ của phường, xã hiện tại | en: how far the city has each ward now';

CREATE OR REPLACE VIEW r_ward_sync_at
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
WITH (SELECT cut FROM r_now_at(as_of = {as_of:String})) AS number
SELECT
    ward, events, missing, epoch, contiguous, highest, pending, event_at, arrived_at, heartbeat_at, heard_at, rejected,
    epochs, epoch_events, epoch_contiguous, epoch_highest, hole_epoch, hole_first, hole_last
FROM ward_states FINAL
WHERE cut = number AND alive != 'never'
COMMENT 'vi: đồng bộ của phường, xã tại một mốc | en: how far the city had each ward at a cut';

CREATE OR REPLACE VIEW r_ward_state
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS SELECT * FROM ward_state FINAL
COMMENT 'vi: tình trạng hiện tại của phường, xã | en: how each ward stands now';

CREATE OR REPLACE VIEW r_ward_state_at
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
WITH (SELECT cut FROM r_now_at(as_of = {as_of:String})) AS number
SELECT * FROM ward_states FINAL WHERE cut = number
COMMENT 'vi: tình trạng của phường, xã tại một mốc | en: how each ward stood at a cut';

CREATE OR REPLACE VIEW r_ward_states
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS SELECT * FROM ward_states FINAL
COMMENT 'vi: tình trạng của phường, xã tại mọi mốc | en: how each ward stood at every cut';

CREATE OR REPLACE VIEW r_ward_states_at
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
WITH (SELECT cut FROM r_now_at(as_of = {as_of:String})) AS number
SELECT * FROM ward_states FINAL WHERE cut <= number
COMMENT 'vi: tình trạng của phường, xã tại mọi mốc đến một mốc | en: how each ward stood at every cut up to one';
