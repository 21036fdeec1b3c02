"""The databases that the subjects read: one cluster on loopback, gone after the run."""

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID, uuid5

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from bench.cluster import Ground, seeded_cluster
from zava.adoption.applying import apply_declaration
from zava.adoption.declaration_file import parse_declaration
from zava.adoption.declared_values import AdoptionDeclaration
from zava.model.core import Caller

SHARED, BILLING, ZAVA = "shared", "billing", "zava"
DEADLINE_SECONDS = 2
TABLES = ("stores", "customers", "orders", "order_items", "products")
SIGNING_KEY = "a key of the benchmark"
CATALOG_CANARY = "catalog_canary"
FILE_CANARY = "file-canary-4711"
_SCALE = 0.01
_DIRECTORY = UUID("11111111-1111-4111-8111-111111111111")
_EXAMPLES = Path(__file__).parents[2] / "zava" / "examples"
_ROLES = Path(__file__).with_name("roles.sql")
_OF_RETAIL = """
INSERT INTO retail.customers (store_id, customer_id, first_name, email, created_at)
  SELECT store_id, gen_random_uuid(), %s, %s, now()
  FROM retail.stores WHERE store_name = 'Zava Retail Seattle'
"""
_OF_BILLING = """
INSERT INTO public.customers
  SELECT gen_random_uuid(), id, %s, %s FROM public.organizations WHERE name = 'Alder'
"""
_COLUMNS = """
SELECT string_agg(format('%%I %%s', attname, format_type(atttypid, atttypmod)), ', '
         ORDER BY attnum),
       string_agg(quote_ident(attname), ', ' ORDER BY attnum)
FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped
"""


@dataclass(frozen=True)
class Databases:
    """`zava` is ours, `shared` has the same rows for the others, `billing` is an adopted one."""

    ground: Ground
    adopted: AdoptionDeclaration
    billing_callers: dict[str, Caller]

    @property
    def password(self) -> str:
        """Return the password of each login."""
        return str(conninfo_to_dict(self.ground.server)["password"])

    def login(self, role: str, database: str = SHARED) -> str:
        """Return the connection string of a login."""
        return make_conninfo(self.ground.server, user=role, password=self.password, dbname=database)

    def tenant_login(self, tenant: str) -> str:
        """Return the connection string of a tenant's own login."""
        return self.login(f"iso_{tenant}")

    def superuser(self, database: str) -> str:
        """Return the connection string of the superuser."""
        return make_conninfo(self.ground.superuser, dbname=database)

    @property
    def canary_file(self) -> str:
        """Return the path of a file that PostgreSQL can read and no tenant has to see."""
        with psycopg.connect(self.ground.superuser) as connection:
            row = connection.execute("SHOW data_directory").fetchone()
        return f"{row[0] if row else ''}/canary.txt"


@contextmanager
def seeded_databases() -> Iterator[Databases]:
    """Lend the cluster with every database, role and tenant that the subjects need."""
    with seeded_cluster(_SCALE, with_peers=False) as ground:
        _make_shared(ground)
        declaration, callers = _make_billing(ground)
        with psycopg.connect(ground.superuser, autocommit=True) as owner:
            # Without autovacuum, statistics and the write-ahead log depend on the cases alone.
            for setting in ("fsync", "synchronous_commit", "full_page_writes", "autovacuum"):
                owner.execute(f"ALTER SYSTEM SET {setting} = off".encode())
            owner.execute("SELECT pg_reload_conf()")
        databases = Databases(ground, declaration, callers)
        _put_canaries(databases)
        repair(databases)
        yield databases


def repair(databases: Databases) -> None:
    """Give each login its password and settings again, and remove large objects."""
    with psycopg.connect(databases.superuser(SHARED), autocommit=True) as owner:
        rows = owner.execute(
            "SELECT rolname FROM pg_roles WHERE rolcanlogin AND rolname LIKE 'iso\\_%'"
        ).fetchall()
        for (login,) in rows:
            name = sql.Identifier(login)
            owner.execute(sql.SQL("ALTER ROLE {} RESET ALL").format(name))
            owner.execute(
                sql.SQL("ALTER ROLE {} PASSWORD {}").format(name, sql.Literal(databases.password))
            )
            owner.execute(
                sql.SQL("ALTER ROLE {} SET statement_timeout = {}").format(
                    name, sql.Literal(f"{DEADLINE_SECONDS}s")
                )
            )
        owner.execute("SELECT lo_unlink(oid) FROM pg_largeobject_metadata")
    with psycopg.connect(databases.superuser(BILLING), autocommit=True) as owner:
        owner.execute(
            sql.SQL("ALTER ROLE {} IN DATABASE billing SET statement_timeout = {}").format(
                sql.Identifier(databases.adopted.server_role), sql.Literal(f"{DEADLINE_SECONDS}s")
            )
        )


