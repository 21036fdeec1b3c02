"""What opens an adopted database is named by the proof, with what to run; each change is undone."""

import pytest

from tests.adoption.foreign import OWNER, Foreign
from zava.adoption.proving import catalog_problems


def problems_after(foreign: Foreign, *statements: str) -> list[str]:
    """Return what the proof finds after statements of a superuser, which are then undone."""
    with foreign.superuser() as connection, connection.transaction(force_rollback=True):
        for statement in statements:
            connection.execute(statement.encode())
        return catalog_problems(connection, foreign.declaration.context_role)


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        (
            (
                "CREATE VIEW public.all_invoices AS SELECT * FROM public.invoices;"
                " GRANT SELECT ON public.all_invoices TO PUBLIC"
            ),
            (
                "public.all_invoices is readable by {desk}, and is not declared; run REVOKE SELECT ON"
                " public.all_invoices FROM PUBLIC, {desk}"
            ),
        ),
        (
            (
                "CREATE MATERIALIZED VIEW public.kept AS SELECT * FROM public.invoices;"
                " GRANT SELECT ON public.kept TO PUBLIC"
            ),
            "public.kept is readable by {desk}, and is not declared",
        ),
        (
            (
                f"SET ROLE {OWNER}; CREATE FUNCTION public.round(double precision, integer) RETURNS bigint"
                " LANGUAGE sql SECURITY DEFINER AS 'SELECT count(*) FROM public.organizations'; RESET ROLE"
            ),
            (
                f"function public.round(double precision,integer) runs with the rights of {OWNER}, and"
                " {desk} may call it; run REVOKE EXECUTE ON FUNCTION"
            ),
        ),
        (
            (
                "CREATE FUNCTION public.step(bigint, integer) RETURNS bigint LANGUAGE sql SECURITY DEFINER"
                " AS 'SELECT count(*) FROM public.organizations';"
                " REVOKE ALL ON FUNCTION public.step(bigint, integer) FROM PUBLIC;"
                " CREATE AGGREGATE public.spy(integer) (sfunc = public.step, stype = bigint)"
            ),
            (
                "function public.step(bigint,integer) runs with the rights of postgres in each call of"
                " public.spy(integer); run ALTER FUNCTION public.step(bigint,integer)"
                " SECURITY INVOKER"
            ),
        ),
        (
            "GRANT SELECT ON public.jobs TO {desk}",
            "public.jobs is readable by {desk}, and is not declared",
        ),
        (
            "GRANT SELECT (api_key) ON public.organizations TO PUBLIC",
            "public.organizations.api_key is readable by {desk}, and is hidden or new",
        ),
        (
            "GRANT INSERT ON public.invoices TO PUBLIC",
            "role {desk} can write public.invoices",
        ),
        (
            "GRANT CREATE ON SCHEMA public TO PUBLIC",
            "role {desk} may create in schema public",
        ),
        (
            "ALTER TABLE public.invoices OWNER TO {desk}",
            "role {desk} owns table public.invoices",
        ),
        (
            "ALTER ROLE {desk} BYPASSRLS",
            "role {desk} is superuser, bypasses row security, or may create or replicate",
        ),
        ("ALTER ROLE {desk} LOGIN", "role {desk} may log in; run ALTER ROLE {desk} NOLOGIN"),
        (f"GRANT {OWNER} TO {{desk}}", f"role {{desk}} is a member of {OWNER}"),
        (f"GRANT {{desk}} TO {OWNER}", f"role {OWNER} can act as {{desk}}"),
        (
            (
                "DROP POLICY zava_desk ON public.invoices;"
                " CREATE POLICY zava_desk ON public.invoices AS RESTRICTIVE FOR SELECT TO {desk} USING (true)"
            ),
            "policy zava_desk of public.invoices is missing or another; run zava adopt --apply",
        ),
        (
            "CREATE POLICY zava_more ON public.invoices USING (true)",
            "policy zava_more of public.invoices is not one of the adoption; run DROP POLICY",
        ),
        (
            (
                "CREATE OR REPLACE FUNCTION zava.my_tenant(reader name) RETURNS uuid LANGUAGE sql STABLE"
                " SECURITY DEFINER AS 'SELECT id FROM public.organizations LIMIT 1'"
            ),
            "function zava.my_tenant(name) is not as the adoption made it; run zava adopt --apply",
        ),
        (
            "GRANT EXECUTE ON FUNCTION zava.my_tenant(name) TO PUBLIC",
            "role PUBLIC may execute zava.my_tenant(name)",
        ),
        ("GRANT SELECT ON zava.principals TO {desk}", "role {desk} reads zava.principals"),
        (
            "GRANT SELECT ON zava.keyring TO {server}",
            "the login {server} reads zava.keyring directly",
        ),
        (
            "ALTER TABLE public.invoices RENAME TO bills",
            "public.invoices is called public.bills now; change the declaration",
        ),
        (
            "DROP TABLE public.refunds; CREATE TABLE public.refunds (id uuid)",
            "public.refunds does not exist any more; change the declaration",
        ),
        (
            f"GRANT {{context}} TO {OWNER}",
            f"role {OWNER} can act as {{context}}, which owns the keys",
        ),
        (
            f"GRANT INSERT ON zava.principals TO {OWNER}",
            f"{OWNER} has privileges on zava.principals, which is the seal's; run REVOKE ALL ON",
        ),
        (
            f"ALTER TABLE zava.keyring OWNER TO {OWNER}",
            f"zava.keyring belongs to {OWNER}; run ALTER TABLE zava.keyring OWNER TO {{context}}",
        ),
        (
            f"ALTER DEFAULT PRIVILEGES FOR ROLE {OWNER} GRANT SELECT ON TABLES TO PUBLIC",
            (
                f"each table that {OWNER} makes is readable by PUBLIC; run ALTER DEFAULT PRIVILEGES FOR"
                f" ROLE {OWNER} REVOKE SELECT ON TABLES FROM PUBLIC"
            ),
        ),
        (
            f"ALTER DEFAULT PRIVILEGES FOR ROLE {OWNER} IN SCHEMA public GRANT SELECT ON TABLES TO {{desk}}",
            f"each table that {OWNER} makes in public is readable by {{desk}}; run ALTER DEFAULT",
        ),
        (
            "GRANT SELECT ON ALL SEQUENCES IN SCHEMA public TO PUBLIC",
            "sequence public.jobs_id_seq is readable by PUBLIC; run REVOKE SELECT ON SEQUENCE",
        ),
        (
            "SELECT lo_create(4242); GRANT SELECT ON LARGE OBJECT 4242 TO PUBLIC",
            "large object 4242 is readable by PUBLIC; run REVOKE SELECT ON LARGE OBJECT 4242",
        ),
        ("SET LOCAL lo_compat_privileges = on", "every role reads every large object; set"),
        (
            (
                "CREATE FOREIGN DATA WRAPPER w; CREATE SERVER other FOREIGN DATA WRAPPER w;"
                " GRANT USAGE ON FOREIGN SERVER other TO PUBLIC"
            ),
            "foreign server other is usable by PUBLIC; run REVOKE USAGE ON FOREIGN SERVER other",
        ),
        (
            "CREATE TABLE public.all_currencies () INHERITS (public.currencies)",
            (
                "rows of public.all_currencies are read through public.currencies, by the rule of that"
                " one; run ALTER TABLE public.all_currencies NO INHERIT public.currencies"
            ),
        ),
        (
            (
                "CREATE TABLE public.more () INHERITS (public.currencies);"
                " ALTER TABLE public.invoices ADD code text NOT NULL DEFAULT '', ADD name text NOT NULL"
                " DEFAULT ''; ALTER TABLE public.invoices INHERIT public.more"
            ),
            (
                "rows of public.invoices are read through public.currencies, by the rule of that one;"
                " run ALTER TABLE public.invoices NO INHERIT public.more"
            ),
        ),
        (
            (
                "CREATE TABLE public.every (LIKE public.currencies) PARTITION BY LIST (code);"
                " ALTER TABLE public.every ATTACH PARTITION public.currencies DEFAULT"
            ),
            "public.currencies is a partition of public.every now, whose rule decides about its rows",
        ),
        (
            "ALTER ROLE {server} IN DATABASE {database} SET row_security = off",
            "the settings of {server} in this database are others",
        ),
    ],
)
def test_the_proof_names_what_is_open_and_what_to_run(
    billing: Foreign, statement: str, words: str
) -> None:
    names = {
        "desk": next(each.role for each in billing.declaration.audiences if each.name == "desk"),
        "server": billing.declaration.server_role,
        "context": billing.declaration.context_role,
        "database": billing.database.name,
    }
    found = problems_after(billing, statement.format(**names))
    assert any(problem.startswith(words.format(**names)) for problem in found), found
