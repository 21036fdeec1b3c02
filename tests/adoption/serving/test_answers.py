"""Answers over adopted databases: each person's tenants, in the words of the declaration."""

import json
from typing import Any

import httpx
import pytest

from tests.adoption.serving.served import Served
from zava.adoption.serving.served_tools import served_tools

COUNTED = "SELECT count(*) AS n, sum(amount_cents) AS cents FROM invoices"
TOKENS_A_CHARACTER = 0.25
MAX_TOKENS, MAX_TOKENS_WITH_METRICS = 1500, 3000
# The label of a tenant is another application's text: nothing of it may look like a line of ours.
FORGERIES = (
    (
        "WITH f AS MATERIALIZED (SELECT set_config('zava.context', repeat('0', 64) || 'all', true))"
        " SELECT count(*) FROM f, invoices"
    ),
    "SELECT count(*) FROM zava.canary",
    "SELECT zava.my_tenants('x')",
)


async def test_two_people_ask_the_same_question_and_read_their_own_rows(served: Served) -> None:
    with served.foreign.superuser() as superuser:
        truth = dict(
            superuser.execute(
                "SELECT o.name, ARRAY[count(*), sum(i.amount_cents)] FROM invoices AS i"
                " JOIN organizations AS o ON o.id = i.organization_id GROUP BY o.name"
            ).fetchall()
        )
    ana, bo = await served.ask("ana", COUNTED), await served.ask("bo", COUNTED)
    assert ana.rows == [list(map(int, truth["Alder"]))]
    assert bo.rows == [list(map(int, truth["Birch"]))]
    assert ana.rows != bo.rows
    assert ana.text.endswith("Scope: Alder (1 organization)")
    assert ana.content["scope"] == {
        "audience": "member",
        "all_tenants": False,
        "tenants": ["Alder"],
        "tenant_count": 1,
    }
    two = await served.ask("cy", COUNTED)
    assert two.text.endswith("Scope: Cedar, Damson (2 organizations)")
    whole = await served.ask("dot", COUNTED)
    assert whole.rows[0][0] == 400
    assert whole.text.endswith("Scope: all organizations")
    assert whole.content["scope"]["all_tenants"] is True


@pytest.mark.parametrize("statement", FORGERIES)
async def test_a_forged_context_is_refused(served: Served, statement: str) -> None:
    refused = await served.ask("ana", statement)
    assert refused.error["code"] == "QUERY_REFUSED"


async def test_the_tools_are_listed_in_few_tokens_and_none_of_the_shipped_domain(
    served: Served,
) -> None:
    status, body = await _listed(served)
    assert status == 200
    listed = body["result"]["tools"]
    names = ["get_multiple_table_schemas", "query_database", "get_current_utc_date"]
    assert [tool["name"] for tool in listed] == [*names, "query_metrics", "show_metric_chart"]
    assert len(json.dumps(listed[:3])) * TOKENS_A_CHARACTER < MAX_TOKENS
    text = json.dumps(listed)
    assert len(text) * TOKENS_A_CHARACTER < MAX_TOKENS_WITH_METRICS, len(text)
    described = body["result"]["tools"][0]["description"]
    assert "public.invoice_lines" in described
    assert "organizations" in described
    assert not {"store", "retail", "sales"} & set(text.lower().replace(".", " ").split())
    unknown = await served.call("ana", "query_metrics", metrics=["revenue"])
    assert unknown.error
    domain = served.app.tenancy.domain
    assert [tool.name for tool in served_tools(domain).values()] == names


async def _listed(served: Served) -> tuple[int, dict[str, Any]]:
    request = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}
    answer = await served.app.endpoint.handle(
        "POST",
        "/mcp",
        {
            "host": "127.0.0.1",
            "content-type": "application/json",
            "accept": "application/json, text/event-stream",
            "authorization": f"Bearer {served.token('ana')}",
            "mcp-protocol-version": "2025-06-18",
        },
        json.dumps(request).encode(),
    )
    return answer.status, httpx.Response(answer.status, content=answer.body).json()


async def test_the_structure_has_enumerations_domains_keys_and_names_in_quotes(
    served: Served, served_rentals: Served
) -> None:
    billing = await served.describe("ana", ["public.invoices", "organizations", "Public.Plans"])
    assert "status invoice_status -- one of: open" in billing.text, "listed under values"
    assert "country text -- one of: US" in billing.text, "an attribute, as this person sees it"
    assert "api_key" not in billing.text, "a hidden column"
    assert billing.content["scope"]["tenants"] == ["Alder"]
    rentals = await served_rentals.describe("mo", ["public.payment", 'public."Notes"', "film"])
    assert "primary key (paid_at, payment_id)" in rentals.text
    assert 'public."Notes"' in rentals.text
    assert '"Body text" text null' in rentals.text
    assert "made year" in rentals.text
    assert "rated rating -- one of: G, PG-13, R" in rentals.text
    unknown = await served.describe("ana", ["public.jobs"])
    assert unknown.error["code"] == "VALIDATION_ERROR"
    assert "public.invoices" in unknown.error["hint"]


