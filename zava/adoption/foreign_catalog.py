"""What the catalog of another application's database contains, read at one moment."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

import psycopg
from psycopg.rows import dict_row

from zava.adoption.declared_values import quoted
from zava.sql_files import SQL

PUBLIC = "PUBLIC"
SEAL = SQL / "seal"
READING = (
    "SET LOCAL search_path = pg_catalog",
    "SET LOCAL standard_conforming_strings = on",
    "SET LOCAL quote_all_identifiers = off",
    "SET LOCAL datestyle = 'ISO, YMD'",
    "SET LOCAL intervalstyle = postgres",
    "SET LOCAL timezone = 'UTC'",
    "SET LOCAL bytea_output = hex",
    "SET LOCAL extra_float_digits = 1",
)
"""How every transaction reads and writes names, texts and constants.

The checksum of a function and the text of a policy depend on these settings, and those of the
database and of each login differ.
"""
_KEY_TYPES = {
    "uuid": "uuid",
    "smallint": "bigint",
    "integer": "bigint",
    "bigint": "bigint",
    "text": "text",
    "character varying": "text",
}
VIEW, MATERIALIZED_VIEW, FOREIGN_TABLE = "v", "m", "f"


@dataclass(frozen=True, slots=True)
class CatalogColumn:
    """One column; `type` is the base type of a domain. `readers` have a grant of the column.

    `folds_texts`: its collation treats different texts as equal. `computed_from` are the columns
    that a generated one shows.
    """

    name: str
    type: str
    is_text: bool
    not_null: bool
    readers: frozenset[str]
    folds_texts: bool
    computed_from: tuple[str, ...]

    @property
    def key_type(self) -> str | None:
        """Return the type that a tenant's key of this column has in the seal, None for others."""
        return _KEY_TYPES.get(self.type)


@dataclass(frozen=True, slots=True)
class CatalogRelation:
    """A table, view or the like; `name` is `schema.name`.

    `readers` and `writers` are roles with a grant of the whole relation. `leading` are the columns
    that begin an index, `unique` those of each unique one. `parents` are the tables that it
    inherits from, as no partition. `may_act`: the administrator may act as the owner.
    """

    oid: int
    name: str
    kind: str
    owner: str
    may_act: bool
    is_partition: bool
    is_of_extension: bool
    has_row_security: bool
    readers: frozenset[str]
    writers: frozenset[str]
    leading: frozenset[str]
    unique: tuple[frozenset[str], ...]
    parents: tuple[str, ...]
    columns: Mapping[str, CatalogColumn]
    policies: Mapping[str, Mapping[str, Any]]

    @property
    def is_table(self) -> bool:
        """Return whether it is a table that policies protect, partitioned or not."""
        return self.kind in {"r", "p"} and not self.is_partition

    @property
    def foreign_policies(self) -> tuple[str, ...]:
        """Return the application's own policies."""
        return tuple(name for name in self.policies if not name.startswith("zava_"))


@dataclass(frozen=True, slots=True)
class CatalogKey:
    """A foreign key: `columns` of `table` refer to `references` of `parent`."""

    table: str
    columns: tuple[str, ...]
    parent: str
    references: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CatalogFunction:
    """A function outside the system's schemas; `signature` has no schema.

    `definition` is the checksum of one that runs with its owner's rights, None for others.
    `aggregate` is one that calls it without a privilege of the caller.
    """

    schema: str
    name: str
    signature: str
    owner: str
    is_definer: bool
    is_public: bool
    aggregate: str | None
    is_trigger: bool
    is_of_extension: bool
    definition: str | None

    def is_listed(self, functions: Collection[str]) -> bool:
        """Return whether it is one of these, which are named with or without a schema."""
        return self.signature in functions or f"{self.schema}.{self.signature}" in functions


@dataclass(frozen=True, slots=True)
class CatalogRole:
    """A role of the server, as adoption needs it."""

    name: str
    may_act: bool
    may_administer: bool
    passes_policies: bool
    can_login: bool
    is_ours_alone: bool
    reads_all_data: bool
    switches_row_security_off: bool


@dataclass(frozen=True, slots=True)
class CatalogSchema:
    """A schema, the privileges of PUBLIC in it, and the roles that may use it by a grant."""

    name: str
    owner: str
    public: frozenset[str]
    users: frozenset[str]


@dataclass(frozen=True, slots=True)
class AdoptedRelation:
    """What the seal has recorded about one relation.

    `dormant` are the application's policies that row security did not apply before the adoption.
    """

    oid: int
    had_row_security: bool
    rendered: Mapping[str, str]
    policies: Mapping[str, Mapping[str, Any]]
    columns: Mapping[str, list[str]]
    dormant: frozenset[str] = frozenset()

    def later_policies(self, relation: CatalogRelation) -> tuple[str, ...]:
        """Return the application's policies that are not dormant ones."""
        return tuple(name for name in relation.foreign_policies if name not in self.dormant)


@dataclass(frozen=True, slots=True)
class Ledger:
    """What an adoption of before has left in the schema zava."""

    facts: Mapping[str, Any]
    text: str
    checksum: str
    is_complete: bool
    relations: Mapping[str, AdoptedRelation]
    audiences: Mapping[str, str]
    runners: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class ForeignCatalog:
    """The database at one moment; `ledger` is None where nothing was adopted.

    `metric_errors` has the server's error for each metric whose expression it cannot plan.
    """

    version: int
    database: str
    administrator: str
    database_owner: str
    connectors: frozenset[str]
    may_create_schema: bool
    may_create_role: bool
    is_superuser: bool
    seal_owner: str | None
    relations: Mapping[str, CatalogRelation]
    keys: tuple[CatalogKey, ...]
    functions: tuple[CatalogFunction, ...]
    schemas: Mapping[str, CatalogSchema]
    roles: Mapping[str, CatalogRole]
    ledger: Ledger | None = None
    tenant_schemas: tuple[str, ...] = field(default=())
    metric_errors: Mapping[str, str] = field(default_factory=dict)

    def column(self, table: str, name: str) -> CatalogColumn | None:
        """Return a column, None where it does not exist."""
        relation = self.relations.get(table)
        return relation.columns.get(name) if relation else None


