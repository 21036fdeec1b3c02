"""What the server offers beside tools: itself, resources, prompts and completion, in each era."""

import re
from typing import Any
from uuid import uuid4

import pytest

from tests.support.answers.rpc import ERAS, LEGACY, MODERN, ask, request
from zava.app import Application, compose
from zava.infrastructure.local.state_dir import StateDirectory
from zava.infrastructure.local.token_issuer import LocalIssuer
from zava.protocol.apps.sales_chart import MIME_TYPE, URI
from zava.protocol.http_responses import FORBIDDEN
from zava.protocol.versions import HANDSHAKE, SERVED
from zava.retail.demo.principals import DEMO_TENANT_ID
from zava.retail.prompts import PROMPTS
from zava.retail.resources import RESOURCES
from zava.retail.tools.registry import TOOLS
from zava.settings import Settings

READABLE = {
    "categories",
    "customers",
    "embedding_models",
    "exchange_rates",
    "inventory",
    "order_items",
    "orders",
    "product_embeddings",
    "product_suppliers",
    "promotion_products",
    "promotions",
    "suppliers",
    "store_targets",
    "product_words",
    "product_types",
    "products",
    "stores",
}
CLIENT = {"capabilities": {}, "clientInfo": {"name": "tests", "version": "1"}}


async def result(
    application: Application, token: str, era: str, method: str, params: Any = None
) -> dict[str, Any]:
    status, body = await ask(application, token, era, method, params)
    assert status == 200, body
    answer: dict[str, Any] = body["result"]
    return answer


async def test_discover_tells_which_revisions_are_served_and_no_subscription(
    warm: Application, tokens: dict[str, str]
) -> None:
    told = await result(warm, tokens["seattle"], MODERN, "server/discover")
    assert told["supportedVersions"] == list(SERVED) == [MODERN, *reversed(LEGACY)]
    assert told["capabilities"] == {
        "tools": {"listChanged": False},
        "resources": {"listChanged": False, "subscribe": False},
        "prompts": {"listChanged": False},
        "completions": {},
    }
    assert "execute_sales_query" in told["instructions"]
    for revision in told["supportedVersions"][1:]:
        agreed = await result(
            warm,
            tokens["seattle"],
            revision,
            "initialize",
            {"protocolVersion": revision, **CLIENT},
        )
        assert agreed["protocolVersion"] == revision


@pytest.mark.parametrize("asked", ["2024-11-05", "2099-01-01", MODERN])
async def test_initialize_agrees_on_the_latest_where_it_does_not_serve_what_is_asked(
    warm: Application, tokens: dict[str, str], asked: str
) -> None:
    params = {"protocolVersion": asked, **CLIENT}
    told = await result(warm, tokens["seattle"], LEGACY[-1], "initialize", params)
    assert told["protocolVersion"] == HANDSHAKE[0]


async def test_server_names_itself_its_version_and_its_website_in_both_eras(
    home: StateDirectory, tokens: dict[str, str], context_keys: list[str], database: Any
) -> None:
    website = "https://zava.example/analytics"
    settings = Settings.model_validate({"ZAVA_HOME": home.path, "ZAVA_WEBSITE_URL": website})
    application = compose(settings, conninfo=database.server, context_keys=context_keys)
    params = {"protocolVersion": LEGACY[-1], **CLIENT}
    agreed = await result(application, tokens["seattle"], LEGACY[-1], "initialize", params)
    told = await result(application, tokens["seattle"], MODERN, "server/discover")
    stamp = told["_meta"]["io.modelcontextprotocol/serverInfo"]
    assert agreed["serverInfo"] == stamp
    assert stamp["name"] == stamp["title"] == "Zava Retail Analytics"
    assert stamp["version"]
    assert stamp["websiteUrl"] == website
    await application.close()


