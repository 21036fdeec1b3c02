"""Changes that weaken isolation by what they are, with what the proof has to name of each."""

from random import Random

from tests.security.changes import (
    AUDIENCES,
    CALLERS,
    OWNED,
    STRANGER,
    Catalog,
    Change,
    Family,
    column_of,
    stranger,
)

POWERS = (
    *("pg_read_all_data", "pg_write_all_data", "pg_read_server_files"),
    *("pg_write_server_files", "pg_execute_server_program"),
)
_ANY_GRANTEE = ("PUBLIC", *CALLERS)
_OPTIONS = (
    "SET TRUE, INHERIT FALSE, ADMIN FALSE",
    "SET FALSE, INHERIT TRUE, ADMIN FALSE",
    "SET FALSE, INHERIT FALSE, ADMIN TRUE",
    "SET TRUE, INHERIT TRUE, ADMIN TRUE",
)
_PINS = {
    "standard_conforming_strings": ("off",),
    "backslash_quote": ("on", "off"),
    "client_encoding": ("SQL_ASCII", "LATIN1"),
    "row_security": ("off",),
    "transform_null_equals": ("on",),
    "array_nulls": ("off",),
    "default_transaction_read_only": ("off",),
    "statement_timeout": ("0", "'1h'"),
    "lock_timeout": ("0",),
    "idle_in_transaction_session_timeout": ("0",),
    "search_path": ("public, pg_catalog", "retail"),
    "timezone": ("'UTC'",),
    "datestyle": ("'SQL, DMY'",),
    "bytea_output": ("escape",),
    "extra_float_digits": ("0",),
}
_READING = tuple(_PINS)[:6]
_TELLING = {
    "log_error_verbosity": ("verbose", "default"),
    "log_min_messages": ("error", "debug1"),
    "log_min_error_statement": ("error",),
    "log_statement": ("all", "ddl"),
    "log_duration": ("on",),
    "log_min_duration_statement": ("0", "1000"),
    "log_min_duration_sample": ("0",),
    "log_transaction_sample_rate": ("1",),
    "log_parameter_max_length": ("-1",),
    "log_parameter_max_length_on_error": ("100",),
    "debug_print_parse": ("on",),
    "debug_print_rewritten": ("on",),
    "debug_print_plan": ("on",),
}
_TABLE_WRITES = ("INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER")


def leakproof(catalog: Catalog, draw: Random) -> Change:
    function = draw.choice([*catalog.mortal_functions, *catalog.functions])
    return Change(f"ALTER FUNCTION {function} LEAKPROOF", (function, "leakproof"))


def open_catalog_relation(catalog: Catalog, draw: Random) -> Change:
    relation, grantee = draw.choice(catalog.closed_relations), draw.choice(_ANY_GRANTEE)
    return Change(f"GRANT SELECT ON {relation} TO {grantee}", (relation, grantee))


def open_catalog_function(catalog: Catalog, draw: Random) -> Change:
    function, grantee = draw.choice(catalog.closed_functions), draw.choice(_ANY_GRANTEE)
    return Change(f"GRANT EXECUTE ON FUNCTION {function} TO {grantee}", (function, "may execute"))


def statistics(catalog: Catalog, draw: Random) -> Change:
    table = draw.choice(catalog.tenant)
    kind, name = draw.choice(("mcv", "ndistinct", "dependencies")), column_of(catalog, draw, table)
    return Change(
        f"CREATE STATISTICS public.kept ({kind}) ON store_id, {name} FROM {table}",
        ("kept", table),
    )


def rule(catalog: Catalog, draw: Random) -> Change:
    table = draw.choice([*catalog.tenant, *catalog.shared, "zava.keyring", "zava.principals"])
    event = draw.choice(("INSERT", "UPDATE", "DELETE"))
    return Change(
        f"CREATE RULE planted AS ON {event} TO {table} DO ALSO NOTHING", ("planted", table)
    )


