-- Statements of an attacker who knows this source. A line '-- # class' opens a class, a blank line
-- ends a statement, and a line '-- [passes]' before it says that the guard lets it run because it
-- reads only what the caller may and the seal, a cap or the deadline bounds it: every other one is
-- refused by the guard. {own} and {other} are store ids, {order} and {customer} are ids of the other store.

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

WITH f AS MATERIALIZED (SELECT set_config('row_security', 'off', true))
SELECT f.*, t.* FROM f, LATERAL (SELECT count(*) FROM ts_stat('select to_tsvector(status) from retail.orders where store_id <> ''{own}''')) t

WITH f AS MATERIALIZED (SELECT set_config('zava.context', left(current_setting('zava.context'), 64) || upper('{other}'), true))
SELECT o.store_id FROM f, retail.orders o

SELECT set_config('debug_parallel_query', 'on', true), (SELECT count(*) FROM retail.orders WHERE store_id <> '{own}')

SELECT set_config('TimeZone', 'Pacific/Kiritimati', true), c.* FROM zava.chain_quartiles('revenue', '2025-03-01', '2025-04-01') c

SELECT * FROM zava.chain_quartiles('revenue', '-infinity', 'infinity')

SELECT * FROM zava.used('{own}', '{other}')

SELECT currtid2('retail.orders', format('(%s,1)', b)::tid)::text FROM generate_series(0, 90) b

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

ALTER FUNCTION zava.run_store_managers(integer, uuid, uuid, bigint, uuid, bytea, text, text, integer, bigint, integer) VOLATILE

CREATE OR REPLACE FUNCTION zava.run_store_managers(integer, uuid, uuid, bigint, uuid, bytea, text, text, integer, bigint, integer) RETURNS SETOF text LANGUAGE sql AS 'select null::text'

DROP FUNCTION zava.run_store_managers(integer, uuid, uuid, bigint, uuid, bytea, text, text, integer, bigint, integer)

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
-- [passes]
SELECT * FROM retail.orders WHERE store_id = '{other}'

-- [passes]
SELECT * FROM retail.orders WHERE order_id = '{order}'

-- [passes]
SELECT * FROM retail.customers WHERE customer_id = '{customer}'

-- [passes]
SELECT * FROM ONLY retail.orders WHERE store_id = '{other}'

-- [passes]
TABLE retail.orders

-- [passes]
SELECT (SELECT count(*) FROM retail.orders), (SELECT count(*) FROM retail.customers), (SELECT count(*) FROM retail.order_items)

-- [passes]
SELECT i.* FROM retail.order_items i LEFT JOIN retail.orders o USING (store_id, order_id) WHERE o.order_id IS NULL OR o.store_id = '{other}'

-- [passes]
SELECT * FROM retail.stores FULL JOIN retail.inventory USING (store_id) WHERE store_id <> '{own}'

-- [passes]
SELECT store_id FROM retail.stores UNION ALL SELECT store_id FROM retail.inventory UNION ALL SELECT store_id FROM retail.orders

-- [passes]
SELECT o FROM retail.orders o WHERE o::text LIKE '%{other}%'

SELECT to_jsonb(o) FROM retail.orders o TABLESAMPLE SYSTEM (100) WHERE o.store_id = '{other}'

SELECT count(*) FROM retail.orders TABLESAMPLE BERNOULLI (30.5) REPEATABLE (42)

SELECT ctid, tableoid, xmin, o.* FROM retail.orders o WHERE store_id <> '{own}'

-- [passes]
SELECT o.* FROM retail.orders o WHERE 1 / (CASE WHEN o.store_id = '{other}' THEN 0 ELSE 1 END) = 1

-- [passes]
SELECT o.* FROM retail.orders o WHERE (o.store_id::text || 'x')::int = 1

SELECT table_to_xml('retail.orders', true, true, '')

SELECT schema_to_xml('retail', true, true, '')

SELECT database_to_xml(true, true, '')

SELECT query_to_xml('select * from retail.customers where store_id <> ''{own}''', true, true, '')

SELECT most_common_vals::text, histogram_bounds::text FROM pg_stats WHERE schemaname = 'retail' AND tablename IN ('orders', 'customers', 'stores')

SELECT stavalues1::text FROM pg_statistic

SELECT stxdmcv FROM pg_statistic_ext_data

SELECT pg_get_viewdef('pg_stats'::regclass), s.* FROM pg_stats_ext s

-- [passes]
SELECT cost, gross_margin_percent FROM retail.products

