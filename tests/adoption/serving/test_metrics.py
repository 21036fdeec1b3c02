"""Metrics that a declaration defines: equal to plain SQL, and of the person's own rows alone."""

import json
from collections.abc import Mapping

import pytest

from tests.adoption.serving.served import Served

PERIOD = "2026-02-01..2026-05-31"
PEOPLE = {
    "ana": ["Alder"],
    "bo": ["Birch"],
    "cy": ["Cedar", "Damson"],
    "dot": ["Alder", "Birch", "Cedar", "Damson"],
}
INVOICES = """
  FROM invoices AS f JOIN organizations AS o ON o.id = f.organization_id
  LEFT JOIN subscriptions AS s ON s.id = f.subscription_id AND s.deleted_at IS NULL
  LEFT JOIN plans AS p ON p.id = s.plan_id LEFT JOIN customers AS c ON c.id = s.customer_id
  WHERE f.issued_on BETWEEN '2026-02-01' AND '2026-05-31' AND o.name = ANY (%s)"""
PAYMENTS = """
  FROM payments AS f JOIN invoices AS i ON i.id = f.invoice_id
  JOIN organizations AS o ON o.id = i.organization_id
  LEFT JOIN subscriptions AS s ON s.id = i.subscription_id AND s.deleted_at IS NULL
  LEFT JOIN plans AS p ON p.id = s.plan_id LEFT JOIN customers AS c ON c.id = s.customer_id
  WHERE f.paid_at >= '2026-02-01 00:00Z' AND f.paid_at < '2026-06-01 00:00Z' AND o.name = ANY (%s)"""
SUBSCRIPTIONS = """
  FROM subscriptions AS f JOIN organizations AS o ON o.id = f.organization_id
  JOIN plans AS p ON p.id = f.plan_id JOIN customers AS c ON c.id = f.customer_id
  WHERE f.deleted_at IS NULL AND o.name = ANY (%s)"""
REFUNDS = """
  FROM refunds AS f JOIN payments AS y ON y.id = f.payment_id JOIN invoices AS i ON i.id = y.invoice_id
  JOIN organizations AS o ON o.id = i.organization_id WHERE o.name = ANY (%s)"""
OPEN = "count(*) FILTER (WHERE f.status = 'open')"
ISSUED = "count(*) FILTER (WHERE f.status <> 'void')"
METRICS = {
    "invoiced": (
        "coalesce(sum(f.amount_cents) FILTER (WHERE f.status IN ('open', 'paid')), 0) / 100.0",
        INVOICES,
    ),
    "invoices": (ISSUED, INVOICES),
    "open_invoices": (OPEN, INVOICES),
    "open_share": (f"round(100.0 * {OPEN} / nullif({ISSUED}, 0), 2)", INVOICES),
    "collected": ("sum(f.amount_cents) / 100.0", PAYMENTS),
    "active_subscriptions": ("count(*)", SUBSCRIPTIONS),
    "refunded": ("sum(f.amount_cents) / 100.0", REFUNDS),
}
LABELS = {
    "organization": "o.name",
    "country": "o.country",
    "plan": "coalesce(p.name, '(none)')",
    "customer": "coalesce(c.name, '(none)')",
    "status": "f.status::text",
}
OF_INVOICES = {
    "month": "to_char(f.issued_on, 'YYYY-MM')",
    "iso_week": "to_char(f.issued_on, 'IYYY-\"W\"IW')",
}
DIMENSIONS: Mapping[str, tuple[str, ...]] = {
    "invoiced": ("organization", "country", "plan", "customer", "status", "month", "iso_week"),
    "invoices": ("organization", "status", "month"),
    "open_invoices": ("organization", "country", "plan"),
    "open_share": ("organization", "month"),
    "collected": ("organization", "country", "plan", "customer"),
    "active_subscriptions": ("organization", "country", "plan", "customer"),
    "refunded": ("organization", "country"),
}


