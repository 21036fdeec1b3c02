"""Apache Ossie models: what is written is valid, what is read is equal, and the rest is listed."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from typer.testing import CliRunner

from tests.adoption.foreign import BILLING
from zava.adoption.declaration_file import DeclarationRefused, parse_declaration, read_declaration
from zava.adoption.metrics.metric_text import meaning_text
from zava.adoption.ossie.ossie_export import exported
from zava.adoption.ossie.ossie_import import ModelRefused, imported
from zava.cli.commands import app

DECLARED = read_declaration(BILLING[1])
WITHOUT = parse_declaration(DECLARED.text[: DECLARED.text.index("[joins.")], "billing.toml")
SCHEMA = json.loads((Path(__file__).parent / "ossie" / "ossie-schema.json").read_text())
INVOICES = {
    "name": "invoice",
    "source": "shop.public.invoices",
    "fields": [
        {"name": "state", "expression": "status", "dimension": {"is_time": False}},
        {"name": "day_of_issue", "expression": "issued_on", "datatype": "Date"},
        {"name": "cents", "expression": "amount_cents"},
        {"name": "subscription", "expression": "invoice.subscription_id"},
    ],
}
SUBSCRIPTIONS = {
    "name": "contract",
    "source": "subscriptions",
    "fields": [{"name": "since", "expression": "started_on", "dimension": {}}],
}
LINK = {
    "name": "contract_of_invoice",
    "from": "invoice",
    "to": "contract",
    "from_columns": ["subscription"],
    "to_columns": ["id"],
}


def model(*metrics: Any, datasets: Any = (INVOICES, SUBSCRIPTIONS), **others: Any) -> Any:
    """Return a model of another tool, its expressions in the form of the format."""

    def written(entry: Any) -> Any:
        text = entry["expression"]
        if isinstance(text, str):
            text = {"dialects": [{"dialect": "ANSI_SQL", "expression": text}]}
        return entry | {"expression": text}

    return {
        "version": "0.2.0.dev0",
        "name": "shop",
        "datasets": [
            each | {"fields": [written(field) for field in each.get("fields", ())]}
            for each in datasets
        ],
        "metrics": [written(each) for each in metrics],
    } | others


def metric(expression: Any, **others: Any) -> dict[str, Any]:
    return {"name": "total", "expression": expression} | others


def test_what_is_written_is_valid_by_the_published_schema() -> None:
    written = exported(DECLARED)
    jsonschema.validate(written, SCHEMA)
    texts = [each["expression"]["dialects"][0]["expression"] for each in written["metrics"]]
    assert "sum(payments.amount_cents) / 100.0" in texts
    assert any("/ NULLIF((count(*) FILTER" in text for text in texts)


def test_a_model_that_was_written_is_read_as_the_same_declaration() -> None:
    found = imported(json.loads(json.dumps(exported(DECLARED))), WITHOUT)
    assert found.meaning == DECLARED.meaning
    assert list(found.meaning.metrics) == list(DECLARED.meaning.metrics)
    assert found.left_out == ()
    again = parse_declaration(f"{WITHOUT.text}\n{meaning_text(found.meaning)}", "again.toml")
    assert again.meaning == DECLARED.meaning


def test_a_model_of_another_tool_becomes_metrics_without_a_guess() -> None:
    given = model(
        metric(
            "SUM(invoice.cents) / NULLIF(COUNT(DISTINCT invoice.subscription), 0)",
            description="Cents of each contract",
            ai_context={"synonyms": ["arpu"]},
        ),
        relationships=[LINK],
    )
    jsonschema.validate(given, SCHEMA)
    found = imported(given, WITHOUT)
    total = found.meaning.metrics["total"]
    assert total.expression == "SUM(amount_cents) / NULLIF(COUNT(DISTINCT subscription_id), 0)"
    assert (total.table, total.time, total.time_type) == ("public.invoices", "issued_on", "date")
    assert (total.unit, total.additive_over, total.synonyms) == ("number", (), ("arpu",))
    assert total.dimensions == ("state", "since")
    assert found.meaning.joins["contract_of_invoice"].columns == ("subscription_id",)
    assert found.left_out == ()
    older = {"version": "0.1.1", "semantic_model": [given]}
    assert imported(older, WITHOUT).meaning == found.meaning


SNOWFLAKE = {"dialects": [{"dialect": "SNOWFLAKE", "expression": "SUM(invoice.cents)"}]}


@pytest.mark.parametrize(
    ("given", "name", "reason"),
    [
        (model(metric(SNOWFLAKE)), "metric total", "it has no expression in ANSI_SQL"),
        (
            model(metric("SUM(invoice.cents) / COUNT(DISTINCT contract.id)")),
            "metric total",
            "it reads several datasets: contract, invoice",
        ),
        (model(metric("COUNT(*)")), "metric total", "its expression names no dataset"),
        (model(metric("SUM(cents)")), "metric total", "cents names no dataset"),
        (model(metric("SUM(other.cents)")), "metric total", "there is no dataset other"),
        (model(metric("SUM(")), "metric total", "no expression in SQL: syntax error"),
        (
            model(metric("MEDIAN(invoice.cents)")),
            "metric total",
            "the function median, called so, is not allowed in a metric",
        ),
        (
            model(metric("SUM((SELECT 1)) + COUNT(invoice.cents)")),
            "metric total",
            "a sub-select is not allowed",
        ),
        (
            model({"name": "Total 2", "expression": "SUM(invoice.cents)"}),
            "metric Total 2",
            "a metric's name has a-z and _ alone",
        ),
        (
            model(datasets=[INVOICES | {"source": "SELECT * FROM public.invoices"}]),
            "dataset invoice",
            "its source is a query, not a table",
        ),
        (
            model(datasets=[INVOICES | {"source": "public.jobs"}]),
            "dataset invoice",
            "public.jobs is not a table of the declaration",
        ),
        (
            model(datasets=[SUBSCRIPTIONS], relationships=[LINK]),
            "relationship contract_of_invoice",
            "one of its datasets is left out",
        ),
        (
            model(relationships=[LINK | {"to_columns": ["id", "plan_id"]}]),
            "relationship contract_of_invoice",
            "it has more columns on one side",
        ),
        (
            model(
                datasets=[
                    INVOICES
                    | {"fields": [{"name": "x", "expression": "lower(status)", "dimension": {}}]}
                ]
            ),
            "field invoice.x",
            "its expression is not a column",
        ),
        (
            model(
                datasets=[
                    INVOICES | {"fields": [{"name": "month", "expression": "a", "dimension": {}}]}
                ]
            ),
            "field invoice.month",
            "is no unit of time",
        ),
        (
            model(datasets=[INVOICES, INVOICES | {"name": "bill"}]),
            "field bill.state",
            "another dataset has a field of this name",
        ),
        (
            model(
                metric("SUM(invoice.cents)"),
                datasets=[
                    INVOICES
                    | {
                        "fields": [
                            {"name": "at", "expression": "at", "dimension": {"is_time": True}}
                        ]
                    }
                ],
            ),
            "metric total: time",
            "its dataset has no datatype of time",
        ),
        (
            model(metric("SUM(invoice.cents)", ai_context="Sum it up")),
            "metric total: instructions",
            "a declaration has no such text",
        ),
        (
            model(custom_extensions=[{"vendor_name": "DBT", "data": "{}"}]),
            "model shop: extension of DBT",
            "it is not read",
        ),
    ],
)
def test_what_does_not_fit_is_listed_with_its_reason(given: Any, name: str, reason: str) -> None:
    jsonschema.validate(given, SCHEMA)
    left_out = {each.name: each.reason for each in imported(given, WITHOUT).left_out}
    assert reason in left_out[name]


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        ([], "datasets is missing"),
        ({"version": "0.2.0.dev0"}, "datasets is missing"),
        (model() | {"version": "9.0"}, "version 9.0 of Ossie is not read"),
        (model() | {"datasets": [{}]}, "'name') is wrong or missing"),
    ],
)
def test_what_is_no_model_is_refused(document: Any, reason: str) -> None:
    with pytest.raises(ModelRefused) as refused:
        imported(document, WITHOUT)
    assert reason in str(refused.value)


def test_the_commands_write_and_read_a_model(tmp_path: Path) -> None:
    declaration = ["--declaration", str(BILLING[1])]
    file, output = tmp_path / "model.json", tmp_path / "metrics.toml"
    runner = CliRunner()
    assert runner.invoke(app, ["metrics", "export", str(file), *declaration]).exit_code == 0
    again = runner.invoke(app, ["metrics", "import", str(file), str(output), *declaration])
    assert again.exit_code == 0, again.output
    found = parse_declaration(f"{WITHOUT.text}\n{output.read_text()}", "again.toml")
    assert found.meaning == DECLARED.meaning
    written = tmp_path / "model.yaml"
    written.write_text(
        "version: 0.1.1\nsemantic_model:\n- {name: x, datasets: [{name: a, source: b}]}\n"
    )
    listed = runner.invoke(app, ["metrics", "import", str(written), *declaration])
    assert "left out: dataset a: public.b is not a table of the declaration" in listed.output
    with pytest.raises(DeclarationRefused, match="exists; name another file"):
        runner.invoke(app, ["metrics", "export", str(file), *declaration], catch_exceptions=False)