-- [passes]
SELECT * FROM retail.products

-- [passes]
SELECT p FROM retail.products p

-- [passes]
SELECT to_json(p) FROM retail.products p

-- [passes]
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
SELECT set_config('enable_seqscan', 'on', false), (SELECT 1 FROM retail.orders LIMIT 1)

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

SELECT * FROM pg_ls_logicalsnapdir()

SELECT * FROM pg_ls_replslotdir('{other}')

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

-- [passes]
SELECT count(*) FROM generate_series(1, 100000) a, generate_series(1, 100000) b

SELECT repeat('x', 20000000)

-- [passes]
SELECT repeat('x', 1000) FROM generate_series(1, 100000)

SELECT set_config('statement_timeout', '0', true), pg_sleep(3600)

SELECT * FROM pg_sleep_for('1 hour')

SELECT regexp_count(repeat('a', 30000), '(a|aa)+$(b)?\1')

SELECT count(*) FROM generate_series(1, 2 * 10^6::int)

SELECT count(*) FROM generate_series(1, (SELECT 2000000))

SELECT count(*) FROM generate_series(1, 2 * 1000 * 1000)

SELECT count(*) FROM generate_series(1, '2000000'::int)

SELECT count(*) FROM generate_series(1, least(2000000, 3000000))

SELECT count(*) FROM generate_series(1, greatest(1, 2000000))

SELECT count(*) FROM generate_series(1, power(10, 6)::int * 2)

SELECT count(*) FROM generate_series(1, 4000000 / 2)

SELECT count(*) FROM generate_series(-2000000::bigint, 0 - 1)

SELECT count(*) FROM generate_series(1, 3.0, 0.000001)

SELECT count(*) FROM generate_series(1, length(version()))

SELECT repeat(repeat('x', 10000), 1000)

SELECT repeat('xxxxxxxxxxxxxxxxxxxx', 10000)

SELECT length(repeat(x, 10000)) FROM (SELECT repeat('x', 10000) AS x) AS t

WITH a AS (SELECT repeat('x', 100) AS x), b AS (SELECT repeat(x, 1000) AS x FROM a), c AS (SELECT repeat(x, 1000) AS x FROM b) SELECT length(x) FROM c

SELECT repeat('x', greatest(1, n)) FROM generate_series(1, 10) AS n

SELECT repeat('x', (SELECT count(*) FROM retail.orders)::int)

SELECT lpad('x', 50000000)

SELECT rpad('x', 10 ^ 7::int, 'y')

SELECT repeat(lpad('x', 10000), 1000)

SELECT format('%50000000s', 'x')

SELECT format('%*s', 50000000, 'x')

SELECT format('%' || '9999999s', 'x')

SELECT string_agg(format('%1$99999s', n), '') FROM generate_series(1, 1000) AS n

SELECT array_fill(0, ARRAY[100000, 1000])

SELECT strpos(string_agg('a', ''), 'b' || repeat('a', 9000)) FROM generate_series(1, 1000)

SELECT position(b IN a) FROM (SELECT string_agg('a', '') AS a, 'b' || string_agg('a', '') FILTER (WHERE n < 500) AS b FROM generate_series(1, 1000) AS n) AS t

SELECT length(translate(string_agg('a', ''), repeat('b', 9000) || 'a', 'c')) FROM generate_series(1, 1000)

SELECT length(btrim(string_agg('a', ''), repeat('b', 9000) || 'a')) FROM generate_series(1, 1000)

-- [passes]
SELECT length(replace(repeat('a', 10000), 'a', repeat('b', 10000)))

SELECT cardinality(string_to_array(a, b)) FROM (SELECT string_agg('a', '') AS a, 'b' || repeat('a', 9000) AS b FROM generate_series(1, 1000)) AS t

SELECT split_part(a::text, (array_to_string(a, ''))::text, 2) FROM (SELECT array_agg(n) AS a FROM generate_series(1, 1000) AS n) AS t

-- [passes]
SELECT length(normalize(string_agg(U&'\0301\0323', ''), NFD)) FROM generate_series(1, 300)

WITH RECURSIVE r AS (SELECT U&'\0301\0323' AS x UNION ALL SELECT x || x FROM r WHERE length(x) < 300) SELECT max(length(normalize(x))) FROM r

SELECT repeat('a', 9000) IS NFD NORMALIZED AND (SELECT string_agg(U&'\0301\0323', '') FROM generate_series(1, 300)) IS NFD NORMALIZED