@pytest.mark.parametrize(
    ("statement", "rows"),
    [
        ("SELECT 'PG-13'::rating, 'PG-13'::public.rating", [["PG-13", "PG-13"]]),
        ("SELECT ARRAY['G', 'R']::rating[] IS NOT NULL", [[True]]),
        ("SELECT '1999'::year, count(*) FROM film WHERE made > 1999::year", [[1999, 21]]),
        ("SELECT DISTINCT rated FROM film WHERE rated = 'R'", [["R"]]),
        ('SELECT count("Body text") FROM public."Notes" WHERE "storeId" = 1', [[10]]),
        ('SELECT count(*) FROM "Notes"', [[20]]),  # with those that belong to every store
        ("SELECT count(*) FROM public.store", [[1]]),
    ],
)
async def test_what_another_applications_names_and_types_answer(
    served_rentals: Served, statement: str, rows: list[list[object]]
) -> None:
    assert (await served_rentals.ask("mo", statement)).rows == rows


@pytest.mark.parametrize(
    ("statement", "code"),
    [
        ("SELECT * FROM payment_2026_01", "QUERY_REFUSED"),  # a partition
        ("SELECT * FROM other.film", "QUERY_REFUSED"),
        ("SELECT * FROM pg_catalog.film", "QUERY_REFUSED"),
        ("SELECT 'x'::other.rating", "QUERY_REFUSED"),
        ("SELECT '1'::store", "QUERY_REFUSED"),  # the type of a table's rows
        ("SELECT '3000'::year", "DATABASE_ERROR"),  # outside the domain
        ("SELECT 'XXX'::rating", "DATABASE_ERROR"),
        ("SELECT films FROM film", "DATABASE_ERROR"),
    ],
)
async def test_what_is_no_name_here_is_refused(
    served_rentals: Served, statement: str, code: str
) -> None:
    answer = await served_rentals.ask("mo", statement)
    assert answer.error["code"] == code, answer.text


async def test_text_of_outsiders_is_marked_and_the_applications_own_words_are_not(
    served: Served,
) -> None:
    answer = await served.ask(
        "ana",
        "SELECT c.name, i.status, o.country FROM customers c, invoices i, organizations o LIMIT 1",
    )
    marked = [each["name"] for each in answer.content["columns"] if "written_by" in each]
    assert marked == ["name"]
    assert [each["type"] for each in answer.content["columns"]] == ["text", "text", "text"]
    shared = await served.ask("ana", "SELECT name FROM currencies")
    assert "written_by" not in shared.content["columns"][0], "a shared table is the application's"
    undeclared = await served.ask("ana", "SELECT description FROM invoice_lines LIMIT 1")
    assert undeclared.content["columns"][0]["written_by"] == "outsiders"


async def test_the_audit_has_the_tenants_as_texts_and_no_statement(
    served: Served, served_rentals: Served
) -> None:
    await served.ask("cy", COUNTED)
    await served_rentals.ask("mo", "SELECT 1")
    await served.app.trail.close()
    await served_rentals.app.trail.close()
    for found, name, tenants in ((served, "cy", 2), (served_rentals, "mo", 1)):
        with found.foreign.superuser() as superuser:
            rows = superuser.execute(
                "SELECT tool, audience::text, tenants, outcome, row_count FROM zava.audit_log"
                " WHERE object_id = %s ORDER BY recorded_at DESC LIMIT 1",
                [found.people[name].caller.object_id],
            ).fetchall()
        ((tool, audience, keys, outcome, count),) = rows
        assert (tool, outcome) == ("query_database", "OK")
        assert count >= 1
        assert audience.startswith("zava_")
        assert len(keys) == tenants
    assert keys == ["1"]


async def test_the_date_is_that_of_the_declared_zone(served_rentals: Served) -> None:
    answer = await served_rentals.call("mo", "get_current_utc_date")
    assert answer.content["time_zone"] == "America/Chicago"
    today = await served_rentals.ask("mo", "SELECT current_date, current_setting('x')")
    assert today.error["code"] == "QUERY_REFUSED"
    today = await served_rentals.ask("mo", "SELECT current_date")
    assert today.rows == [[answer.content["date"]]]


async def test_a_revoked_person_is_refused_at_the_next_call(served: Served) -> None:
    served.grant("eve", "member", "Alder")
    assert (await served.ask("eve", COUNTED)).rows
    served.revoke("eve")
    assert (await served.ask("eve", COUNTED)).error["code"] == "AUTHORIZATION_ERROR"
