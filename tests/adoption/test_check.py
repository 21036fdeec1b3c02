"""What adoption refuses, in its words."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from tests.adoption.checked import findings
from tests.adoption.foreign import OWNER, RENTALS, Foreign, ForeignServer
from zava.adoption.applying import apply_declaration, catalog_of
from zava.adoption.checks.checking import check_declaration
from zava.adoption.declaration_file import DeclarationRefused
from zava.adoption.declared_values import AdoptionDeclaration

SHOWS = "would show every tenant"


@pytest.fixture(scope="module")
def unadopted_rentals(foreign_server: ForeignServer) -> Iterator[Foreign]:
    with foreign_server.database(RENTALS, "weighed") as foreign:
        yield foreign


def refused(foreign: Foreign, *statements: str) -> list[str]:
    return list(findings(foreign, *statements).refusals)


def with_text(foreign: Foreign, old: str, new: str) -> AdoptionDeclaration:
    text = foreign.declaration.text
    assert old in text
    return foreign.declared(text.replace(old, new, 1))


def test_a_database_as_it_should_be_is_not_refused(
    unadopted: Foreign, unadopted_rentals: Foreign
) -> None:
    assert refused(unadopted) == []
    assert refused(unadopted_rentals) == []


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        (
            f"REVOKE {OWNER} FROM zava_admin",
            (
                f'zava_admin cannot act as {OWNER}, the owner of 9 tables: GRANT "{OWNER}" TO'
                ' "zava_admin" WITH INHERIT FALSE, SET TRUE'
            ),
        ),
        (
            (
                "DO $$ BEGIN EXECUTE format('REVOKE CREATE ON DATABASE %I FROM zava_admin',"
                " current_database()); END $$"
            ),
            "zava_admin may not create a schema in",
        ),
        (
            "ALTER ROLE zava_admin NOCREATEROLE",
            'zava_admin may not create roles: ALTER ROLE "zava_admin" CREATEROLE',
        ),
        (
            (
                "CREATE FUNCTION public.rewards_report(integer, numeric) RETURNS bigint LANGUAGE sql"
                " SECURITY DEFINER AS 'SELECT count(*) FROM public.invoices'"
            ),
            (
                "function rewards_report(integer,numeric) runs as postgres and everybody may call it:"
                " it could read every tenant. REVOKE EXECUTE ON FUNCTION"
                " public.rewards_report(integer,numeric) FROM PUBLIC and grant it to who needs it, or"
                " list it under trusted_functions"
            ),
        ),
        (
            (
                "CREATE FUNCTION public.step(bigint, integer) RETURNS bigint LANGUAGE sql SECURITY DEFINER"
                " AS 'SELECT count(*) FROM public.invoices';"
                " REVOKE ALL ON FUNCTION public.step(bigint, integer) FROM PUBLIC;"
                " CREATE AGGREGATE public.spy(integer) (sfunc = public.step, stype = bigint)"
            ),
            (
                "function step(bigint,integer) runs as postgres in each call of"
                " public.spy(integer): it could read every tenant. ALTER FUNCTION"
                " public.step(bigint,integer) SECURITY INVOKER, or list it under trusted_functions"
            ),
        ),
        (
            (
                "CREATE VIEW public.customer_list AS SELECT * FROM public.customers;"
                " GRANT SELECT ON public.customer_list TO PUBLIC"
            ),
            (
                "public.customer_list is readable by PUBLIC, so by ours, too: REVOKE SELECT ON"
                ' "public"."customer_list" FROM PUBLIC'
            ),
        ),
        (
            "GRANT SELECT (email) ON public.customers TO PUBLIC",
            (
                "public.customers is readable by PUBLIC (email), so by ours, too: REVOKE SELECT"
                ' ("email") ON "public"."customers" FROM PUBLIC'
            ),
        ),
        (
            "GRANT CREATE ON SCHEMA public TO PUBLIC",
            'schema public lets everybody create: REVOKE CREATE ON SCHEMA "public" FROM PUBLIC',
        ),
        (
            "DROP TABLE public.refunds",
            "tables.public.refunds: there is no such table",
        ),
        (
            "ALTER TABLE public.refunds DROP COLUMN payment_id",
            "tables.public.refunds.via: there is no column payment_id",
        ),
        (
            (
                "ALTER TABLE public.refunds DROP CONSTRAINT refunds_payment_id_fkey;"
                " ALTER TABLE public.payments DROP CONSTRAINT payments_pkey"
            ),
            (
                "tables.public.refunds.via: public.payments.id has no index: the policy would read all"
                " of it for each row"
            ),
        ),
        (
            "DROP TABLE public.refunds; CREATE VIEW public.refunds AS SELECT 1 AS payment_id",
            (
                "tables.public.refunds: the view runs with its owner's rights and would show every"
                " tenant; declare the tables that it reads"
            ),
        ),
        (
            (
                "DROP TABLE public.refunds; CREATE MATERIALIZED VIEW public.refunds AS"
                " SELECT 1 AS payment_id"
            ),
            (
                "tables.public.refunds: a materialized view has no policies and would show every"
                " tenant; declare the tables that it reads"
            ),
        ),
        (
            (
                "DROP TABLE public.refunds; CREATE FOREIGN DATA WRAPPER w; CREATE SERVER s FOREIGN DATA"
                " WRAPPER w; CREATE FOREIGN TABLE public.refunds (payment_id uuid) SERVER s"
            ),
            (
                "tables.public.refunds: a foreign table is read with the server's rights and would show"
                " every tenant; adopt the database that it comes from"
            ),
        ),
        (
            (
                "DO $$ BEGIN FOR n IN 1..3 LOOP EXECUTE format('CREATE SCHEMA tenant_%s', n); EXECUTE"
                " format('CREATE TABLE tenant_%s.users (id int); CREATE TABLE tenant_%s.orders (id int)',"
                " n, n); END LOOP; END $$"
            ),
            (
                "the database has a schema for each tenant (tenant_1, tenant_2, tenant_3, …): policies"
                " separate the rows of shared tables, so it cannot be adopted"
            ),
        ),
        (
            "CREATE TABLE public.old_currencies () INHERITS (public.currencies)",
            (
                "tables.public.currencies: it is shared, and shows the rows of public.old_currencies,"
                " which is not: declare that as shared, too, or ALTER TABLE"
            ),
        ),
        (
            (
                "ALTER TABLE public.refunds ADD organization_id uuid, ADD name text, ADD email text;"
                " UPDATE public.refunds SET organization_id = id, name = '', email = '';"
                " ALTER TABLE public.refunds ALTER organization_id SET NOT NULL,"
                " ALTER name SET NOT NULL, ALTER email SET NOT NULL;"
                " ALTER TABLE public.refunds INHERIT public.customers"
            ),
            (
                "tables.public.customers: it shows the rows of public.refunds by its own rule: declare"
                " the same rule for both, or ALTER TABLE"
            ),
        ),
        (
            (
                "ALTER TABLE public.refunds DROP CONSTRAINT refunds_payment_id_fkey;"
                " ALTER TABLE public.payments DROP CONSTRAINT payments_pkey,"
                " ADD organization_id uuid, ADD UNIQUE (id, organization_id);"
                " ALTER TABLE public.invoice_lines DROP CONSTRAINT invoice_lines_invoice_id_fkey;"
                " ALTER TABLE public.payments DROP CONSTRAINT payments_invoice_id_fkey;"
                " ALTER TABLE public.invoices DROP CONSTRAINT invoices_pkey,"
                " ADD UNIQUE (id, organization_id)"
            ),
            (
                "tables.public.invoice_lines.via: public.invoices.id is unique within a tenant alone:"
                " its rows would lead to other tenants; where it is unique in the whole table, CREATE"
                ' UNIQUE INDEX CONCURRENTLY ON "public"."invoices" ("id")'
            ),
        ),
        (
            "ALTER TABLE public.organizations ADD shown text GENERATED ALWAYS AS (api_key || '') STORED",
            "tables.public.organizations.hide: shown is computed from api_key, which is hidden; hide",
        ),
        (
            "CREATE SCHEMA zava",
            "the schema zava is not an adoption's; adoption needs this name",
        ),
    ],
)
def test_what_a_database_is_refused_for(unadopted: Foreign, statement: str, words: str) -> None:
    found = refused(unadopted, statement)
    assert any(each.startswith(words) for each in found), found


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('schemas = ["public"]', 'schemas = ["public", "shop"]', "database.schemas: there is no schema shop"),
        ('table = "public.organizations"', 'table = "public.orgs"', "tenant.table: there is no table public.orgs"),
        ('label = "name"', 'label = "title"', "tenant.label: public.organizations has no column title"),
        ('key = "id"', 'key = "name"', "tables.public.customers.tenant: organization_id is of type uuid, and the tenants' key is of type text"),
        ('hide = ["api_key"]', 'hide = ["key"]', "tables.public.organizations.hide: there is no column key"),
        ('hide = ["api_key"]', 'hide = ["id", "name", "country", "api_key"]', "tables.public.organizations.hide: member would read no column; leave the table out"),
        ('values = ["status"]', 'values = ["state"]', "tables.public.invoices.values: there is no column state"),
        ('values = ["status"]', 'hide = ["id"]', "tables.public.invoice_lines.via: public.invoices.id is hidden, and the policy reads it"),
        ("null_is_shared = true", 'null_is_shared = true\nhide = ["organization_id"]', "tables.public.plans.hide: the proof reads organization_id where null_is_shared is set"),
        ('filter = "deleted_at IS NULL"', 'filter = "deleted_at IS"', "tables.public.subscriptions.filter: expected a condition in SQL: syntax error at end of input"),
        ('filter = "deleted_at IS NULL"', 'filter = "true) OR (true"', 'tables.public.subscriptions.filter: expected a condition in SQL: syntax error at or near ")"'),
        ('filter = "deleted_at IS NULL"', 'filter = "true LIMIT 5"', "tables.public.subscriptions.filter: expected one condition in SQL, and nothing behind it"),
        ('filter = "deleted_at IS NULL"', 'filter = "true; SELECT 1"', "tables.public.subscriptions.filter: expected one condition in SQL, and nothing behind it"),
        ('via = ["payment_id", "public.payments", "id"]', 'via = ["payment_id", "public.plans", "id"]', "tables.public.refunds.via: via public.plans, whose rows without a tenant are shared: they would lead to every tenant"),
        ('via = ["payment_id", "public.payments", "id"]', 'via = ["payment_id", "public.currencies", "code"]', "tables.public.refunds.via: via public.currencies, which is shared: it would lead to every tenant"),
        ('via = ["payment_id", "public.payments", "id"]', 'via = ["payment_id", "public.jobs", "id"]', "tables.public.refunds.via: via public.jobs, which is not declared: its policy would be missing"),
        ('via = ["payment_id", "public.payments", "id"]', 'via = ["payment_id", "public.payments", "key"]', "tables.public.refunds.via: public.payments has no column key"),
        ('via = ["payment_id", "public.payments", "id"]', 'via = ["payment_id", "public.refunds", "id"]', "tables.public.refunds.via: public.refunds via public.refunds is a cycle"),
        ('tables."public.invoices"]\ntenant = "organization_id"', 'tables."public.invoices"]\ntenant = "number"', "tables.public.invoices.tenant: number is of type integer, and the tenants' key is of type uuid"),
        ('tables."public.invoices"]\ntenant = "organization_id"', 'tables."public.invoices"]\ntenant = "status"', "tables.public.invoices.tenant: status is of type public.invoice_status; expected uuid, an integer or text"),
        ('tables."public.invoices"]\ntenant = "organization_id"', 'tables."public.invoices"]\ntenant = "org"', "tables.public.invoices.tenant: there is no column org"),
    ],
)  # fmt: skip
def test_what_a_declaration_is_refused_for(
    unadopted: Foreign, old: str, new: str, words: str
) -> None:
    assert words in findings(unadopted, declaration=with_text(unadopted, old, new)).refusals


def test_a_child_of_a_table_with_tenants_has_the_rule_of_its_parent(unadopted: Foreign) -> None:
    made = "CREATE TABLE public.old_invoices () INHERITS (public.invoices)"
    assert findings(unadopted, made).refusals == ()


def test_a_person_of_several_tenants_is_reached_through_the_memberships(
    unadopted: Foreign,
) -> None:
    """The key of the membership is the person's own, though it is unique within a tenant alone."""
    tables = (
        f"SET ROLE {OWNER}; CREATE TABLE public.people (id bigint PRIMARY KEY);"
        " CREATE TABLE public.seats (person_id bigint {}, organization_id uuid,"
        " UNIQUE (person_id, organization_id));"
        " CREATE INDEX ON public.seats (person_id); CREATE INDEX ON public.seats (organization_id); RESET ROLE"
    )
    rules = """
[tables."public.seats"]
tenant = "organization_id"

[tables."public.people"]
via = ["id", "public.seats", "person_id"]
"""
    declared = unadopted.declared(unadopted.declaration.text + rules)
    statement = tables.format("REFERENCES public.people")
    assert findings(unadopted, statement, declaration=declared).refusals == ()
    found = findings(unadopted, tables.format(""), declaration=declared).refusals
    assert [each.partition(": its rows")[0] for each in found] == [
        "tables.public.people.via: public.seats.person_id is unique within a tenant alone"
    ]


