-- Statements of an attacker who knows this source. A line '-- # class' opens a class, a blank line
-- ends a statement. {own} and {other} are store ids, {order} and {customer} are ids of the other store.

-- # forged context
SELECT set_config('zava.context', repeat('0', 64) || '{other}', true), count(*) FROM retail.orders

WITH f AS MATERIALIZED (SELECT set_config('zava.context', repeat('0', 64) || '{other}', true)) SELECT o.* FROM f, retail.orders o

WITH f AS MATERIALIZED (SELECT set_config('zava.context', left(current_setting('zava.context'), 64) || '{other}', true)) SELECT o.* FROM f, retail.orders o

WITH f AS MATERIALIZED (SELECT set_config('zava.context', '', true)) SELECT o.* FROM f, retail.orders o

SELECT o.* FROM retail.orders o WHERE set_config('zava.context', repeat('0', 64) || '{other}', false) IS NOT NULL

SELECT o.* FROM retail.orders o ORDER BY set_config('zava.context', repeat('0', 64) || '{other}', true)

SELECT count(*) FROM retail.orders HAVING set_config('zava.context', repeat('0', 64) || '{other}', true) IS NOT NULL

SELECT * FROM retail.orders LIMIT (SELECT length(set_config('zava.context', repeat('0', 64) || '{other}', true)))

SELECT s.x, o.* FROM (SELECT set_config('zava.context', repeat('0', 64) || '{other}', true) AS x OFFSET 0) s LEFT JOIN LATERAL (SELECT * FROM retail.orders WHERE s.x IS NOT NULL) o ON true

SELECT query_to_xml('select set_co' || 'nfig(''zava.context'', repeat(''0'', 64) || ''{other}'', true)', true, true, ''), query_to_xml('select * from retail.orders', true, true, '')

SELECT pg_catalog."set_config"('ZAVA.Context', repeat('f', 64) || '{other}', true), o.* FROM retail.orders o

SELECT U&"set\005fconfig"('zava.context', repeat('0', 64) || '{other}', true), o.* FROM retail.orders o

SELECT set_config('app.current_rls_user_id', '{other}', true), o.* FROM retail.orders o

SELECT set_config('zava.my_store', '{other}', true), o.* FROM retail.orders o

WITH f AS MATERIALIZED (SELECT set_config('row_security', 'off', true)) SELECT o.* FROM f, retail.orders o

WITH f AS MATERIALIZED (SELECT set_config('session_replication_role', 'replica', true)) SELECT o.* FROM f, retail.orders o

SELECT zava.my_stores('head_office'), zava.my_store('head_office')

SELECT zava.my_store('store_managers'), zava.my_store('zava_loader')

SELECT zava.open_context('head_office', 1, '{own}', '{own}', 9999999999, '{own}', 'x', 'select 1', '')

SELECT zava.open_context('store_managers', 1, '00000000-0000-0000-0000-000000000000', '00000000-0000-0000-0000-0000000000b2', extract(epoch FROM now())::bigint + 60, gen_random_uuid(), sha256('guess'), 'SELECT 1', '')

SELECT zava.open_context('store_managers', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)

SELECT * FROM zava.run_head_office(1, '{own}', '{own}', 9999999999, '{own}', 'x', 'select * from retail.orders', '', 10, 10000)

SELECT * FROM zava.run_store_managers(NULL, NULL, NULL, NULL, NULL, NULL, 'select * from retail.orders', '', 10, 10000)

SELECT * FROM zava.run_regional_managers(1, '{own}', '{own}', 9999999999, '{own}', sha256('x'), 'select * from retail.orders', '', 10, 10000)

SELECT * FROM zava.keyring

SELECT inner_pad_a FROM zava.keyring

SELECT * FROM zava.principals

SELECT count(*) FROM zava.principals WHERE active

SELECT zava.pad('x', 54)

SELECT * FROM zava.canary

SELECT * FROM zava.demo_data

UPDATE pg_settings SET setting = repeat('0', 64) || '{other}' WHERE name = 'zava.context'

SELECT prosrc FROM pg_proc WHERE proname IN ('open_context', 'my_store', 'pad') AND prosrc LIKE '%key%'

-- # other roles
SET ROLE head_office

SET LOCAL ROLE head_office

RESET ROLE

SET SESSION AUTHORIZATION zava_owner

SELECT set_config('role', 'head_office', true), o.* FROM retail.orders o