@pytest.mark.parametrize("person", PEOPLE)
async def test_each_metric_by_each_dimension_is_what_plain_sql_says_of_the_persons_tenants(
    served: Served, person: str
) -> None:
    for metric, dimensions in DIMENSIONS.items():
        if metric == "refunded" and person != "dot":
            continue
        value, rows_of = METRICS[metric]
        for dimension in dimensions:
            answer = await served.call(
                person,
                "query_metrics",
                metrics=[metric],
                dimensions=[dimension],
                time_period=PERIOD,
                limit=1000,
                totals=True,
            )
            label = (LABELS | OF_INVOICES)[dimension]
            with served.foreign.superuser() as superuser:
                wanted = superuser.execute(
                    f"SELECT {label}, ({value})::float8 {rows_of} GROUP BY 1".encode(),
                    [PEOPLE[person]],
                ).fetchall()
                total = superuser.execute(
                    f"SELECT ({value})::float8 {rows_of}".encode(), [PEOPLE[person]]
                ).fetchone()
            assert dict(answer.rows) == dict(wanted), (metric, dimension)
            assert answer.content["totals"] == [[None, *(total or ())]], (metric, dimension)


async def test_an_answer_names_its_tenants_its_unit_and_its_period(served: Served) -> None:
    answer = await served.call("cy", "query_metrics", metrics=["billings"], time_period="2026-03")
    assert answer.content["columns"] == [{"name": "invoiced", "unit": "USD"}]
    assert answer.content["scope"]["tenants"] == ["Cedar", "Damson"]
    assert answer.content["period"]["last_day"] == "2026-03-31"
    assert "orders" not in answer.text, "of another application's rows no order is known"
    empty = await served.call("cy", "query_metrics", metrics=["invoices"], time_period="2020")
    assert empty.notes == ["Nothing in 2020-01-01 to 2020-12-31 (2020)."]
    now = await served.call("cy", "query_metrics", metrics=["active_subscriptions"])
    assert now.content["period"] is None


async def test_a_comparison_and_a_filter_keep_to_the_persons_rows(served: Served) -> None:
    compared = await served.call(
        "ana",
        "query_metrics",
        metrics=["invoices"],
        time_period="2026-04",
        compare="previous_period",
    )
    april = await served.ask("ana", _counted("2026-04"))
    march = await served.ask("ana", _counted("2026-03"))
    assert compared.rows[0][:2] == [april.rows[0][0], march.rows[0][0]]
    own = await served.call(
        "cy",
        "query_metrics",
        metrics=["invoices"],
        time_period="2026",
        filters=[{"dimension": "organization", "op": "=", "value": ["cedar"]}],
    )
    counted = await served.ask(
        "cy",
        "SELECT count(*) FROM invoices AS i JOIN organizations AS o ON o.id = i.organization_id"
        " WHERE o.name = 'Cedar' AND i.status <> 'void'",
    )
    assert own.rows == counted.rows


def _counted(month: str) -> str:
    return (
        "SELECT count(*) FROM invoices WHERE status <> 'void'"
        f" AND to_char(issued_on, 'YYYY-MM') = '{month}'"
    )


async def test_another_tenant_and_one_that_does_not_exist_are_refused_alike(served: Served) -> None:
    answers = [
        await served.call(
            "ana",
            "query_metrics",
            metrics=["invoices"],
            filters=[{"dimension": "organization", "op": "=", "value": [name]}],
        )
        for name in ("Birch", "Birsh")
    ]
    assert [each.error["code"] for each in answers] == ["VALIDATION_ERROR"] * 2
    first, second = (each.text.replace("Birsh", "Birch") for each in answers)
    assert first == second


