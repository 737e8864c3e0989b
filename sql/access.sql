-- Roles for a real ClickHouse server, run once by an administrator. {database} is the installation's database.
-- The embedded engine has its own two users and needs none of this.
-- Views run with their owner's rights (SQL SECURITY DEFINER), so a reader needs the views and nothing beneath:
-- original bytes of rejected messages and raw rows stay out of reach.

CREATE ROLE IF NOT EXISTS dongbo_reader
SETTINGS readonly = 1, max_execution_time = 30, max_result_rows = 1000000, max_memory_usage = 1000000000;

GRANT SELECT ON {database}.v_* TO dongbo_reader;

-- The instant that a question is about; questions and pages name it as they name a view.
GRANT SELECT ON {database}.r_now* TO dongbo_reader;

GRANT SELECT ON {database}.wards TO dongbo_reader;

GRANT SELECT ON {database}.procedures TO dongbo_reader;

GRANT SELECT ON {database}.words TO dongbo_reader;

GRANT SELECT ON {database}.reasons TO dongbo_reader;

GRANT SELECT ON {database}.difficulty_groups TO dongbo_reader;

CREATE ROLE IF NOT EXISTS dongbo_writer;

GRANT SELECT, INSERT, CREATE TABLE, CREATE VIEW, CREATE DATABASE, DROP VIEW, ALTER TABLE ON {database}.* TO dongbo_writer;