SELECT set_config('role', 'none', false), o.* FROM retail.orders o

SELECT set_config('session_authorization', 'zava_owner', true), o.* FROM retail.orders o

SELECT set_config('session_authorization', 'default', false)

SELECT set_config('is_superuser', 'on', true)

SELECT set_config('role', 'zava_loader', true), count(*) FROM retail.orders

DO $$ BEGIN SET ROLE head_office; END $$

GRANT head_office TO store_managers

ALTER ROLE store_managers BYPASSRLS

ALTER ROLE zava_server SUPERUSER

CREATE ROLE mallory LOGIN SUPERUSER

SELECT query_to_xml('set role head_office', true, true, '')

SELECT cursor_to_xml('mine', 10, true, true, '')

-- # several statements
SELECT 1; SELECT 2

SELECT 1; COMMIT; SELECT * FROM retail.orders

COMMIT; BEGIN; UPDATE retail.orders SET total_amount = 0

ROLLBACK

BEGIN

ABORT; SET ROLE head_office; SELECT * FROM retail.orders

SELECT 1 /* ; */ ; DROP TABLE retail.orders

SELECT 1;;SELECT 2

SAVEPOINT s

PREPARE TRANSACTION 'x'

-- # writes
UPDATE retail.orders SET total_amount = 0

DELETE FROM retail.order_items

INSERT INTO retail.customers (store_id, first_name, last_name, email) VALUES ('{other}', 'x', 'y', 'x@example.com')

INSERT INTO retail.customers (store_id, first_name, last_name, email) VALUES ('{own}', 'x', 'y', 'x@example.com') RETURNING *

WITH gone AS (DELETE FROM retail.orders RETURNING *) SELECT * FROM gone

WITH changed AS (UPDATE retail.inventory SET stock_level = 0 RETURNING *) SELECT count(*) FROM changed

MERGE INTO retail.inventory i USING retail.products p ON p.product_id = i.product_id WHEN MATCHED THEN UPDATE SET stock_level = 0

TRUNCATE retail.orders CASCADE

SELECT * INTO stolen FROM retail.orders

CREATE TABLE stolen AS SELECT * FROM retail.orders

CREATE TEMP TABLE stolen AS SELECT * FROM retail.orders

CREATE MATERIALIZED VIEW retail.stolen AS SELECT * FROM retail.orders

CREATE VIEW retail.stolen AS SELECT * FROM retail.orders

DROP POLICY own_store ON retail.orders

ALTER TABLE retail.orders NO FORCE ROW LEVEL SECURITY

ALTER TABLE retail.orders DISABLE ROW LEVEL SECURITY

CREATE POLICY mine ON retail.orders USING (true)

ALTER FUNCTION zava.run_store_managers(integer, uuid, uuid, bigint, uuid, bytea, text, text, integer, bigint) VOLATILE

CREATE OR REPLACE FUNCTION zava.run_store_managers(integer, uuid, uuid, bigint, uuid, bytea, text, text, integer, bigint) RETURNS SETOF text LANGUAGE sql AS 'select null::text'

DROP FUNCTION zava.run_store_managers(integer, uuid, uuid, bigint, uuid, bytea, text, text, integer, bigint)

ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO PUBLIC

GRANT ALL ON retail.orders TO PUBLIC

COMMENT ON TABLE retail.orders IS 'mine'

SECURITY LABEL ON TABLE retail.orders IS 'mine'

SELECT lo_create(0)

SELECT lo_from_bytea(0, 'data')

SELECT lo_put(1, 0, 'x')

SELECT nextval('retail.stolen')

SELECT setval('retail.stolen', 1)

SELECT * FROM retail.orders FOR UPDATE

SELECT * FROM retail.orders FOR KEY SHARE

LOCK TABLE retail.orders IN ACCESS EXCLUSIVE MODE

SELECT set_config('transaction_read_only', 'off', true)

SELECT set_config('default_transaction_read_only', 'off', false)

SELECT query_to_xml('delete from retail.orders returning *', true, true, '')

SELECT ts_stat.* FROM ts_stat('delete from retail.orders returning null::tsvector')

SELECT ts_rewrite('a'::tsquery, 'update retail.orders set total_amount = 0 returning ''a''::tsquery, ''b''::tsquery')

REFRESH MATERIALIZED VIEW retail.stolen

VACUUM retail.orders