@pytest.mark.parametrize(
    ("method", "params", "scope"),
    [
        ("server/discover", None, "public"),
        ("prompts/list", None, "public"),
        ("tools/list", None, "private"),
        ("resources/list", None, "private"),
        ("resources/templates/list", None, "private"),
        ("resources/read", {"uri": "retail://schema"}, "private"),
    ],
)
async def test_answer_says_how_long_it_holds_and_for_whom(
    warm: Application, tokens: dict[str, str], method: str, params: Any, scope: str
) -> None:
    told = await result(warm, tokens["seattle"], MODERN, method, params)
    assert told["cacheScope"] == scope
    assert 0 < told["ttlMs"] <= 3_600_000


@pytest.mark.parametrize("era", ERAS)
async def test_resources_are_listed_and_read_as_the_caller(
    warm: Application, tokens: dict[str, str], era: str
) -> None:
    listed = await result(warm, tokens["redmond"], era, "resources/list")
    assert [one["uri"] for one in listed["resources"]] == [
        "retail://schema",
        "retail://metrics",
        URI,
        "retail://data-quality",
        "zava://performance",
        "zava://budget",
    ]
    templates = await result(warm, tokens["redmond"], era, "resources/templates/list")
    assert [one["uriTemplate"] for one in templates["resourceTemplates"]] == [
        "retail://tables/{table}"
    ]
    for one in (*listed["resources"], *templates["resourceTemplates"]):
        assert one["title"]
        assert one["description"]
        assert one["mimeType"] in {"text/plain", "text/markdown", MIME_TYPE}
    read = await result(warm, tokens["redmond"], era, "resources/read", {"uri": "retail://schema"})
    (content,) = read["contents"]
    assert content["uri"] == "retail://schema"
    assert all(f"retail.{name}:" in content["text"] for name in READABLE)
    assert content["text"].endswith("Scope: Zava Retail Redmond (1 of 8 stores)")


async def test_table_is_described_as_the_audience_may_read_it(
    warm: Application, tokens: dict[str, str]
) -> None:
    uri = {"uri": "retail://tables/products"}
    seen = {}
    for name in ("seattle", "head-office"):
        read = await result(warm, tokens[name], MODERN, "resources/read", uri)
        seen[name] = read["contents"][0]["text"]
        assert seen[name].startswith("retail.products:")
    assert "gross_margin_percent" in seen["head-office"]
    assert "gross_margin_percent" not in seen["seattle"]


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize(
    "uri",
    [
        "retail://tables/product_embeddings_of_others",
        "retail://tables/",
        "retail://tables/orders/rows",
        "retail://schema/",
        "RETAIL://schema",
        "file:///etc/passwd",
        "https://example.com/",
        "",
    ],
)
async def test_resource_that_is_not_there_is_told_by_its_uri(
    warm: Application, tokens: dict[str, str], era: str, uri: str
) -> None:
    status, body = await ask(warm, tokens["seattle"], era, "resources/read", {"uri": uri})
    assert status == (400 if era == MODERN else 200)
    assert body["error"]["code"] == -32602
    assert body["error"]["message"] == "Resource not found"
    assert body["error"]["data"] == {"uri": uri}
    assert body["id"] == 7


@pytest.mark.parametrize("era", ERAS)
async def test_prompts_are_listed_and_filled(
    warm: Application, tokens: dict[str, str], era: str
) -> None:
    listed = await result(warm, tokens["seattle"], era, "prompts/list")
    assert [one["name"] for one in listed["prompts"]] == list(PROMPTS)
    for one in listed["prompts"]:
        assert one["title"]
        assert one["description"]
        assert all(argument["description"] for argument in one["arguments"])
        given = {argument["name"]: f"<{argument['name']}>" for argument in one["arguments"]}
        params = {"name": one["name"], "arguments": given}
        got = await result(warm, tokens["seattle"], era, "prompts/get", params)
        (message,) = got["messages"]
        assert message["role"] == "user"
        assert all(value in message["content"]["text"] for value in given.values())
        assert "{" not in message["content"]["text"]


