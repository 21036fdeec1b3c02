"""Changes of a database and its server that undo isolation, and what the proof calls them."""

_IN_THIS = "DO $$ BEGIN EXECUTE format($q$ {} $q$, current_database()); END $$"

HOLES = [
    # What is called before the policies, or knows values of every store.
    ("ALTER FUNCTION int4div(int, int) LEAKPROOF", "int4div(integer,integer) is marked leakproof"),
    ("ALTER FUNCTION textlen(text) LEAKPROOF", "textlen(text) is marked leakproof"),
    ("ALTER FUNCTION zava.pad(bytea, int) LEAKPROOF", "zava.pad(bytea,integer) is marked"),
    ("GRANT SELECT ON pg_statistic TO PUBLIC", "PUBLIC may SELECT pg_statistic"),
    ("GRANT SELECT ON pg_statistic_ext_data TO head_office", "may SELECT pg_statistic_ext_data"),
    ("GRANT SELECT (stavalues1) ON pg_statistic TO store_managers", "may SELECT pg_statistic"),
    ("GRANT EXECUTE ON FUNCTION pg_read_file(text) TO PUBLIC", "may execute pg_read_file(text)"),
    ("GRANT EXECUTE ON FUNCTION pg_ls_waldir() TO head_office", "may execute pg_ls_waldir()"),
    (
        "CREATE STATISTICS retail.s (mcv) ON store_id, status FROM retail.orders",
        "statistics s keep values of every store of retail.orders; run DROP STATISTICS retail.s",
    ),
    # What a table does beside being read.
    (
        "CREATE RULE r AS ON DELETE TO retail.orders DO INSTEAD NOTHING",
        "rule r rewrites statements on retail.orders",
    ),
    (
        (
            "CREATE FUNCTION public.t() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';"
            "CREATE TRIGGER t BEFORE INSERT ON retail.orders FOR EACH ROW EXECUTE FUNCTION public.t()"
        ),
        "trigger t on retail.orders runs public.t()",
    ),
    (
        "ALTER TABLE zava.principals DISABLE TRIGGER USER",
        "log_change on zava.principals does not run",
    ),
    ("DROP TRIGGER log_end ON zava.sign_ins", "trigger log_end on zava.sign_ins does not run"),
    (
        "ALTER TABLE retail.orders DISABLE TRIGGER mark_update",
        "mark_update on retail.orders does not run; run ALTER TABLE retail.orders ENABLE TRIGGER",
    ),
    (
        "DROP TRIGGER mark_insert ON retail.order_items",
        "trigger mark_insert on retail.order_items does not run",
    ),
    (
        (
            "DROP TRIGGER mark_all ON retail.orders; CREATE TRIGGER mark_all AFTER TRUNCATE"
            " ON retail.orders FOR EACH STATEMENT EXECUTE FUNCTION zava.note_change()"
        ),
        "trigger mark_all on retail.orders does not run",
    ),
    (
        (
            "CREATE FUNCTION public.i(text) RETURNS text IMMUTABLE LANGUAGE sql RETURN $1;"
            "CREATE INDEX i ON retail.orders (public.i(status))"
        ),
        "index retail.i on retail.orders calls public.i(text)",
    ),
    (
        (
            "CREATE FUNCTION public.d() RETURNS text LANGUAGE sql RETURN 'x';"
            "ALTER TABLE retail.orders ALTER status SET DEFAULT public.d()"
        ),
        "default of a column on retail.orders calls public.d()",
    ),
    (
        (
            "CREATE FUNCTION public.c(text) RETURNS bool IMMUTABLE LANGUAGE sql RETURN true;"
            "ALTER TABLE retail.orders ADD CONSTRAINT c CHECK (public.c(status))"
        ),
        "constraint c on retail.orders calls public.c(text)",
    ),
    (
        (
            "CREATE TABLE public.parent (LIKE retail.orders);"
            "ALTER TABLE retail.orders INHERIT public.parent"
        ),
        "retail.orders is read through public.parent",
    ),
    (
        "CREATE TABLE public.child () INHERITS (retail.orders)",
        "public.child is read through retail.orders",
    ),
    (
        "CREATE FUNCTION retail.e() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END'",
        "function retail.e() is not as this version made it",
    ),
    # What a role reads beside its columns, and what a grant means.
    (
        "GRANT SELECT (cost) ON retail.products TO store_managers_personal",
        "role store_managers_personal reads retail.products.cost",
    ),
    (
        (
            "ALTER TABLE retail.customers ADD mail text GENERATED ALWAYS AS (lower(email)) STORED;"
            "ALTER TABLE retail.customers ALTER mail SET STATISTICS 0;"
            "GRANT SELECT (mail) ON retail.customers TO head_office"
        ),
        "role head_office reads retail.customers.mail, which is computed of email",
    ),
    (
        (
            "ALTER TABLE retail.products ADD gain numeric GENERATED ALWAYS AS (base_price - cost) STORED;"
            "GRANT SELECT (gain) ON retail.products TO store_managers"
        ),
        "role store_managers reads retail.products.gain, which is computed of cost",
    ),
    (
        (
            "CREATE OR REPLACE VIEW zava.valid_principals AS"
            " SELECT tenant_id, object_id, audience, store_ids, true AS reads_personal"
            " FROM zava.principals WHERE active AND valid_from <= statement_timestamp()"
            " AND statement_timestamp() < valid_until"
        ),
        "view zava.valid_principals is not as this version made it",
    ),
    (
        "ALTER TABLE zava.principals ALTER reads_personal SET DEFAULT true",
        "the default of zava.principals.reads_personal is true",
    ),
    # What runs for a caller.
    (
        "CREATE FUNCTION extensions.f() RETURNS int LANGUAGE sql RETURN 1",
        "may execute extensions.f()",
    ),
    (
        (
            "GRANT USAGE ON SCHEMA public TO PUBLIC;"
            "CREATE FUNCTION public.f() RETURNS int LANGUAGE sql RETURN 1"
        ),
        "store_managers may execute public.f()",
    ),
    (
        (
            "CREATE OR REPLACE FUNCTION retail.touch() RETURNS trigger LANGUAGE plpgsql"
            " AS 'BEGIN RETURN NULL; END'"
        ),
        "function retail.touch() is not as this version made it",
    ),
    ("DROP FUNCTION zava.store_count()", "function zava.store_count() is not there"),
    (
        "CREATE FUNCTION retail.lower(varchar) RETURNS text LANGUAGE sql RETURN $1",
        "function retail.lower(character varying) is not as this version",
    ),
    (
        (
            "CREATE FUNCTION public.o(text, text) RETURNS bool LANGUAGE sql RETURN true;"
            "CREATE OPERATOR retail.= (LEFTARG = text, RIGHTARG = text, FUNCTION = public.o)"
        ),
        "(text,text) is not PostgreSQL's",
    ),
    (
        (
            "CREATE FUNCTION public.k(text) RETURNS int LANGUAGE sql RETURN 1;"
            "CREATE CAST (text AS int) WITH FUNCTION public.k(text) AS IMPLICIT"
        ),
        "cast from text to integer is not",
    ),
    # Owners and access lists.
    ("ALTER TABLE retail.orders OWNER TO zava_admin", "retail.orders belongs to zava_admin"),
    ("ALTER SCHEMA retail OWNER TO zava_admin", "schema retail belongs to zava_admin"),
    ("GRANT CREATE ON SCHEMA zava TO zava_loader", "zava_loader may create in schema zava"),
    ("GRANT SELECT ON zava.keyring TO pg_monitor", "pg_monitor may SELECT zava.keyring"),
    ("GRANT SELECT (key_a) ON zava.keyring TO pg_monitor", "may SELECT zava.keyring.key_a"),
    ("GRANT TRUNCATE ON retail.orders TO pg_monitor", "pg_monitor may TRUNCATE retail.orders"),
    ("GRANT EXECUTE ON FUNCTION zava.my_stores(name) TO pg_monitor", "may execute zava.my_stores"),
    ("GRANT SELECT (cost) ON retail.products TO store_managers", "reads retail.products.cost"),
    ("GRANT SELECT ON retail.products TO store_managers", "reads retail.products.gross_margin"),
    (
        "GRANT SELECT ON SEQUENCE zava.change_log_change_id_seq TO head_office",
        "uses the sequence zava.change_log_change_id_seq",
    ),
    (
        "ALTER DEFAULT PRIVILEGES FOR ROLE zava_owner GRANT SELECT ON TABLES TO PUBLIC",
        "what zava_owner makes is open to PUBLIC",
    ),
    (
        (
            "CREATE FOREIGN DATA WRAPPER w; CREATE SERVER s FOREIGN DATA WRAPPER w;"
            "GRANT USAGE ON FOREIGN SERVER s TO head_office"
        ),
        "may use the foreign server s",
    ),
    ("SELECT lo_create(4711); GRANT SELECT ON LARGE OBJECT 4711 TO PUBLIC", "large object 4711"),
    (
        _IN_THIS.format("ALTER DATABASE %I OWNER TO zava_owner"),
        "the database belongs to zava_owner",
    ),
    # What copies rows.
    ("CREATE PUBLICATION p FOR ALL TABLES", "publication p copies"),
    ("CREATE PUBLICATION p FOR TABLE retail.orders", "publication p copies"),
    ("CREATE PUBLICATION p FOR TABLES IN SCHEMA retail", "publication p copies"),
    # Settings of the database.
    (
        _IN_THIS.format("ALTER DATABASE %I SET standard_conforming_strings = off"),
        "standard_conforming_strings = off changes what the server reads or writes; run ALTER DATA",
    ),
    (
        _IN_THIS.format("ALTER ROLE zava_server IN DATABASE %I SET statement_timeout = 0"),
        "the setting statement_timeout = 0 changes",
    ),
    (
        _IN_THIS.format("ALTER DATABASE %I SET log_statement = 'all'"),
        "the setting log_statement = all writes statements or cells",
    ),
    (
        _IN_THIS.format("ALTER DATABASE %I SET session_preload_libraries = 'plpgsql'"),
        "the setting session_preload_libraries = plpgsql is not",
    ),
]
_PINS = (
    ("standard_conforming_strings", "off", "on"),
    ("backslash_quote", "on", "safe_encoding"),
    ("statement_timeout", "0", "'30s'"),
    ("default_transaction_read_only", "off", "on"),
    ("row_security", "off", "on"),
    ("client_encoding", "SQL_ASCII", "'UTF8'"),
    ("search_path", "public", "pg_catalog, retail, pg_temp"),
)
_SETTINGS = (
    ("zava_server", "session_replication_role", "replica"),
    ("zava_server", "xmloption", "document"),
    ("zava_server", "log_min_duration_statement", "0"),
    ("zava_server", "debug_print_plan", "on"),
    ("zava_server", "lo_compat_privileges", "on"),
    ("ALL", "standard_conforming_strings", "off"),
)
_STRANGERS = (
    ("LOGIN", "zava_loader", "SET TRUE", "role stranger can act as zava_loader"),
    ("LOGIN", "zava_context", "INHERIT TRUE", "role stranger can act as zava_context"),
    ("", "zava_owner", "ADMIN TRUE, SET FALSE, INHERIT FALSE", "can act as zava_owner"),
    ("", "head_office", "ADMIN TRUE, SET FALSE, INHERIT FALSE", "may grant head_office to"),
    ("LOGIN", "zava_server", "SET TRUE", "role stranger can act as the login zava_server"),
    ("", "pg_read_all_data", "INHERIT TRUE", "stranger reads or writes past the policies"),
    ("", "pg_execute_server_program", "SET TRUE", "stranger reads or writes past"),
    ("BYPASSRLS", "pg_monitor", "SET TRUE", "role stranger passes by row security"),
)
CLUSTER_HOLES = [
    *(
        (
            f"ALTER ROLE zava_server SET {name} = {weak}",
            f"ALTER ROLE zava_server SET {name} = {pinned}",
            f"lacks the setting {name} = {pinned.strip(chr(39))}",
        )
        for name, weak, pinned in _PINS
    ),
    *(
        (
            f"ALTER ROLE {who} SET {name} = {value}",
            f"ALTER ROLE {who} RESET {name}",
            f"the setting {name} = {value} ",
        )
        for who, name, value in _SETTINGS
    ),
    (
        "GRANT SET ON PARAMETER log_statement TO store_managers",
        "REVOKE SET ON PARAMETER log_statement FROM store_managers",
        "store_managers may SET the parameter log_statement",
    ),
    (
        "GRANT ALTER SYSTEM ON PARAMETER work_mem TO PUBLIC",
        "REVOKE ALTER SYSTEM ON PARAMETER work_mem FROM PUBLIC",
        "PUBLIC may ALTER SYSTEM the parameter work_mem",
    ),
    (
        "GRANT CREATE ON TABLESPACE pg_default TO head_office",
        "REVOKE CREATE ON TABLESPACE pg_default FROM head_office",
        "head_office may create in the tablespace pg_default",
    ),
    (
        "GRANT pg_read_all_data TO zava_loader",
        "REVOKE pg_read_all_data FROM zava_loader",
        "zava_loader is a member of pg_read_all_data",
    ),
    *(
        (
            f"CREATE ROLE stranger {attributes}; GRANT {granted} TO stranger WITH {options}",
            "DROP ROLE stranger",
            problem,
        )
        for attributes, granted, options, problem in _STRANGERS
    ),
]
"""Each with what undoes it: roles belong to the whole server."""
