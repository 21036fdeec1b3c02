"""Changes that weaken nothing by what they are: the proof has nothing to say of them."""

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


def comment(catalog: Catalog, draw: Random) -> Change:
    what = draw.choice(
        (
            f"TABLE {draw.choice(catalog.tenant)}",
            f"FUNCTION {draw.choice(catalog.functions)}",
            f"ROLE {draw.choice((*CALLERS, *OWNED))}",
            f"POLICY own_store ON {draw.choice(catalog.tenant)}",
        )
    )
    return Change(f"COMMENT ON {what} IS 'looked at'")


def unrelated_role(_: Catalog, draw: Random) -> Change:
    attributes = draw.choice(("LOGIN", "LOGIN CREATEDB", "NOLOGIN", "LOGIN CREATEROLE"))
    granted = draw.choice(("pg_monitor", "pg_signal_backend", "pg_checkpoint"))
    return Change(
        stranger(
            f"GRANT {granted} TO {STRANGER}; ALTER ROLE {STRANGER} SET row_security = off",
            attributes,
        )
    )


def unrelated_objects(_: Catalog, draw: Random) -> Change:
    right = draw.choice(("ALL", "SELECT", "INSERT"))
    return Change(
        stranger(
            f"CREATE SCHEMA apart AUTHORIZATION {STRANGER}; CREATE TABLE apart.t (x int, y int);"
            "CREATE FUNCTION apart.f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';"
            "CREATE TRIGGER t BEFORE INSERT ON apart.t FOR EACH ROW EXECUTE FUNCTION apart.f();"
            "CREATE RULE r AS ON UPDATE TO apart.t DO ALSO NOTHING;"
            "CREATE STATISTICS apart.s ON x, y FROM apart.t; CREATE PUBLICATION p FOR TABLE apart.t;"
            f"GRANT {right} ON apart.t TO {STRANGER}"
        )
    )


def read_of_a_shared_table(catalog: Catalog, draw: Random) -> Change:
    return Change(stranger(f"GRANT SELECT ON {draw.choice(catalog.shared)} TO {STRANGER}"))


def index(catalog: Catalog, draw: Random) -> Change:
    table = draw.choice(catalog.tenant)
    name = column_of(catalog, draw, table)
    return Change(
        draw.choice(
            (
                f"CREATE INDEX ON {table} (store_id, {name})",
                f"CREATE INDEX ON {table} ({name})",
                f"ALTER TABLE {table} SET (fillfactor = 80)",
            )
        )
    )


def analysed(catalog: Catalog, draw: Random) -> Change:
    return Change(f"ANALYZE {draw.choice([*catalog.tenant, *catalog.shared])}")


def statistics_of_a_shared_table(_: Catalog, draw: Random) -> Change:
    kind = draw.choice(("mcv", "ndistinct"))
    return Change(f"CREATE STATISTICS retail.s ({kind}) ON product_id, sku FROM retail.products")


def tuning(_: Catalog, draw: Random) -> Change:
    name, value = draw.choice(
        (
            ("work_mem", "'8MB'"),
            ("enable_nestloop", "off"),
            ("random_page_cost", "2"),
            ("synchronous_commit", "on"),
            ("hnsw.ef_search", "200"),
            ("log_min_messages", "fatal"),
        )
    )
    return Change(f"ALTER ROLE zava_server SET {name} = {value}")


def setting_apart(catalog: Catalog, draw: Random) -> Change:
    name, value = draw.choice(
        (("timezone", "'UTC'"), ("work_mem", "'8MB'"), ("statement_timeout", "'1h'"))
    )
    return Change(
        draw.choice(
            (
                f"ALTER DATABASE {catalog.database} SET {name} = {value}",
                stranger(f"ALTER ROLE {STRANGER} SET {name} = {value}"),
            )
        )
    )


def parameter_of_a_stranger(catalog: Catalog, draw: Random) -> Change:
    return Change(
        stranger(f"GRANT SET ON PARAMETER {draw.choice(catalog.parameters)} TO {STRANGER}")
    )


def revoked(catalog: Catalog, draw: Random) -> Change:
    return Change(
        draw.choice(
            (
                f"REVOKE SELECT ON {draw.choice(catalog.shared)} FROM {draw.choice(AUDIENCES)}",
                f"REVOKE EXECUTE ON FUNCTION {draw.choice(catalog.closed_functions)} FROM PUBLIC",
                "REVOKE SELECT ON pg_roles FROM pg_monitor",
            )
        )
    )


HARMLESS: tuple[Family, ...] = (
    *(comment, unrelated_role, unrelated_objects, read_of_a_shared_table, index, analysed),
    *(statistics_of_a_shared_table, tuning, setting_apart, parameter_of_a_stranger, revoked),
)