async def test_prompt_leaves_out_what_is_not_given_and_reads_no_value_for_places(
    warm: Application, tokens: dict[str, str]
) -> None:
    arguments = {"period": "{store} {0} $1 \\1"}
    params = {"name": "business_summary", "arguments": arguments}
    got = await result(warm, tokens["seattle"], MODERN, "prompts/get", params)
    text = got["messages"][0]["content"]["text"]
    assert 'time_period "{store} {0} $1 \\1" (leave it' in text
    assert 'store "" (leave it out when empty)' in text


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({"name": "no_such_prompt"}, "Unknown prompt: no_such_prompt"),
        ({"name": "explain_a_table"}, "table: required."),
        ({"name": "explain_a_table", "arguments": {"table": " "}}, "table: required"),
        ({"name": "stock_to_reorder", "arguments": {"x": "1"}}, "x: stock_to_reorder has no"),
        ({"name": "explain_a_table", "arguments": {"table": "x" * 1001}}, "table: at most 1000"),
        (
            {"name": "explain_a_table", "arguments": {"table": 7}},
            "Invalid params: arguments.table: should be",
        ),
        ({}, "Invalid params: name: required."),
    ],
)
async def test_prompt_that_cannot_be_filled_is_a_protocol_error(
    warm: Application, tokens: dict[str, str], era: str, params: Any, said: str
) -> None:
    _, body = await ask(warm, tokens["seattle"], era, "prompts/get", params)
    assert body["error"]["code"] == -32602, body
    assert said in body["error"]["message"]
    assert "pydantic" not in str(body)


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize(
    "ref",
    [
        {"type": "ref/resource", "uri": "retail://tables/{table}"},
        {"type": "ref/prompt", "name": "explain_a_table"},
    ],
)
async def test_table_names_complete(
    warm: Application, tokens: dict[str, str], era: str, ref: Any
) -> None:
    async def offered(typed: str) -> list[str]:
        params = {"ref": ref, "argument": {"name": "table", "value": typed}}
        told = await result(warm, tokens["seattle"], era, "completion/complete", params)
        completion = told["completion"]
        assert completion["total"] == len(completion["values"])
        assert completion["hasMore"] is False
        values: list[str] = completion["values"]
        return values

    assert set(await offered("")) == READABLE
    assert await offered("ord") == ["order_items", "orders", "product_words"]
    assert await offered("retail.cat") == ["categories"]
    assert await offered("types") == ["product_types"]
    assert await offered("nothing like it") == []


@pytest.mark.parametrize(
    ("ref", "argument", "said"),
    [
        ({"type": "ref/prompt", "name": "nope"}, "table", "Unknown prompt: nope"),
        ({"type": "ref/resource", "uri": "retail://nope"}, "table", "Resource not found"),
        ({"type": "ref/prompt", "name": "explain_a_table"}, "x", "Unknown argument: x"),
    ],
)
async def test_completion_of_what_is_not_there_is_a_protocol_error(
    warm: Application, tokens: dict[str, str], ref: Any, argument: str, said: str
) -> None:
    params = {"ref": ref, "argument": {"name": argument, "value": ""}}
    status, body = await ask(warm, tokens["seattle"], MODERN, "completion/complete", params)
    assert (status, body["error"]["code"]) == (400, -32602)
    assert body["error"]["message"] == said