ANALYZE retail.orders

CLUSTER retail.orders

REINDEX TABLE retail.orders

-- # foreign rows by side doors
SELECT * FROM retail.orders WHERE store_id = '{other}'

SELECT * FROM retail.orders WHERE order_id = '{order}'

SELECT * FROM retail.customers WHERE customer_id = '{customer}'

SELECT * FROM ONLY retail.orders WHERE store_id = '{other}'

TABLE retail.orders

SELECT (SELECT count(*) FROM retail.orders), (SELECT count(*) FROM retail.customers), (SELECT count(*) FROM retail.order_items)

SELECT i.* FROM retail.order_items i LEFT JOIN retail.orders o USING (store_id, order_id) WHERE o.order_id IS NULL OR o.store_id = '{other}'

SELECT * FROM retail.stores FULL JOIN retail.inventory USING (store_id) WHERE store_id <> '{own}'

SELECT store_id FROM retail.stores UNION ALL SELECT store_id FROM retail.inventory UNION ALL SELECT store_id FROM retail.orders

SELECT o FROM retail.orders o WHERE o::text LIKE '%{other}%'

SELECT to_jsonb(o) FROM retail.orders o TABLESAMPLE SYSTEM (100) WHERE o.store_id = '{other}'

SELECT ctid, tableoid, xmin, o.* FROM retail.orders o WHERE store_id <> '{own}'

SELECT o.* FROM retail.orders o WHERE 1 / (CASE WHEN o.store_id = '{other}' THEN 0 ELSE 1 END) = 1

SELECT o.* FROM retail.orders o WHERE (o.store_id::text || 'x')::int = 1

SELECT table_to_xml('retail.orders', true, true, '')

SELECT schema_to_xml('retail', true, true, '')

SELECT database_to_xml(true, true, '')

SELECT query_to_xml('select * from retail.customers where store_id <> ''{own}''', true, true, '')

SELECT most_common_vals::text, histogram_bounds::text FROM pg_stats WHERE schemaname = 'retail' AND tablename IN ('orders', 'customers', 'stores')

SELECT stavalues1::text FROM pg_statistic

SELECT stxdmcv FROM pg_statistic_ext_data

SELECT pg_get_viewdef('pg_stats'::regclass), s.* FROM pg_stats_ext s

SELECT cost, gross_margin_percent FROM retail.products

SELECT * FROM retail.products

SELECT p FROM retail.products p

SELECT to_json(p) FROM retail.products p

SELECT count(*) FROM retail.products WHERE cost > 10

SELECT lo_get(1)

-- # peers' traces
SELECT query FROM pg_stat_activity WHERE query LIKE '%peer_secret%'

SELECT * FROM pg_stat_activity WHERE pid <> pg_backend_pid()

SELECT pg_stat_get_backend_activity(b) FROM pg_stat_get_backend_idset() b

SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'zava_server' AND pid <> pg_backend_pid()

SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE usename = 'zava_server' AND pid <> pg_backend_pid()

SELECT pg_terminate_backend({peer})

SELECT pg_cancel_backend({peer})

SELECT pg_log_backend_memory_contexts({peer})

SELECT name, setting FROM pg_settings WHERE name LIKE '%password%' OR name LIKE 'zava.%'

SELECT * FROM pg_prepared_statements

SELECT * FROM pg_cursors

SELECT rolname, rolpassword FROM pg_authid

SELECT * FROM pg_shadow

SELECT * FROM pg_hba_file_rules

SELECT * FROM pg_file_settings

SELECT * FROM pg_user_mappings

SELECT pg_notify('peer', 'hello')

LISTEN peer

SELECT * FROM pg_logical_slot_peek_changes('x', NULL, NULL)

-- # residue for the next borrower
SELECT set_config('zava.context', repeat('0', 64) || '{other}', false)

SELECT set_config('search_path', 'pg_temp', false)

SELECT set_config('timezone', 'UTC', false)

SELECT set_config('statement_timeout', '0', false)

SELECT set_config('work_mem', '2GB', false)

SELECT set_config('datestyle', 'German', false)

SELECT set_config('client_encoding', 'LATIN1', false)

SELECT set_config('bytea_output', 'escape', false)

SELECT set_config('standard_conforming_strings', 'off', false)

SELECT set_config('application_name', 'mallory', false)

SELECT set_config('jit', 'on', false)

