-- Roles, limits, quotas and rows for a ClickHouse server of your own. The embedded engine needs none of this:
-- it keeps the same rules by itself (ops/stack/clickhouse). An administrator runs what these commands print:
--
--   dongbo analyst sql                                  roles of the installation and of the city's analysts
--   dongbo analyst sql --ward 00070                     the role of one ward's analysts
--   dongbo analyst sql --user lan.nguyen --ward 00070   one user (without --ward: an analyst of the city)
--
-- All but the last may be run again, and is to be run again after an upgrade: a new view is closed to wards
-- until then. On a cluster: on each server, unless its user directory is a replicated one. {database},
-- {ward}, {user}, {role} and {hash} are filled in by the command.
--
-- Views run with their owner's rights (SQL SECURITY DEFINER), so whoever reads needs the views and nothing beneath:
-- original bytes of rejected messages and raw rows stay out of reach. For the same reason a row policy of a table
-- would not hold beneath a view (there the owner's policies count), while one of the view itself does. So wards
-- have a policy on each view, and views without a ward (figures of the whole city) are not granted to them.

-- The live page and the command line.

CREATE ROLE IF NOT EXISTS dongbo_reader
SETTINGS readonly = 1, max_execution_time = 30, max_result_rows = 1000000, max_memory_usage = 1000000000;

GRANT SELECT ON {database}.v_* TO dongbo_reader;

-- The instant that a question is about, and words and calendar as they were then; questions and pages name them as they name
-- a view.
GRANT SELECT ON {database}.r_now* TO dongbo_reader;

GRANT
    SELECT ON {database}.r_difficulty_groups*, SELECT ON {database}.r_index766*,
    SELECT ON {database}.r_office_days*, SELECT ON {database}.r_policies*, SELECT ON {database}.r_procedures*,
    SELECT ON {database}.r_reasons*, SELECT ON {database}.r_wards*, SELECT ON {database}.r_words*
TO dongbo_reader;

GRANT SELECT ON {database}.difficulty_groups TO dongbo_reader;

GRANT SELECT ON {database}.index766 TO dongbo_reader;

GRANT SELECT ON {database}.office_days TO dongbo_reader;

GRANT SELECT ON {database}.policies TO dongbo_reader;

GRANT SELECT ON {database}.procedures TO dongbo_reader;

GRANT SELECT ON {database}.reasons TO dongbo_reader;

GRANT SELECT ON {database}.wards TO dongbo_reader;

GRANT SELECT ON {database}.words TO dongbo_reader;

-- The pipeline: migrate, loader, monitor, and the gateway for its record of what Kafka acknowledged.

CREATE ROLE IF NOT EXISTS dongbo_writer;

GRANT SELECT, INSERT, CREATE TABLE, CREATE VIEW, CREATE DATABASE, DROP VIEW, ALTER TABLE ON {database}.* TO dongbo_writer;

-- Analysts. The limits are those of the embedded engine (docs/clients.md); CONST: nobody may set them otherwise.

CREATE SETTINGS PROFILE IF NOT EXISTS dongbo_analyst SETTINGS
    max_execution_time = 30 CONST,
    max_result_rows = 10000000 CONST,
    max_memory_usage = 1073741824 CONST,
    max_memory_usage_for_user = 2147483648 CONST,
    max_threads = 1 CONST,
    max_concurrent_queries_for_user = 2 CONST,
    max_temporary_data_on_disk_size_for_query = 2147483648 CONST,
    priority = 10 CONST,
    readonly = 1 CONST;

-- Rows first: merged with the policy's condition, what the asker wrote could be computed of other wards' rows, and a
-- function that throws would tell their values.
CREATE SETTINGS PROFILE IF NOT EXISTS dongbo_ward SETTINGS
    query_plan_merge_filters = 0 CONST,
    INHERIT 'dongbo_analyst';

CREATE ROLE IF NOT EXISTS dongbo_analyst SETTINGS PROFILE 'dongbo_analyst';

GRANT SELECT ON {database}.v_* TO dongbo_analyst;

GRANT SELECT ON {database}.r_now* TO dongbo_analyst;

GRANT
    SELECT ON {database}.r_difficulty_groups*, SELECT ON {database}.r_index766*,
    SELECT ON {database}.r_office_days*, SELECT ON {database}.r_policies*, SELECT ON {database}.r_procedures*,
    SELECT ON {database}.r_reasons*, SELECT ON {database}.r_wards*, SELECT ON {database}.r_words*
TO dongbo_analyst;

GRANT SELECT ON {database}.difficulty_groups TO dongbo_analyst;

GRANT SELECT ON {database}.index766 TO dongbo_analyst;

GRANT SELECT ON {database}.office_days TO dongbo_analyst;

GRANT SELECT ON {database}.policies TO dongbo_analyst;

GRANT SELECT ON {database}.procedures TO dongbo_analyst;

GRANT SELECT ON {database}.reasons TO dongbo_analyst;

GRANT SELECT ON {database}.wards TO dongbo_analyst;

GRANT SELECT ON {database}.words TO dongbo_analyst;

-- What one person may take in an hour, so that a notebook in a loop does not hold up the others.
CREATE QUOTA IF NOT EXISTS dongbo_analyst KEYED BY user_name
FOR INTERVAL 1 hour MAX queries = 3000, execution_time = 3600, result_rows = 100000000
TO dongbo_analyst;

-- Analysts of one ward. Policies come before grants, so that it is never open in between. `dongbo_open` keeps the
-- views open to everybody else also on a server whose users_without_row_policies_can_read_rows is 0; the ward's own
-- is RESTRICTIVE: it holds whatever else is allowed. A user has the role of one ward: of two, no row is of both.

CREATE ROLE IF NOT EXISTS dongbo_ward_{ward} SETTINGS PROFILE 'dongbo_ward';

CREATE ROW POLICY IF NOT EXISTS dongbo_open ON
    {database}.v_alerts, {database}.v_alerts_at, {database}.v_backlog, {database}.v_backlog_at,
    {database}.v_backlog_procedure_month, {database}.v_backlog_procedure_month_at,
    {database}.v_backlog_ward_day, {database}.v_backlog_ward_day_at, {database}.v_cases,
    {database}.v_cases_at, {database}.v_conflicts, {database}.v_conflicts_at, {database}.v_control_totals,
    {database}.v_control_totals_at, {database}.v_control_totals_detail, {database}.v_control_totals_detail_at,
    {database}.v_corrections, {database}.v_corrections_at, {database}.v_difficulties,
    {database}.v_difficulties_at, {database}.v_dossiers, {database}.v_dossiers_at, {database}.v_double_entry,
    {database}.v_double_entry_at, {database}.v_finished, {database}.v_finished_at, {database}.v_flow_check,
    {database}.v_flow_check_at, {database}.v_flow_field_month, {database}.v_flow_field_month_at,
    {database}.v_flow_field_week, {database}.v_flow_field_week_at, {database}.v_flow_procedure_month,
    {database}.v_flow_procedure_month_at, {database}.v_flow_procedure_week,
    {database}.v_flow_procedure_week_at, {database}.v_flow_ward_day, {database}.v_flow_ward_day_at,
    {database}.v_flow_ward_month, {database}.v_flow_ward_month_at, {database}.v_flow_ward_week,
    {database}.v_flow_ward_week_at, {database}.v_index766_ward_month, {database}.v_index766_ward_month_at,
    {database}.v_office_overrides, {database}.v_on_time, {database}.v_on_time_at,
    {database}.v_on_time_ward_month, {database}.v_on_time_ward_month_at, {database}.v_open_dossiers,
    {database}.v_open_dossiers_at, {database}.v_overdue, {database}.v_overdue_at,
    {database}.v_processing_ward_day, {database}.v_processing_ward_day_at, {database}.v_processing_ward_month,
    {database}.v_processing_ward_month_at, {database}.v_processing_ward_week,
    {database}.v_processing_ward_week_at, {database}.v_quality, {database}.v_quality_at,
    {database}.v_rebuild_changes, {database}.v_receptions, {database}.v_receptions_at,
    {database}.v_reconcile, {database}.v_reconcile_at, {database}.v_rejects,
    {database}.v_rejects_at, {database}.v_revisions, {database}.v_revisions_at, {database}.v_seals,
    {database}.v_seals_at, {database}.v_service, {database}.v_service_at, {database}.v_service_ward_month,
    {database}.v_service_ward_month_at, {database}.v_steps, {database}.v_steps_at, {database}.v_supplements,
    {database}.v_supplements_at, {database}.v_ward_day, {database}.v_ward_day_at,
    {database}.v_ward_day_detail, {database}.v_ward_day_detail_at, {database}.v_ward_processing,
    {database}.v_ward_processing_at, {database}.v_ward_pulse, {database}.v_ward_pulse_at,
    {database}.v_ward_status, {database}.v_ward_status_at, {database}.v_ward_status_history,
    {database}.v_ward_status_history_at, {database}.v_ward_sync, {database}.v_ward_sync_at,
    {database}.r_wards, {database}.r_wards_at, {database}.wards
USING 1 TO ALL;

CREATE ROW POLICY IF NOT EXISTS dongbo_ward_{ward} ON
    {database}.r_wards, {database}.r_wards_at, {database}.wards
USING code = '{ward}' AS RESTRICTIVE TO dongbo_ward_{ward};

CREATE ROW POLICY IF NOT EXISTS dongbo_ward_{ward} ON
    {database}.v_alerts, {database}.v_alerts_at, {database}.v_backlog, {database}.v_backlog_at,
    {database}.v_backlog_procedure_month, {database}.v_backlog_procedure_month_at,
    {database}.v_backlog_ward_day, {database}.v_backlog_ward_day_at, {database}.v_cases,
    {database}.v_cases_at, {database}.v_conflicts, {database}.v_conflicts_at, {database}.v_control_totals,
    {database}.v_control_totals_at, {database}.v_control_totals_detail, {database}.v_control_totals_detail_at,
    {database}.v_corrections, {database}.v_corrections_at, {database}.v_difficulties,
    {database}.v_difficulties_at, {database}.v_dossiers, {database}.v_dossiers_at, {database}.v_double_entry,
    {database}.v_double_entry_at, {database}.v_finished, {database}.v_finished_at, {database}.v_flow_check,
    {database}.v_flow_check_at, {database}.v_flow_field_month, {database}.v_flow_field_month_at,
    {database}.v_flow_field_week, {database}.v_flow_field_week_at, {database}.v_flow_procedure_month,
    {database}.v_flow_procedure_month_at, {database}.v_flow_procedure_week,
    {database}.v_flow_procedure_week_at, {database}.v_flow_ward_day, {database}.v_flow_ward_day_at,
    {database}.v_flow_ward_month, {database}.v_flow_ward_month_at, {database}.v_flow_ward_week,
    {database}.v_flow_ward_week_at, {database}.v_index766_ward_month, {database}.v_index766_ward_month_at,
    {database}.v_office_overrides, {database}.v_on_time, {database}.v_on_time_at,
    {database}.v_on_time_ward_month, {database}.v_on_time_ward_month_at, {database}.v_open_dossiers,
    {database}.v_open_dossiers_at, {database}.v_overdue, {database}.v_overdue_at,
    {database}.v_processing_ward_day, {database}.v_processing_ward_day_at, {database}.v_processing_ward_month,
    {database}.v_processing_ward_month_at, {database}.v_processing_ward_week,
    {database}.v_processing_ward_week_at, {database}.v_quality, {database}.v_quality_at,
    {database}.v_rebuild_changes, {database}.v_receptions, {database}.v_receptions_at,
    {database}.v_reconcile, {database}.v_reconcile_at, {database}.v_rejects,
    {database}.v_rejects_at, {database}.v_revisions, {database}.v_revisions_at, {database}.v_seals,
    {database}.v_seals_at, {database}.v_service, {database}.v_service_at, {database}.v_service_ward_month,
    {database}.v_service_ward_month_at, {database}.v_steps, {database}.v_steps_at, {database}.v_supplements,
    {database}.v_supplements_at, {database}.v_ward_day, {database}.v_ward_day_at,
    {database}.v_ward_day_detail, {database}.v_ward_day_detail_at, {database}.v_ward_processing,
    {database}.v_ward_processing_at, {database}.v_ward_pulse, {database}.v_ward_pulse_at,
    {database}.v_ward_status, {database}.v_ward_status_at, {database}.v_ward_status_history,
    {database}.v_ward_status_history_at, {database}.v_ward_sync, {database}.v_ward_sync_at
USING ward = '{ward}' AS RESTRICTIVE TO dongbo_ward_{ward};

GRANT
    SELECT ON {database}.v_alerts, SELECT ON {database}.v_alerts_at, SELECT ON {database}.v_backlog,
    SELECT ON {database}.v_backlog_at, SELECT ON {database}.v_backlog_procedure_month,
    SELECT ON {database}.v_backlog_procedure_month_at, SELECT ON {database}.v_backlog_ward_day,
    SELECT ON {database}.v_backlog_ward_day_at, SELECT ON {database}.v_cases, SELECT ON {database}.v_cases_at,
    SELECT ON {database}.v_conflicts, SELECT ON {database}.v_conflicts_at,
    SELECT ON {database}.v_control_totals, SELECT ON {database}.v_control_totals_at,
    SELECT ON {database}.v_control_totals_detail, SELECT ON {database}.v_control_totals_detail_at,
    SELECT ON {database}.v_corrections, SELECT ON {database}.v_corrections_at,
    SELECT ON {database}.v_difficulties, SELECT ON {database}.v_difficulties_at,
    SELECT ON {database}.v_dossiers, SELECT ON {database}.v_dossiers_at, SELECT ON {database}.v_double_entry,
    SELECT ON {database}.v_double_entry_at, SELECT ON {database}.v_finished,
    SELECT ON {database}.v_finished_at, SELECT ON {database}.v_flow_check,
    SELECT ON {database}.v_flow_check_at, SELECT ON {database}.v_flow_field_month,
    SELECT ON {database}.v_flow_field_month_at, SELECT ON {database}.v_flow_field_week,
    SELECT ON {database}.v_flow_field_week_at, SELECT ON {database}.v_flow_procedure_month,
    SELECT ON {database}.v_flow_procedure_month_at, SELECT ON {database}.v_flow_procedure_week,
    SELECT ON {database}.v_flow_procedure_week_at, SELECT ON {database}.v_flow_ward_day,
    SELECT ON {database}.v_flow_ward_day_at, SELECT ON {database}.v_flow_ward_month,
    SELECT ON {database}.v_flow_ward_month_at, SELECT ON {database}.v_flow_ward_week,
    SELECT ON {database}.v_flow_ward_week_at, SELECT ON {database}.v_index766_ward_month,
    SELECT ON {database}.v_index766_ward_month_at, SELECT ON {database}.v_office_overrides,
    SELECT ON {database}.v_on_time, SELECT ON {database}.v_on_time_at,
    SELECT ON {database}.v_on_time_ward_month, SELECT ON {database}.v_on_time_ward_month_at,
    SELECT ON {database}.v_open_dossiers, SELECT ON {database}.v_open_dossiers_at,
    SELECT ON {database}.v_overdue, SELECT ON {database}.v_overdue_at,
    SELECT ON {database}.v_processing_ward_day, SELECT ON {database}.v_processing_ward_day_at,
    SELECT ON {database}.v_processing_ward_month, SELECT ON {database}.v_processing_ward_month_at,
    SELECT ON {database}.v_processing_ward_week, SELECT ON {database}.v_processing_ward_week_at,
    SELECT ON {database}.v_quality, SELECT ON {database}.v_quality_at, SELECT ON {database}.v_rebuild_changes,
    SELECT ON {database}.v_receptions, SELECT ON {database}.v_receptions_at,
    SELECT ON {database}.v_reconcile, SELECT ON {database}.v_reconcile_at, SELECT ON {database}.v_rejects,
    SELECT ON {database}.v_rejects_at, SELECT ON {database}.v_revisions, SELECT ON {database}.v_revisions_at,
    SELECT ON {database}.v_seals, SELECT ON {database}.v_seals_at, SELECT ON {database}.v_service,
    SELECT ON {database}.v_service_at, SELECT ON {database}.v_service_ward_month,
    SELECT ON {database}.v_service_ward_month_at, SELECT ON {database}.v_steps,
    SELECT ON {database}.v_steps_at, SELECT ON {database}.v_supplements,
    SELECT ON {database}.v_supplements_at, SELECT ON {database}.v_ward_day,
    SELECT ON {database}.v_ward_day_at, SELECT ON {database}.v_ward_day_detail,
    SELECT ON {database}.v_ward_day_detail_at, SELECT ON {database}.v_ward_processing,
    SELECT ON {database}.v_ward_processing_at, SELECT ON {database}.v_ward_pulse,
    SELECT ON {database}.v_ward_pulse_at, SELECT ON {database}.v_ward_status,
    SELECT ON {database}.v_ward_status_at, SELECT ON {database}.v_ward_status_history,
    SELECT ON {database}.v_ward_status_history_at, SELECT ON {database}.v_ward_sync,
    SELECT ON {database}.v_ward_sync_at
TO dongbo_ward_{ward};

-- What is the same for every ward: the instant, calendar, rules, words.
GRANT
    SELECT ON {database}.r_now, SELECT ON {database}.r_now_at, SELECT ON {database}.r_difficulty_groups,
    SELECT ON {database}.r_difficulty_groups_at, SELECT ON {database}.r_index766,
    SELECT ON {database}.r_index766_at, SELECT ON {database}.r_office_days,
    SELECT ON {database}.r_office_days_at, SELECT ON {database}.r_policies,
    SELECT ON {database}.r_policies_at, SELECT ON {database}.r_procedures,
    SELECT ON {database}.r_procedures_at, SELECT ON {database}.r_reasons, SELECT ON {database}.r_reasons_at,
    SELECT ON {database}.r_wards, SELECT ON {database}.r_wards_at, SELECT ON {database}.r_words,
    SELECT ON {database}.r_words_at, SELECT ON {database}.v_office_days,
    SELECT ON {database}.v_office_days_at, SELECT ON {database}.v_periods, SELECT ON {database}.v_periods_at,
    SELECT ON {database}.v_policies, SELECT ON {database}.v_policies_at, SELECT ON {database}.v_view_versions,
    SELECT ON {database}.difficulty_groups, SELECT ON {database}.index766, SELECT ON {database}.office_days,
    SELECT ON {database}.policies, SELECT ON {database}.procedures, SELECT ON {database}.reasons,
    SELECT ON {database}.wards, SELECT ON {database}.words
TO dongbo_ward_{ward};

CREATE QUOTA IF NOT EXISTS dongbo_ward_{ward} KEYED BY user_name
FOR INTERVAL 1 hour MAX queries = 3000, execution_time = 3600, result_rows = 100000000
TO dongbo_ward_{ward};

-- A person. The password is random, and only its SHA-256 stands here. Views as of a cut (v_x_at) are found in the
-- current database only, hence the default.

CREATE USER `{user}` IDENTIFIED WITH sha256_hash BY '{hash}' DEFAULT DATABASE {database};

GRANT {role} TO `{user}`;