def test_texts_that_a_collation_treats_as_equal_are_no_keys(unadopted: Foreign) -> None:
    # The embedded server has no such collation, so the catalog is changed after it was read.
    declared = with_text(
        unadopted,
        '[tables."public.invoices"]\ntenant = "organization_id"',
        '[tables."public.invoices"]\ntenant = "org"',
    )
    with unadopted.superuser() as connection, connection.transaction(force_rollback=True):
        connection.execute("ALTER TABLE public.invoices ADD org text")
        connection.execute("SET LOCAL SESSION AUTHORIZATION zava_admin")
        catalog = catalog_of(connection, declared)
    assert check_declaration(declared, catalog).refusals == ()
    changed = dict(catalog.relations)
    for table, name in (("public.invoices", "org"), ("public.refunds", "payment_id")):
        columns = dict(catalog.relations[table].columns)
        columns[name] = replace(columns[name], folds_texts=True)
        changed[table] = replace(catalog.relations[table], columns=columns)
    equal = "treats different texts as equal, so also those of two tenants"
    assert check_declaration(declared, replace(catalog, relations=changed)).refusals == (
        f"tables.public.invoices.tenant: the collation of org {equal}",
        f"tables.public.refunds.via: the collation of public.refunds.payment_id {equal}",
    )