SELECT set_config('mallory.note', 'I was here', false)

SELECT set_config('lock_timeout', '0', false), set_config('idle_in_transaction_session_timeout', '0', false)

SET search_path = pg_temp

SET SESSION timezone = 'UTC'

SELECT pg_advisory_lock(1)

SELECT pg_advisory_lock(n) FROM generate_series(1, 20) n

SELECT pg_try_advisory_lock_shared(7), 1 / 0

SELECT pg_advisory_xact_lock(3)

PREPARE p AS SELECT 1

DEALLOCATE ALL

DISCARD ALL

DECLARE c CURSOR WITH HOLD FOR SELECT 1

CLOSE ALL

LOAD 'plpgsql'

SELECT setseed(0.5), random()

-- # files and network
COPY retail.orders TO '/tmp/stolen'

COPY (SELECT 1) TO PROGRAM 'id'

COPY retail.orders FROM PROGRAM 'id'

COPY retail.orders TO STDOUT

SELECT pg_read_file('/etc/passwd')

SELECT pg_read_binary_file('postgresql.conf')

SELECT pg_ls_dir('.')

SELECT * FROM pg_ls_waldir()

SELECT * FROM pg_ls_tmpdir()

SELECT pg_stat_file('postgresql.conf')

SELECT pg_current_logfile()

SELECT lo_import('/etc/passwd')

SELECT lo_export(1, '/tmp/stolen')

SELECT * FROM dblink('host=127.0.0.1', 'select 1') AS t (a int)

CREATE EXTENSION dblink

CREATE FOREIGN DATA WRAPPER evil

CREATE FUNCTION retail.evil() RETURNS int LANGUAGE c AS '/lib/x86_64-linux-gnu/libc.so.6', 'system'

CREATE SUBSCRIPTION s CONNECTION 'host=127.0.0.1' PUBLICATION p

ALTER SYSTEM SET archive_command = 'id'

SELECT pg_reload_conf()

SELECT pg_switch_wal()

SELECT pg_create_restore_point('x')

SELECT pg_export_snapshot()

-- # time and memory
SELECT pg_sleep(3600)

SELECT count(*) FROM generate_series(1, 1000000000000)

WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r) SELECT count(*) FROM r

SELECT count(*) FROM generate_series(1, 100000) a, generate_series(1, 100000) b

SELECT repeat('x', 20000000)

SELECT repeat('x', 1000) FROM generate_series(1, 100000)

SELECT set_config('statement_timeout', '0', true), pg_sleep(3600)

SELECT * FROM pg_sleep_for('1 hour')

SELECT regexp_count(repeat('a', 30000), '(a|aa)+$(b)?\1')

-- # parser tricks
EXPLAIN SELECT * FROM retail.orders

EXPLAIN ANALYZE SELECT pg_sleep(1)

EXECUTE zava_run_head_office

CALL zava.run_head_office()

VALUES (current_setting('zava.context'))

SHOW ALL

-- only a comment

/* nothing */

SELECT $1

SELECT $1::text, $2

SELECT 1 \; SELECT 2

SELECT 1 \gexec

DO $$ BEGIN PERFORM 1; END $$

SELECT E'\'; DROP TABLE retail.orders; --'

SELECT $tag$; COMMIT; $tag$

FETCH ALL FROM r

MOVE ALL IN "<unnamed portal 1>"

SELECT xmlparse(document '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><x>&e;</x>')

-- # only the guard will stop
SELECT length(string_agg(x, '')) FROM (SELECT repeat('x', 1000000) AS x FROM generate_series(1, 20)) t

SELECT pg_logical_emit_message(false, 'flood', repeat('x', 1000))

SELECT count(pg_advisory_lock_shared(n)) FROM generate_series(1, 200) n

SELECT nspname, relname FROM pg_class JOIN pg_namespace n ON n.oid = relnamespace WHERE nspname = 'zava'

SELECT rolname FROM pg_roles

SELECT prosrc FROM pg_proc WHERE proname LIKE 'run\_%'

SELECT polname, pg_get_expr(polqual, polrelid) FROM pg_policy

SELECT datname FROM pg_database

SELECT inet_server_addr(), inet_server_port(), version()

SELECT name, setting FROM pg_settings

SELECT pid, usename, application_name, client_addr FROM pg_stat_activity

SELECT * FROM pg_locks

SELECT pg_current_wal_lsn(), txid_current()