def trigger(catalog: Catalog, draw: Random) -> Change:
    table = draw.choice([*catalog.tenant, *catalog.shared])
    return Change(
        "CREATE FUNCTION public.planted() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';"
        f"CREATE TRIGGER planted AFTER {draw.choice(('INSERT', 'UPDATE', 'DELETE'))} ON {table}"
        " EXECUTE FUNCTION public.planted()",
        ("trigger planted", table),
    )


def policy(catalog: Catalog, draw: Random) -> Change:
    table, reader = draw.choice(catalog.tenant), draw.choice(("PUBLIC", *AUDIENCES, "zava_chain"))
    condition = draw.choice(("true", "store_id IS NOT NULL", "zava.my_store(current_user) IS NULL"))
    return Change(
        f"CREATE POLICY planted ON {table} FOR SELECT TO {reader} USING ({condition})",
        ("policy planted", table),
    )


def changed_policy(catalog: Catalog, draw: Random) -> Change:
    table, name = draw.choice(catalog.tenant), draw.choice(("own_store", "own_stores"))
    change = draw.choice(("USING (true)", "TO PUBLIC", "TO zava_audit, head_office"))
    return Change(f"ALTER POLICY {name} ON {table} {change}", (f"policy {name}", table))


def unforced(catalog: Catalog, draw: Random) -> Change:
    table, how = draw.choice(catalog.tenant), draw.choice(("DISABLE", "NO FORCE"))
    return Change(f"ALTER TABLE {table} {how} ROW LEVEL SECURITY", (table,))


def owner_of_table(catalog: Catalog, draw: Random) -> Change:
    table = draw.choice(catalog.tenant)
    return Change(stranger(f"ALTER TABLE {table} OWNER TO {STRANGER}"), (table, STRANGER))


def membership_of_a_stranger(_: Catalog, draw: Random) -> Change:
    granted = draw.choice((*CALLERS, *OWNED, *POWERS))
    return (
        Change(
            stranger(
                f"GRANT {granted} TO {STRANGER} WITH {draw.choice(_OPTIONS)}",
                draw.choice(("LOGIN", "NOLOGIN")),
            ),
            (STRANGER, granted),
        )
        if granted not in POWERS
        else Change(stranger(f"GRANT {granted} TO {STRANGER}"), (STRANGER, granted))
    )


def membership_through_a_crew(_: Catalog, draw: Random) -> Change:
    granted = draw.choice((*CALLERS, *OWNED, *POWERS))
    return Change(
        f"CREATE ROLE crew; GRANT {granted} TO crew; " + stranger(f"GRANT crew TO {STRANGER}"),
        ("crew", granted),
    )


def membership_of_our_own(_: Catalog, draw: Random) -> Change:
    member, granted = draw.sample((*CALLERS, *OWNED), 2)
    granted = draw.choice((granted, *POWERS, "pg_monitor"))
    return Change(f"GRANT {granted} TO {member}", (member, granted))


def attribute(_: Catalog, draw: Random) -> Change:
    role = draw.choice((*CALLERS, *OWNED))
    attributes = ["SUPERUSER", "BYPASSRLS", "CREATEROLE", "CREATEDB", "REPLICATION"]
    return Change(f"ALTER ROLE {role} {draw.choice(attributes)}", (role,))


def stranger_past_policies(_: Catalog, draw: Random) -> Change:
    return Change(stranger("", draw.choice(("LOGIN BYPASSRLS", "BYPASSRLS"))), (STRANGER,))


def login_of_a_role(_: Catalog, draw: Random) -> Change:
    role = draw.choice((*AUDIENCES, *OWNED))
    return Change(f"ALTER ROLE {role} LOGIN", (role, "log in"))


def setting_of_the_login(catalog: Catalog, draw: Random) -> Change:
    name = draw.choice(tuple(_PINS))
    where = draw.choice(("", f"IN DATABASE {catalog.database} "))
    shown = {"timezone": "TimeZone", "datestyle": "DateStyle"}.get(name, name)
    return Change(
        f"ALTER ROLE zava_server {where}SET {name} = {draw.choice(_PINS[name])}", (shown,)
    )