def read_catalog(connection: psycopg.Connection, *, tenant_key: str = "") -> ForeignCatalog:
    """Return the catalog, as an administrator reads it; nothing is changed.

    `tenant_key` is `schema.table.column` of the tenants' key, to find schemas named by tenants.
    """
    with connection.transaction():
        for setting in READING:
            connection.execute(setting.encode())
        row = connection.execute((SEAL / "catalog.sql").read_bytes()).fetchone()
        found: dict[str, Any] = row[0] if row else {}
        relations = {each["name"]: _relation(each) for each in found["relations"]}
        ledger = _ledger(connection, found["seal_owner"]) if found["has_ledger"] else None
        return ForeignCatalog(
            version=found["version"],
            database=found["database"],
            administrator=found["administrator"],
            database_owner=found["database_owner"],
            connectors=frozenset(found["connectors"]),
            may_create_schema=found["may_create_schema"],
            may_create_role=found["may_create_role"],
            is_superuser=found["is_superuser"],
            seal_owner=found["seal_owner"],
            relations=relations,
            keys=tuple(
                CatalogKey(
                    each["table"],
                    tuple(each["columns"]),
                    each["parent"],
                    tuple(each["references"]),
                )
                for each in found["keys"]
            ),
            functions=tuple(CatalogFunction(**each) for each in found["functions"]),
            schemas={
                each["name"]: CatalogSchema(
                    each["name"],
                    each["owner"],
                    frozenset(each["public"]),
                    frozenset(each["users"]),
                )
                for each in found["schemas"]
            },
            roles={each["name"]: CatalogRole(**each) for each in found["roles"]},
            ledger=ledger,
            tenant_schemas=_tenant_schemas(connection, relations, tenant_key),
        )


def _relation(found: Mapping[str, Any]) -> CatalogRelation:
    return CatalogRelation(
        oid=found["oid"],
        name=found["name"],
        kind=found["kind"],
        owner=found["owner"],
        may_act=found["may_act"],
        is_partition=found["is_partition"],
        is_of_extension=found["is_of_extension"],
        has_row_security=found["row_security"],
        readers=frozenset(found["readers"]),
        writers=frozenset(found["writers"]),
        leading=frozenset(found["leading"]),
        unique=tuple(frozenset(columns) for columns in found["unique"]),
        parents=tuple(found["parents"]),
        columns={
            each["name"]: CatalogColumn(
                each["name"],
                each["type"],
                each["is_text"],
                each["not_null"],
                frozenset(each["readers"]),
                each["folds_texts"],
                tuple(each["computed_from"]),
            )
            for each in found["columns"]
        },
        policies=found["policies"],
    )


def _ledger(connection: psycopg.Connection, owner: str) -> Ledger | None:
    """Read what was recorded; only the owner of the schema may read it."""
    connection.execute(f"SET LOCAL ROLE {quoted(owner)}")
    with connection.cursor(row_factory=dict_row) as cursor:
        last = cursor.execute(
            "SELECT * FROM zava.declaration ORDER BY number DESC LIMIT 1"
        ).fetchone()
        relations = cursor.execute("SELECT * FROM zava.adopted").fetchall()
        audiences = cursor.execute("SELECT role::text, scope FROM zava.audiences").fetchall()
        runners = cursor.execute(
            "SELECT proname::text, prosrc FROM pg_proc"
            " WHERE pronamespace = 'zava'::regnamespace AND proname LIKE 'run\\_%'"
        ).fetchall()
    connection.execute("RESET ROLE")
    if last is None:
        return None
    return Ledger(
        facts=last["facts"],
        text=last["text"],
        checksum=last["checksum"],
        is_complete=last["is_complete"],
        relations={
            each["relation"]: AdoptedRelation(
                int(each["relation_oid"]),
                each["had_row_security"],
                each["rendered"],
                each["policies"],
                each["columns"],
                frozenset(each["dormant"]),
            )
            for each in relations
        },
        audiences={each["role"]: each["scope"] for each in audiences},
        runners={each["proname"]: each["prosrc"] for each in runners},
    )


def _tenant_schemas(
    connection: psycopg.Connection, relations: Mapping[str, CatalogRelation], tenant_key: str
) -> tuple[str, ...]:
    """Return the schemas that are named by a tenant's key: the sign of a schema per tenant."""
    table, _, key = tenant_key.rpartition(".")
    relation = relations.get(table)
    if relation is None or not relation.may_act or relation.columns[key].key_type != "text":
        return ()
    connection.execute(f"SET LOCAL ROLE {quoted(relation.owner)}")
    schema, _, name = table.partition(".")
    rows = connection.execute(
        "SELECT nspname::text FROM pg_namespace WHERE nspname NOT LIKE 'pg\\_%' AND EXISTS ("
        f"SELECT FROM {quoted(schema)}.{quoted(name)} AS t"
        f" WHERE t.{quoted(key)}::text = nspname::text)"
        " ORDER BY nspname"
    ).fetchall()
    connection.execute("RESET ROLE")
    return tuple(row[0] for row in rows)