async def test_what_an_audience_may_not_read_is_no_metric_of_it(served: Served) -> None:
    refused = await served.call("ana", "query_metrics", metrics=["refunded"])
    assert refused.error["code"] == "AUTHORIZATION_ERROR"
    assert "refunded" not in refused.error["hint"]
    for arguments in (
        {"dimensions": ["customer_email"]},
        {"filters": [{"dimension": "customer_email", "op": "contains", "value": ["1"]}]},
    ):
        hidden = await served.call("bo", "query_metrics", metrics=["invoices"], **arguments)
        assert hidden.error["code"] == "AUTHORIZATION_ERROR", hidden.text
    read = await served.call(
        "ana", "query_metrics", metrics=["invoices"], dimensions=["customer_email"], limit=1
    )
    assert read.content["columns"][0]["written_by"] == "outsiders"


@pytest.mark.parametrize(
    "words",
    [
        {"metrics": ["invoices'; DROP TABLE invoices; --"]},
        {"metrics": ["invoices"], "dimensions": ["(SELECT api_key FROM organizations)"]},
        {
            "metrics": ["invoices"],
            "filters": [{"dimension": "status", "op": "=", "value": ["' OR true --"]}],
        },
        {"metrics": ["invoices"], "order_by": [{"by": "1; SELECT 1"}]},
    ],
)
async def test_no_text_of_a_question_becomes_sql(served: Served, words: dict[str, object]) -> None:
    answer = await served.call("ana", "query_metrics", **words)
    assert answer.error["code"] == "VALIDATION_ERROR", answer.text


async def test_the_chart_has_the_figures_of_the_metrics(served: Served) -> None:
    drawn = await served.call("ana", "show_metric_chart", metrics=["invoiced"], time_period=PERIOD)
    asked = await served.call(
        "ana", "query_metrics", metrics=["invoiced"], dimensions=["month"], time_period=PERIOD
    )
    assert drawn.content["kind"] == "time_series"
    assert drawn.rows == asked.rows
    bars = await served.call(
        "ana", "show_metric_chart", metrics=["invoiced"], dimensions=["plan"], time_period=PERIOD
    )
    assert bars.content["kind"] == "bars"


async def test_the_page_of_the_metrics_has_no_word_of_retail(served: Served) -> None:
    resources = await served.request("resources/read", {"uri": "zava://metrics"})
    text = resources["result"]["contents"][0]["text"]
    assert "| `invoiced` (also: billings, recurring_revenue) | money |" in text
    assert "all of them" in text
    words = set(json.dumps(text).lower().replace(".", " ").replace("'", " ").split())
    assert not words & {"store", "stores", "retail", "sales", "order", "orders"}


@pytest.mark.parametrize(("person", "stores"), [("mo", [1]), ("ray", [2, 3])])
@pytest.mark.parametrize(
    ("dimension", "label"),
    [
        ("store", "s.name"),
        ("rated", "f.rated::text"),
        ("day", "to_char(p.paid_at AT TIME ZONE 'America/Chicago', 'YYYY-MM-DD')"),
    ],
)
async def test_tenants_called_stores_and_days_of_another_zone_are_as_plain_sql_has_them(
    served_rentals: Served, person: str, stores: list[int], dimension: str, label: str
) -> None:
    answer = await served_rentals.call(
        person,
        "query_metrics",
        metrics=["paid"],
        dimensions=[dimension],
        time_period="2026-01",
        limit=1000,
    )
    with served_rentals.foreign.superuser() as superuser:
        wanted = superuser.execute(
            f"""
            SELECT {label}, sum(p.amount)::float8 FROM payment AS p JOIN rental AS r USING (rental_id)
            JOIN inventory AS i USING (inventory_id) JOIN film AS f USING (film_id)
            JOIN store AS s ON s.store_id = i.store_id
            WHERE p.paid_at >= '2026-01-01 06:00Z' AND p.paid_at < '2026-02-01 06:00Z'
              AND i.store_id = ANY (%s) GROUP BY 1""".encode(),
            [stores],
        ).fetchall()
    assert dict(answer.rows) == dict(wanted)
    assert not answer.notes
    other = await served_rentals.call(
        person,
        "query_metrics",
        metrics=["paid"],
        filters=[{"dimension": "store", "op": "=", "value": ["Store 9"]}],
    )
    assert other.error["code"] == "VALIDATION_ERROR"