def setting_of_everybody(catalog: Catalog, draw: Random) -> Change:
    name = draw.choice(_READING)
    where = draw.choice(("ROLE ALL", f"DATABASE {catalog.database}"))
    return Change(f"ALTER {where} SET {name} = {draw.choice(_PINS[name])}", (name, "RESET"))


def setting_of_the_log(catalog: Catalog, draw: Random) -> Change:
    name = draw.choice(tuple(_TELLING))
    where = draw.choice(("ROLE ALL", "ROLE zava_server", f"DATABASE {catalog.database}"))
    return Change(f"ALTER {where} SET {name} = {draw.choice(_TELLING[name])}", (name, "RESET"))


def record(_: Catalog, draw: Random) -> Change:
    name, table = draw.choice((("log_change", "zava.principals"), ("log_end", "zava.sign_ins")))
    way = draw.choice((f"DISABLE TRIGGER {name}", "DISABLE TRIGGER USER"))
    return Change(f"ALTER TABLE {table} {way}", (f"trigger {name}", table))


def library(catalog: Catalog, draw: Random) -> Change:
    name = draw.choice(("session_preload_libraries", "local_preload_libraries"))
    where = draw.choice(("ROLE ALL", "ROLE zava_server", f"DATABASE {catalog.database}"))
    return Change(f"ALTER {where} SET {name} = 'plpgsql'", (name, "RESET"))


def parameter(catalog: Catalog, draw: Random) -> Change:
    name, grantee = draw.choice(catalog.parameters), draw.choice((*_ANY_GRANTEE, *OWNED))
    right = draw.choice(("SET", "ALTER SYSTEM"))
    return Change(f"GRANT {right} ON PARAMETER {name} TO {grantee}", (name.lower(), grantee, right))


def write(catalog: Catalog, draw: Random) -> Change:
    table = draw.choice([*catalog.tenant, *catalog.shared, *catalog.sealed])
    grantee = draw.choice(_ANY_GRANTEE)
    return Change(f"GRANT {draw.choice(_TABLE_WRITES)} ON {table} TO {grantee}", (table,))


def read_of_the_login(catalog: Catalog, draw: Random) -> Change:
    table = draw.choice([*catalog.tenant, *catalog.shared, *catalog.sealed])
    return Change(f"GRANT SELECT ON {table} TO zava_server", ("zava_server", table))


def read_of_the_sealed(catalog: Catalog, draw: Random) -> Change:
    table = draw.choice(catalog.sealed)
    grantee = draw.choice(("PUBLIC", *AUDIENCES, STRANGER))
    return Change(stranger(f"GRANT SELECT ON {table} TO {grantee}"), (table,))


def function_of_ours(catalog: Catalog, draw: Random) -> Change:
    function = draw.choice(catalog.functions)
    change = draw.choice(
        (
            "SET session_replication_role = replica",
            "SET row_security = off",
            "OWNER TO a_stranger",
            "SET search_path = public",
            "SET standard_conforming_strings = off",
        )
    )
    short = function.split("(")[0]
    named = (short,)
    if change.startswith("OWNER"):
        definers = [
            name
            for name in catalog.functions
            if name.startswith(("zava.my_", "zava.run_", "zava.scope"))
        ]
        function = draw.choice(definers)
        named = (function.split("(")[0],)
    return Change(stranger(f"ALTER FUNCTION {function} {change}"), named)


def function_grant(catalog: Catalog, draw: Random) -> Change:
    function, grantee = draw.choice(catalog.functions), draw.choice(("PUBLIC", STRANGER))
    return Change(
        stranger(f"GRANT EXECUTE ON FUNCTION {function} TO {grantee}"), (function.split("(")[0],)
    )


def new_function(_: Catalog, draw: Random) -> Change:
    schema, definer = (
        draw.choice(("retail", "zava", "extensions")),
        draw.choice(("", "SECURITY DEFINER")),
    )
    return Change(
        f"CREATE FUNCTION {schema}.planted(text) RETURNS text LANGUAGE sql {definer} RETURN $1",
        (f"{schema}.planted(text)",),
    )