WITH RECURSIVE a AS (SELECT 1 AS n UNION ALL SELECT n FROM a), b AS (SELECT 1) SELECT count(*) FROM a

WITH RECURSIVE r AS (SELECT 1 AS n UNION SELECT n + 1 FROM r) SELECT n::text FROM r LIMIT 5

-- [passes]
SELECT count(*) FROM retail.order_items a, retail.order_items b, retail.order_items c WHERE a.quantity + b.quantity + c.quantity < 0

-- [passes]
SELECT count(*) FROM generate_series(1, (SELECT count(*) FROM retail.orders) * 1000000)

-- [passes]
SELECT count(*) FROM generate_series('2000-01-01'::timestamp, '2030-01-01', '1 microsecond')

-- [passes]
WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r WHERE n > 0) SELECT count(*) FROM r

SELECT sum(factorial(30000 + n)) FROM generate_series(1, 1000) AS n

SELECT gcd(9::numeric ^ 130000, 7::numeric ^ 130000)

-- [passes]
SELECT repeat('a', 9999) ~ '^(a+)+$b', repeat('a', 9999) LIKE repeat('%a', 1000) || 'b', repeat('a', 9999) SIMILAR TO '(a|aa)*b'

-- [passes]
SELECT count(*) FROM regexp_matches(repeat('a', 9999), '(a|aa)+$(b)?\1', 'g')

SELECT jsonb_path_exists(jsonb_agg(n), '$[*] ? ($[*] == -@)') FROM generate_series(1, 20000) AS n

-- [passes]
SELECT length(ts_headline('english', d, to_tsquery('w1 <-> w2 & w3'), 'MaxFragments=100')) FROM (SELECT string_agg('w' || n % 7, ' ') AS d FROM generate_series(1, 200000) AS n) AS t

SELECT length(array_agg(a ORDER BY a DESC)::text) FROM generate_series(1, 1000000) AS a, generate_series(1, 100) AS b

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

-- [passes]
SELECT E'\'; DROP TABLE retail.orders; --'

-- [passes]
SELECT $tag$; COMMIT; $tag$

FETCH ALL FROM r

MOVE ALL IN "<unnamed portal 1>"

SELECT xmlparse(document '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><x>&e;</x>')

SELECT 1 /* one /* two /* three */ */ */ ; SELECT pg_sleep(0.01)

SELECT 1 --; \n
; SELECT pg_sleep(0.01)

SELECT /* pg_catalog. */ U&"pg\005fsleep"(0.01)

SELECT U&"!0070g_sleep" UESCAPE '!' (0.01)

SELECT "pg_sleep"(0.01)

SELECT PG_Catalog.PG_Sleep(0.01)

SELECT pg_catalog . /* here */ pg_sleep /* there */ (0.01)

SELECT s.pg_sleep FROM (SELECT 0.01::float8) AS s

SELECT (0.01::float8).pg_sleep

SELECT (SELECT 0.01::float8).pg_sleep

WITH pg_sleep AS (SELECT 0.01::float8 AS s) SELECT (pg_sleep.s).pg_sleep FROM pg_sleep

SELECT (x).int2vector FROM (VALUES ('1 2')) AS v (x)

SELECT (x).macaddr8 FROM (VALUES ('08:00:2b:01:02:03:04:05')) AS v (x)

SELECT (x).factorial FROM (VALUES (1000)) AS v (x)

SELECT (c.email).hashtextextended FROM retail.customers AS c LIMIT 1

SELECT (min(o.status)).textlen FROM retail.orders AS o

SELECT (s).pg_column_size FROM retail.stores AS s

SELECT (x).json_agg FROM (VALUES ('a')) AS v (x)

SELECT ((x).text).int4 FROM (VALUES ('1')) AS v (x)

SELECT now.s FROM LATERAL pg_sleep(0.01) AS now (s)

SELECT * FROM ROWS FROM (generate_series(1, 2), pg_sleep(0.01)) AS t (a, b)

SELECT count(*) FILTER (WHERE pg_sleep(0.01) IS NULL) FROM retail.stores

SELECT sum(1) OVER w FROM retail.stores WINDOW w AS (ORDER BY pg_sleep(0.01)::text)

SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY length(pg_sleep(0.01)::text)) FROM retail.stores

SELECT GROUPING(pg_sleep(0.01)) FROM retail.stores GROUP BY pg_sleep(0.01)

SELECT 'a' LIKE 'b' ESCAPE pg_sleep(0.01)::text