def test_a_partition_by_its_own_name_is_refused(unadopted_rentals: Foreign) -> None:
    declaration = with_text(unadopted_rentals, '"public.payment"]', '"public.payment_2026_01"]')
    assert findings(unadopted_rentals, declaration=declaration).refusals == (
        (
            "tables.public.payment_2026_01: declare the partitioned table: a partition read by its own"
            " name has no policy"
        ),
    )


def test_schemas_named_by_tenants_are_refused(unadopted: Foreign) -> None:
    declaration = with_text(unadopted, 'key = "id"', 'key = "country"')
    found = findings(
        unadopted, 'CREATE SCHEMA "US"; CREATE SCHEMA "FR"', declaration=declaration
    ).refusals
    assert any("a schema for each tenant (FR, US, …)" in each for each in found)


def test_an_older_server_and_another_key_are_refused_in_a_sentence(unadopted: Foreign) -> None:
    declared = unadopted.declaration
    with unadopted.administrator() as connection:
        catalog = catalog_of(connection, declared)
    old = replace(catalog, version=150_008)
    assert check_declaration(declared, old).refusals == (
        (
            "this is PostgreSQL 15; adoption needs 16 or newer, where a role is granted without its"
            " privileges"
        ),
    )
    key = with_text(
        unadopted,
        'table = "public.organizations"\nkey = "id"',
        'table = "public.invoices"\nkey = "amount_cents"',
    )
    assert not [each for each in check_declaration(key, catalog).refusals if "tenant.key" in each]


def test_a_refused_declaration_changes_nothing(unadopted: Foreign) -> None:
    declaration = with_text(
        unadopted,
        'via = ["payment_id", "public.payments", "id"]',
        'via = ["payment_id", "public.jobs", "id"]',
    )
    with unadopted.administrator() as connection:
        with pytest.raises(DeclarationRefused, match=r"adopt: tables\.public\.refunds\.via"):
            apply_declaration(connection, declaration, keys=[], password=None)
        row = connection.execute("SELECT to_regnamespace('zava')").fetchone()
    assert row == (None,)


def test_trusted_functions_are_not_refused(unadopted: Foreign) -> None:
    declaration = with_text(
        unadopted, 'time_zone = "UTC"', 'time_zone = "UTC"\ntrusted_functions = ["report(integer)"]'
    )
    made = (
        "CREATE FUNCTION public.report(integer) RETURNS bigint LANGUAGE sql SECURITY DEFINER"
        " AS 'SELECT 1::bigint'"
    )
    assert findings(unadopted, made, declaration=declaration).refusals == ()