def hook_of_a_table(catalog: Catalog, draw: Random) -> Change:
    table = draw.choice(catalog.tenant)
    made = "CREATE FUNCTION public.planted(uuid) RETURNS uuid IMMUTABLE LANGUAGE sql RETURN $1; "
    return Change(
        made
        + draw.choice(
            (
                f"CREATE INDEX ON {table} (public.planted(store_id))",
                f"CREATE INDEX ON {table} (store_id) WHERE public.planted(store_id) IS NULL",
                f"ALTER TABLE {table} ADD CHECK (public.planted(store_id) IS NOT NULL) NOT VALID",
                f"ALTER TABLE {table} ADD planted uuid GENERATED ALWAYS AS (public.planted(store_id)) STORED",
                f"ALTER TABLE {table} ADD planted uuid DEFAULT public.planted(NULL)",
            )
        ),
        ("public.planted(uuid)", table),
    )


def inheritance(catalog: Catalog, draw: Random) -> Change:
    table = draw.choice(catalog.tenant)
    return Change(
        draw.choice(
            (
                f"CREATE TABLE public.planted () INHERITS ({table})",
                f"CREATE TABLE public.planted (LIKE {table}); ALTER TABLE {table} INHERIT public.planted",
            )
        ),
        ("public.planted", table),
    )


def creation(_: Catalog, draw: Random) -> Change:
    schema, grantee = (
        draw.choice(("retail", "zava")),
        draw.choice((*_ANY_GRANTEE, *OWNED, STRANGER)),
    )
    owners = {"retail": "zava_owner", "zava": "zava_context"}
    grantee = STRANGER if grantee == owners[schema] else grantee
    return Change(stranger(f"GRANT CREATE ON SCHEMA {schema} TO {grantee}"), (schema, "may create"))


def publication(catalog: Catalog, draw: Random) -> Change:
    table = draw.choice([*catalog.tenant, *catalog.shared])
    what = draw.choice(("ALL TABLES", f"TABLE {table}", "TABLES IN SCHEMA retail"))
    return Change(f"CREATE PUBLICATION planted FOR {what}", ("publication planted",))


def default_privileges(_: Catalog, draw: Random) -> Change:
    role = draw.choice(OWNED)
    return Change(
        f"ALTER DEFAULT PRIVILEGES FOR ROLE {role} GRANT SELECT ON TABLES TO"
        f" {draw.choice(_ANY_GRANTEE)}",
        (role, "DEFAULT PRIVILEGES"),
    )


def view(catalog: Catalog, draw: Random) -> Change:
    table, reader = draw.choice(catalog.tenant), draw.choice(AUDIENCES)
    kind = draw.choice(("VIEW", "MATERIALIZED VIEW"))
    return Change(
        f"CREATE {kind} retail.planted AS SELECT * FROM {table} WITH NO DATA;"
        f"GRANT SELECT ON retail.planted TO {reader}".replace(
            " WITH NO DATA" if kind == "VIEW" else "\0", ""
        ),
        ("retail.planted",),
    )


def hidden_column(_: Catalog, draw: Random) -> Change:
    column = draw.choice(("cost", "gross_margin_percent"))
    grantee = draw.choice(("PUBLIC", "store_managers"))
    return Change(f"GRANT SELECT ({column}) ON retail.products TO {grantee}", (column,))


WEAKENING: tuple[Family, ...] = (
    *(leakproof, open_catalog_relation, open_catalog_function, statistics, rule, trigger),
    *(policy, changed_policy, unforced, owner_of_table, membership_of_a_stranger),
    *(membership_through_a_crew, membership_of_our_own, attribute, stranger_past_policies),
    *(login_of_a_role, setting_of_the_login, setting_of_everybody, library, parameter, write),
    *(read_of_the_login, read_of_the_sealed, function_of_ours, function_grant, new_function),
    *(hook_of_a_table, inheritance, creation, publication, default_privileges, view),
    *(hidden_column, setting_of_the_log, record),
)