SELECT (ARRAY[1, 2])[length(pg_sleep(0.01)::text)]

SELECT * FROM retail.orders TABLESAMPLE BERNOULLI (length(pg_sleep(0.01)::text))

SELECT 1 ORDER BY (SELECT pg_sleep(0.01)::text) LIMIT (SELECT 1 FROM pg_sleep(0.01))

SELECT make_interval(secs => length(pg_sleep(0.01)::text))

SELECT COALESCE(NULL, CASE WHEN true THEN pg_sleep(0.01)::text END)

SELECT JSON_OBJECT('a' : pg_sleep(0.01)::text)

SELECT JSON_VALUE('{"a": 1}', '$.a' DEFAULT pg_sleep(0.01)::text::int ON EMPTY)

SELECT * FROM JSON_TABLE('[1]', '$[*]' PASSING pg_sleep(0.01)::text AS x COLUMNS (a int PATH '$'))

SELECT 1::numeric(pg_sleep(0.01))

WITH RECURSIVE t (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t WHERE pg_sleep(0.01) IS NULL) CYCLE n SET c USING p SELECT * FROM t

(SELECT 1) UNION (SELECT 2 FROM (VALUES (pg_sleep(0.01))) AS v (x))

SELECT 1 OPERATOR(zava.=) 1

SELECT 1 OPERATOR(pg_catalog.===) 1

SELECT VARIADIC_free(VARIADIC ARRAY[1])

SELECT TREAT(1 AS regclass)

SELECT XMLELEMENT(NAME a, (SELECT 1))

SELECT * FROM XMLTABLE('/a' PASSING XMLPARSE(DOCUMENT '<a/>') COLUMNS x int PATH '.')

SELECT MERGE_ACTION()

SELECT CURRENT OF c

SELECT NULL::retail.orders

SELECT NULL::orders%ROWTYPE

SELECT setof.x FROM json_to_record('{}') AS setof (x SETOF int)

SELECT (json_populate_record(NULL::pg_class, '{}')).*

SELECT * FROM retail.orders FOR UPDATE SKIP LOCKED

SELECT $body$ $body$ || $1

SELECT 1 FROM retail.orders o WHERE o = (SELECT set_config('role', 'none', true))::retail.orders

-- # the catalog by side doors
SELECT (1259).regclass

SELECT (n).regrole FROM generate_series(10, 20) AS n

SELECT n.regrole FROM generate_series(10, 20) AS n

SELECT (n).regtype FROM generate_series(16384, 16420) AS n

SELECT (n).regnamespace::text FROM generate_series(11, 12) AS n

SELECT (SELECT 1242).regproc

SELECT t.oid.regclass FROM (SELECT 1259 AS oid) AS t

SELECT ('postgres=r/postgres'::text).aclitem

SELECT ('<a/>'::text).xml

SELECT CASE WHEN false THEN pg_typeof(1) ELSE n END FROM generate_series(16384, 16500) AS n

SELECT pg_typeof(1) UNION ALL SELECT 'zava.principals'

SELECT coalesce(nullif(pg_typeof(1), pg_typeof(1)), 'pg_catalog.pg_class')

SELECT pg_typeof(1) = ANY ('{zava.principals}')

SELECT 'pg_class'::regclass

SELECT regclass 'pg_class', regrole 'zava_owner'

SELECT CAST('zava.principals' AS pg_catalog.regclass)

SELECT regclass('pg_class')

SELECT ARRAY['pg_class', 'pg_proc']::regclass[]

SELECT 'zava.x'::regconfig

SELECT n::regconfig FROM generate_series(3748, 3800) AS n

SELECT x FROM json_to_record('{"x": "pg_class"}') AS t (x regclass)

SELECT JSON_VALUE('"pg_class"', '$' RETURNING regclass)

SELECT * FROM JSON_TABLE('["pg_class"]', '$[*]' COLUMNS (a regclass PATH '$'))

SELECT to_regclass('zava.keyring'), to_regrole('zava_owner'), to_regproc('set_config')

SELECT has_table_privilege('zava_owner', 'zava.keyring', 'SELECT')

SELECT has_schema_privilege('zava', 'USAGE'), pg_has_role('head_office', 'MEMBER')

SELECT row_security_active('retail.orders')

SELECT current_schema, current_catalog, current_schemas(true)

SELECT current_user, session_user, user, current_role

SELECT system_user

SELECT version(), pg_backend_pid(), pg_postmaster_start_time()

SELECT current_database(), current_query()