def plant(databases: Databases, database: str, names: Mapping[str, str]) -> None:
    """Write names that customers of the attacker's tenant chose, by their addresses."""
    if database == BILLING:
        table, insert = "public.customers", _OF_BILLING
    else:
        table, insert = "retail.customers", _OF_RETAIL
    with psycopg.connect(databases.superuser(database), autocommit=True) as owner:
        for email, name in names.items():
            owner.execute(f"DELETE FROM {table} WHERE email = %s".encode(), [email])
            owner.execute(insert.encode(), [name, email])


def signed(store: str) -> str:
    """Return a tenant's value with its signature, as the pattern of a signed setting has it."""
    inner = hashlib.sha256(f"{SIGNING_KEY}{store}".encode()).hexdigest()
    return f"{store}.{hashlib.sha256(f'{SIGNING_KEY}{inner}'.encode()).hexdigest()}"


def _make_shared(ground: Ground) -> None:
    shared = make_conninfo(ground.superuser, dbname=SHARED)
    with psycopg.connect(ground.superuser, autocommit=True) as source:
        source.execute(f"CREATE DATABASE {SHARED} TEMPLATE template0")
        with psycopg.connect(shared, autocommit=True) as target:
            target.execute("CREATE SCHEMA retail")
            for table in TABLES:
                _copy_table(source, target, table)
            script = _ROLES.read_text(encoding="utf-8").replace("{key}", SIGNING_KEY)
            target.execute(script.encode())


def _put_canaries(databases: Databases) -> None:
    """Make what no tenant has to see: a role, a database, a relation, and a file."""
    with psycopg.connect(databases.superuser(SHARED), autocommit=True) as owner:
        owner.execute(f"CREATE ROLE {CATALOG_CANARY}_role")
        owner.execute(f"CREATE DATABASE {CATALOG_CANARY}_database TEMPLATE template0")
    for database in (SHARED, BILLING, ZAVA):
        with psycopg.connect(databases.superuser(database), autocommit=True) as owner:
            owner.execute("VACUUM ANALYZE")
            owner.execute(f"CREATE SCHEMA {CATALOG_CANARY}")
            owner.execute(f"CREATE TABLE {CATALOG_CANARY}.{CATALOG_CANARY}_table (id integer)")
    with psycopg.connect(databases.superuser(SHARED), autocommit=True) as owner:
        owner.execute(f"COPY (SELECT '{FILE_CANARY}') TO '{databases.canary_file}'".encode())


def _copy_table(source: psycopg.Connection, target: psycopg.Connection, table: str) -> None:
    row = source.execute(_COLUMNS, [f"retail.{table}"]).fetchone()
    definitions, names = row or ("", "")
    target.execute(f"CREATE TABLE retail.{table} ({definitions})".encode())
    # The columns that the database computes are copied as values.
    read = f"COPY (SELECT {names} FROM retail.{table}) TO STDOUT"
    with (
        source.cursor().copy(read.encode()) as rows,
        target.cursor().copy(f"COPY retail.{table} ({names}) FROM STDIN".encode()) as copied,
    ):
        for block in rows:
            copied.write(block)


def _make_billing(ground: Ground) -> tuple[AdoptionDeclaration, dict[str, Caller]]:
    text = (_EXAMPLES / "billing.toml").read_text(encoding="utf-8")
    declaration = parse_declaration(text, "billing.toml")
    with psycopg.connect(ground.superuser, autocommit=True) as owner:
        owner.execute("CREATE ROLE app_owner")
        owner.execute("GRANT app_owner TO zava_admin WITH INHERIT FALSE, SET TRUE")
        owner.execute(f"CREATE DATABASE {BILLING} OWNER app_owner TEMPLATE template0")
        owner.execute(f"GRANT CREATE ON DATABASE {BILLING} TO zava_admin")
    with psycopg.connect(make_conninfo(ground.superuser, dbname=BILLING), autocommit=True) as owner:
        owner.execute("GRANT ALL ON SCHEMA public TO app_owner")
        owner.execute("SET SESSION AUTHORIZATION app_owner")
        owner.execute((_EXAMPLES / "billing.sql").read_bytes())
        ids: dict[str, UUID] = dict(
            owner.execute("SELECT name, id FROM public.organizations").fetchall()
        )
    administrator = make_conninfo(ground.administrator, dbname=BILLING)
    password = str(conninfo_to_dict(ground.server)["password"])
    callers = {}
    with psycopg.connect(administrator, autocommit=True) as admin:
        apply_declaration(admin, declaration, keys=[ground.key], password=password)
        role = next(each.role for each in declaration.audiences if each.name == "member")
        for tenant, name in (("attacker", "Alder"), ("neighbour", "Birch")):
            caller = callers[tenant] = Caller(_DIRECTORY, uuid5(_DIRECTORY, tenant))
            with admin.transaction():
                context = sql.Identifier(declaration.context_role)
                admin.execute(sql.SQL("SET LOCAL ROLE {}").format(context))
                admin.execute(
                    "INSERT INTO zava.principals"
                    " (tenant_id, object_id, display_name, audience, tenants)"
                    " VALUES (%s, %s, %s, %s, %s)",
                    [caller.tenant_id, caller.object_id, tenant, role, [ids[name]]],
                )
    return declaration, callers