async def test_argument_without_a_list_of_values_completes_to_nothing(
    warm: Application, tokens: dict[str, str]
) -> None:
    ref = {"type": "ref/prompt", "name": "business_summary"}
    params = {"ref": ref, "argument": {"name": "period", "value": "last"}}
    told = await result(warm, tokens["seattle"], MODERN, "completion/complete", params)
    assert told["completion"]["values"] == []


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize(
    ("method", "params"),
    [
        ("resources/read", {"uri": "retail://schema"}),
        ("resources/read", {"uri": "retail://tables/orders"}),
        (
            "completion/complete",
            {
                "ref": {"type": "ref/resource", "uri": "retail://tables/{table}"},
                "argument": {"name": "table", "value": ""},
            },
        ),
    ],
)
async def test_unknown_principal_reads_nothing_that_is_not_a_tool_either(
    warm: Application, home: StateDirectory, era: str, method: str, params: Any
) -> None:
    token = LocalIssuer(home).token(tenant_id=DEMO_TENANT_ID, object_id=uuid4(), name="stranger")
    status, body = await ask(warm, token, era, method, params)
    assert status == 200
    assert body["error"]["code"] == FORBIDDEN
    assert body["error"]["data"]["code"] == "AUTHORIZATION_ERROR"


@pytest.mark.parametrize("era", ERAS)
async def test_unexpected_failure_of_a_resource_keeps_its_cause_to_the_log(
    warm: Application,
    tokens: dict[str, str],
    era: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def fail(*_: Any) -> None:
        raise LookupError("secret cause")

    monkeypatch.setattr(warm.analytics.data, "table_schemas", fail)
    uri = {"uri": "retail://schema"}
    _, body = await ask(warm, tokens["seattle"], era, "resources/read", uri)
    assert body["error"]["code"] == -32603
    assert "secret" not in str(body)
    assert body["error"]["data"]["correlation_id"] in caplog.text
    assert "LookupError at " in caplog.text
    assert "secret cause" not in caplog.text, "a cause's own words may hold a customer's"


async def test_unexpected_failure_of_a_prompt_keeps_its_cause_to_the_log(
    warm: Application,
    tokens: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fail(*_: Any) -> None:
        raise LookupError("secret cause")

    name = next(iter(PROMPTS))
    monkeypatch.setattr(type(PROMPTS[name]), "fill", fail)
    _, body = await ask(warm, tokens["seattle"], MODERN, "prompts/get", {"name": name})
    assert body["error"]["code"] == -32603
    assert "secret" not in str(body)
    assert body["error"]["data"]["correlation_id"] in caplog.text
    assert "LookupError at " in caplog.text
    assert "secret cause" not in caplog.text


async def test_names_addresses_and_headers_are_ascii(
    warm: Application, tokens: dict[str, str], home: StateDirectory
) -> None:
    """A client sends names and addresses as headers, where some libraries refuse other letters."""
    for tool in TOOLS:
        assert re.fullmatch(r"[a-z_]{1,64}", tool)
    addresses = {*RESOURCES, *(resource.name for resource in RESOURCES.values())}
    addresses |= {tool.app for tool in TOOLS.values() if tool.app}
    addresses |= {*PROMPTS, *(one.name for prompt in PROMPTS.values() for one in prompt.arguments)}
    assert all(address.isascii() for address in addresses)
    narrow = LocalIssuer(home).token(
        tenant_id=DEMO_TENANT_ID, object_id=uuid4(), name="Zo\u00eb", scopes="sales.read"
    )
    asked: list[tuple[str, dict[str, Any], str | None]] = [
        ("tools/list", {}, tokens["seattle"]),
        ("tools/list", {}, None),
        ("tools/list", {}, "\u017c\u00f3\u0142\u0107"),
        ("tools/call", {"name": "execute_sales_query", "arguments": {}}, narrow),
        ("tools/call", {"name": "\u00e9l\u00e8ve", "arguments": {}}, tokens["seattle"]),
        ("resources/read", {"uri": "retail://tables/\u00e9t\u00e9"}, tokens["seattle"]),
    ]
    for era in ERAS:
        for method, params, token in asked:
            headers, body = request(era, method, params, token)
            answer = await warm.endpoint.handle("POST", "/mcp", headers, body)
            assert answer.status < 500
            assert all(f"{name}{value}".isascii() for name, value in answer.headers.items())