SELECT COLLATION FOR ('a')

SELECT 'a' COLLATE zava.mine

SELECT xmin, xmax, cmin FROM retail.orders

SELECT o.ctid, (o).xmin FROM retail.orders AS o

SELECT (o).tableoid FROM retail.orders AS o

SELECT max(age(xmin)) FROM retail.orders

SELECT * FROM information_schema.columns

SELECT * FROM information_schema.enabled_roles

SELECT * FROM pg_catalog.pg_class

SELECT * FROM "pg_class"

WITH pg_class AS (SELECT * FROM pg_class) SELECT * FROM pg_class

WITH a AS (SELECT * FROM pg_roles), pg_roles AS (SELECT 1) SELECT * FROM a

WITH pg_class AS (SELECT 1 AS n) SELECT c.* FROM pg_class AS n, pg_catalog.pg_class AS c

SELECT * FROM (WITH pg_roles AS (SELECT 1) SELECT * FROM pg_roles) AS t, pg_roles

TABLE pg_roles

SELECT * FROM pg_toast.pg_toast_1255

SELECT * FROM pg_temp.orders

SELECT * FROM zava.principals AS orders

SELECT * FROM another.retail.orders

SELECT obj_description('retail.orders'::regclass), col_description(1259, 1)

SELECT format_type(n, NULL) FROM generate_series(16384, 16500) AS n

SELECT pg_get_userbyid(10), pg_get_viewdef(1), pg_get_functiondef(1)

SELECT pg_relation_size('retail.orders'), pg_database_size('postgres')

SELECT pg_stat_get_live_tuples(1259), pg_stat_get_db_xact_commit(5)

SELECT current_setting('zava.context'), current_setting('search_path')

SELECT * FROM pg_get_keywords(), pg_timezone_names(), pg_available_extensions()

SELECT pg_identify_object(1259, 1259, 0), pg_describe_object(1259, 1259, 0)

SELECT txid_current_snapshot(), pg_current_snapshot(), pg_current_xact_id()

SELECT acldefault('r', 10), aclexplode(NULL)

SELECT getdatabaseencoding(), inet_client_addr()

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

SELECT pg_logical_emit_message(true, 'flood', repeat('x', 1000000))

SELECT s.pg_advisory_lock FROM (SELECT 4711::bigint) AS s

SELECT count(pg_try_advisory_lock(n, n)) FROM generate_series(1, 5000) AS n

SELECT count(*) FROM retail.orders WHERE pg_advisory_xact_lock(4711) IS NOT NULL

SELECT (n).regrole FROM generate_series(10, 20) AS n

SELECT pg_typeof(1) UNION ALL SELECT 'zava.principals'

SELECT xmin FROM retail.orders

-- # personal data without the permission
-- [passes]
SELECT email FROM retail.customers LIMIT 5

-- [passes]
SELECT * FROM retail.customers LIMIT 5

-- [passes]
SELECT c FROM retail.customers AS c LIMIT 5

-- [passes]
SELECT to_jsonb(c) FROM retail.customers AS c LIMIT 5

-- [passes]
SELECT (c).last_name FROM retail.customers AS c LIMIT 5

-- [passes]
SELECT count(*) FROM retail.customers WHERE email LIKE 'a%'

-- [passes]
SELECT customer_id FROM retail.customers ORDER BY last_name LIMIT 5

-- [passes]
SELECT count(DISTINCT phone) FROM retail.customers

-- [passes]
SELECT md5(first_name) FROM retail.customers LIMIT 5

-- [passes]
SELECT email::integer FROM retail.customers LIMIT 5

-- [passes]
SELECT count(c) FROM retail.customers AS c

-- [passes]
SELECT count(*) FROM retail.customers AS a NATURAL JOIN retail.customers AS b

-- [passes]
SELECT n FROM retail.customers AS c (s, k, f, l, n, p, t) LIMIT 5

-- [passes]
WITH c AS (TABLE retail.customers) SELECT c.email FROM c LIMIT 5

SELECT email FROM retail.customers WHERE set_config('zava.narrowed', 'off', true) IS NOT NULL LIMIT 5

SELECT set_config('role', 'store_managers_personal', true), (SELECT email FROM retail.customers LIMIT 1)

SELECT * FROM zava.run_store_managers_personal(1, '{own}', '{own}', 9999999999, '{own}', sha256('x'), 'select email from retail.customers', '', 10, 10000)

SELECT * FROM zava_import.customer_keys LIMIT 5
