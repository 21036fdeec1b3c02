"""The HTTP edge, from the first byte to the answer, over the real app and database."""

import asyncio
from typing import Any

import jsonschema
import orjson
import pytest

from tests.support.answers.rpc import ERAS, LEGACY, MODERN, UNUSUAL, ask, request
from zava.app import Application
from zava.protocol.http.endpoint import Endpoint
from zava.protocol.http_responses import HttpResponse
from zava.protocol.tools.tool import ERROR_META
from zava.retail.tools.registry import TOOLS

TOTALS = {"postgresql_query": "SELECT count(*) AS n, sum(total_amount) AS s FROM retail.orders"}


async def post(endpoint: Endpoint, headers: Any, body: bytes) -> HttpResponse:
    return await endpoint.handle("POST", "/mcp", headers, body)


async def call(
    application: Application, token: str | None, tool: str, arguments: Any, era: str = MODERN
) -> tuple[int, dict[str, Any]]:
    headers, body = request(era, "tools/call", {"name": tool, "arguments": arguments}, token)
    answer = await post(application.endpoint, headers, body)
    return answer.status, orjson.loads(answer.body)


@pytest.mark.requirement("S02")
@pytest.mark.parametrize("era", LEGACY)
async def test_initialize_names_the_server_and_its_version(
    application: Application, tokens: dict[str, str], era: str
) -> None:
    params = {
        "protocolVersion": era,
        "capabilities": {},
        "clientInfo": {"name": "tests", "version": "1"},
    }
    headers, body = request(era, "initialize", params, tokens["seattle"])
    answer = orjson.loads((await post(application.endpoint, headers, body)).body)["result"]
    assert answer["protocolVersion"] == era
    assert answer["serverInfo"]["name"] == "Zava Retail Analytics"
    assert answer["serverInfo"]["version"]
    assert "execute_sales_query" in answer["instructions"]


async def test_discover_names_the_server_to_the_stateless_era(
    application: Application, tokens: dict[str, str]
) -> None:
    headers, body = request(MODERN, "server/discover", token=tokens["seattle"])
    answer = await post(application.endpoint, headers, body)
    result = orjson.loads(answer.body)["result"]
    assert answer.status == 200
    assert MODERN in result["supportedVersions"]
    assert "subscriptions" not in str(result["capabilities"])


@pytest.mark.requirement("S03")
@pytest.mark.requirement("S06")
@pytest.mark.parametrize("era", ERAS)
async def test_tools_are_listed_with_all_that_a_model_needs(
    application: Application, tokens: dict[str, str], era: str
) -> None:
    headers, body = request(era, "tools/list", token=tokens["seattle"])
    tools = orjson.loads((await post(application.endpoint, headers, body)).body)["result"]["tools"]
    assert [tool["name"] for tool in tools] == list(TOOLS)
    for tool in tools:
        assert tool["title"]
        assert 20 < len(tool["description"].split()) <= 120
        assert tool["annotations"]["readOnlyHint"] is True
        assert tool["inputSchema"]["additionalProperties"] is False
        assert all(field["description"] for field in tool["inputSchema"]["properties"].values())
        assert tool["outputSchema"]["type"] == "object"


@pytest.mark.requirement("S05")
@pytest.mark.parametrize("era", ERAS)
async def test_four_callers_get_four_answers_that_add_up_in_each_era(
    application: Application, tokens: dict[str, str], era: str
) -> None:
    seen = {}
    for name, token in tokens.items():
        status, body = await call(application, token, "execute_sales_query", TOTALS, era)
        assert status == 200, body
        content = body["result"]["structuredContent"]
        jsonschema.validate(content, TOOLS["execute_sales_query"].output_schema)
        seen[name] = content["rows"][0]
        assert content["scope"]["store_count"] == 8
        assert str(seen[name][0]) in body["result"]["content"][0]["text"]
    single = [name for name in seen if name not in {"eastside", "head-office"}]
    assert seen["eastside"][0] == sum(seen[n][0] for n in ("bellevue", "redmond", "kirkland"))
    assert seen["head-office"][0] == sum(seen[name][0] for name in single)
    assert seen["head-office"][1] == pytest.approx(sum(seen[name][1] for name in single))
    assert len({tuple(seen[n]) for n in ("seattle", "redmond", "eastside", "head-office")}) == 4


@pytest.mark.parametrize("tool", ["get_multiple_table_schemas", "get_current_utc_date"])
async def test_structured_content_matches_its_schema(
    application: Application, tokens: dict[str, str], tool: str
) -> None:
    arguments = {"table_names": ["retail.orders"]} if "schemas" in tool else {}
    status, body = await call(application, tokens["redmond"], tool, arguments)
    assert status == 200
    jsonschema.validate(body["result"]["structuredContent"], TOOLS[tool].output_schema)
    assert body["result"]["content"][0]["text"]


async def test_no_token_is_challenged_before_anything_is_read(application: Application) -> None:
    headers, _ = request(MODERN, "tools/list")
    answer = await post(application.endpoint, headers, b"not even JSON")
    assert answer.status == 401
    challenge = answer.headers["www-authenticate"]
    assert challenge.startswith("Bearer resource_metadata=")
    assert "/.well-known/oauth-protected-resource/mcp" in challenge
    assert 'scope="' in challenge
    assert "error=" not in challenge
    assert application.pool.times_opened == 0
    headers["authorization"] = "Bearer a.b.c"
    answer = await post(application.endpoint, headers, b"")
    assert 'error="invalid_token"' in answer.headers["www-authenticate"]
    assert application.pool.times_opened == 0


async def test_metadata_names_the_resource_and_its_issuer(application: Application) -> None:
    for path in (
        "/.well-known/oauth-protected-resource",
        "/.well-known/oauth-protected-resource/mcp",
    ):
        answer = await application.endpoint.handle("GET", path, {"Host": "localhost:7071"}, b"")
        metadata = orjson.loads(answer.body)
        assert metadata["resource"] == "http://localhost:7071/mcp"
        assert metadata["authorization_servers"]
        assert metadata["scopes_supported"]


@pytest.mark.parametrize("method", ["GET", "DELETE", "PUT", "HEAD"])
async def test_mcp_answers_post_alone(application: Application, method: str) -> None:
    answer = await application.endpoint.handle(method, "/mcp", {}, b"")
    assert (answer.status, answer.headers["allow"]) == (405, "POST")


async def test_unknown_path_is_not_found_and_live_is_alive(application: Application) -> None:
    assert (await application.endpoint.handle("GET", "/", {}, b"")).status == 404
    assert (await application.endpoint.handle("GET", "/admin", {}, b"")).status == 404
    assert (await application.endpoint.handle("GET", "/health/live", {}, b"")).status == 200
    assert application.pool.times_opened == 0


@pytest.mark.requirement("S92")
@pytest.mark.requirement("S93")
@pytest.mark.requirement("S94")
async def test_ready_tells_the_parts_and_nothing_else(application: Application) -> None:
    answer = await application.endpoint.handle("GET", "/health/ready", {}, b"")
    assert answer.status == 200
    assert orjson.loads(answer.body) == {
        "status": "degraded",  # nothing is embedded in this database
        "checks": {"database": "healthy", "isolation": "healthy", "embeddings": "degraded"},
    }


BAD_REQUESTS: list[tuple[str, dict[str, str], bytes, int, int | None]] = [
    ("malformed", {}, b"{", 400, -32700),
    ("empty", {}, b"", 400, -32700),
    ("NaN", {}, b'{"id": NaN}', 400, -32700),
    ("batch", {}, b"[]", 400, -32600),
    ("a number", {}, b"7", 400, -32600),
    ("deep", {}, b'{"id": 1, "a":' + b"[" * 100 + b"]" * 100 + b"}", 400, -32600),
    ("very deep", {}, b"[" * 200_000, 400, -32700),
    ("long integer", {}, b'{"id": 1, "a": 123456789012345678901234567890}', 400, -32600),
    ("over 1 MiB", {}, b" " * (1024 * 1024 + 1), 413, -32600),
    ("content type", {"content-type": "text/plain"}, b"{}", 415, -32600),
    ("foreign host", {"host": "evil.example"}, b"{}", 421, None),
    ("no host", {"host": ""}, b"{}", 421, None),
    ("foreign origin", {"origin": "https://evil.example"}, b"{}", 403, None),
    ("sandboxed origin", {"origin": "null"}, b"{}", 403, None),
]


@pytest.mark.parametrize(
    ("headers", "body", "status", "code"),
    [rest for _, *rest in BAD_REQUESTS],
    ids=[name for name, *_ in BAD_REQUESTS],
)
async def test_bad_request_is_refused_cleanly(
    application: Application,
    tokens: dict[str, str],
    headers: dict[str, str],
    body: bytes,
    status: int,
    code: int | None,
) -> None:
    base, _ = request(MODERN, "tools/list", token=tokens["seattle"])
    answer = await post(application.endpoint, base | headers, body)
    assert answer.status == status
    content = orjson.loads(answer.body)
    if code is not None:
        assert content["error"]["code"] == code
    assert "Traceback" not in answer.body.decode()


async def test_twenty_digits_inside_a_string_are_no_number(
    application: Application, tokens: dict[str, str]
) -> None:
    sql = "SELECT 'a: 123456789012345678901234567890' AS v"
    status, body = await call(
        application, tokens["seattle"], "execute_sales_query", {"postgresql_query": sql}
    )
    assert status == 200
    assert body["result"]["structuredContent"]["rows"] == [["a: 123456789012345678901234567890"]]


@pytest.mark.parametrize("name", ["Authorization", "MCP-Protocol-Version", "Host", "Mcp-Method"])
async def test_header_that_decides_may_come_once(
    application: Application, tokens: dict[str, str], name: str
) -> None:
    headers, body = request(MODERN, "tools/list", token=tokens["seattle"])
    pairs = [*headers.items(), (name, headers[name.lower()])]
    answer = await post(application.endpoint, pairs, body)
    assert answer.status == 400
    assert orjson.loads(answer.body)["error"]["code"] == -32020


@pytest.mark.parametrize("header", [None, "2025-11-25"])
async def test_stateless_body_under_an_older_header_is_a_mismatch(
    application: Application, tokens: dict[str, str], header: str | None
) -> None:
    headers, body = request(MODERN, "tools/list", token=tokens["seattle"])
    del headers["mcp-protocol-version"]
    if header:
        headers["mcp-protocol-version"] = header
    answer = await post(application.endpoint, headers, body)
    assert answer.status == 400
    assert orjson.loads(answer.body)["error"]["code"] == -32020


@pytest.mark.parametrize("era", ERAS)
async def test_unknown_tool_and_method_are_protocol_errors(
    application: Application, tokens: dict[str, str], era: str
) -> None:
    _, body = await call(application, tokens["seattle"], "drop_everything", {}, era)
    assert body["error"]["code"] == -32602
    headers, sent = request(era, "no/such/method", token=tokens["seattle"])
    answer = await post(application.endpoint, headers, sent)
    assert orjson.loads(answer.body)["error"]["code"] == -32601


@pytest.mark.requirement("S08")
@pytest.mark.requirement("S10")
@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({}, "postgresql_query: required"),
        ({"postgresql_query": 7}, "postgresql_query: should be a valid string, not a number"),
        ({"postgresql_query": "SELECT 1", "max_rows": "x"}, "max_rows: should be a valid integer"),
        ({"postgresql_query": "SELECT 1", "max_rows": 0}, "max_rows: should be greater than"),
        ({"postgresql_query": "SELECT 1", "max_rows": 1001}, "max_rows: should be less than"),
        ({"postgresql_query": "SELECT 1", "colour": 5}, "colour: execute_sales_query has no such"),
        ({"postgresql_query": " "}, "postgresql_query is empty"),
    ],
)
@pytest.mark.requirement("S99")
async def test_wrong_argument_is_an_error_that_a_model_can_mend(
    application: Application, tokens: dict[str, str], era: str, arguments: Any, said: str
) -> None:
    status, body = await call(application, tokens["seattle"], "execute_sales_query", arguments, era)
    result = body["result"]
    assert status == 200
    assert result["isError"] is True
    assert "structuredContent" not in result, "clients validate it against the output schema"
    error = result["_meta"][ERROR_META]
    assert error.keys() == {"code", "message", "hint", "correlation_id", "retryable"}
    assert error["code"] == "VALIDATION_ERROR"
    assert said in error["message"]
    assert error["hint"] in result["content"][0]["text"]
    assert said in result["content"][0]["text"]
    assert "pydantic" not in str(body)


async def test_failing_statement_is_a_tool_error_without_our_sql(
    application: Application, tokens: dict[str, str]
) -> None:
    _, body = await call(
        application,
        tokens["seattle"],
        "execute_sales_query",
        {"postgresql_query": "SELECT x FROM retail.orders"},
    )
    error = body["result"]["_meta"][ERROR_META]
    assert error["code"] == "DATABASE_ERROR"
    assert error["message"] == 'Column "x" does not exist (at character 8).'
    assert "zava" not in str(body["result"]["content"])


@pytest.mark.parametrize("era", ERAS)
async def test_model_reads_that_an_unknown_principal_has_no_access(
    application: Application, home: Any, era: str
) -> None:
    from uuid import uuid4

    from zava.infrastructure.local.token_issuer import LocalIssuer
    from zava.retail.demo.principals import DEMO_TENANT_ID

    token = LocalIssuer(home).token(tenant_id=DEMO_TENANT_ID, object_id=uuid4(), name="stranger")
    status, body = await call(application, token, "execute_sales_query", TOTALS, era)
    assert (status, body["id"]) == (200, 7)
    assert body["result"]["isError"] is True
    assert body["result"]["_meta"][ERROR_META]["code"] == "AUTHORIZATION_ERROR"
    assert body["result"]["content"][0]["text"].startswith("AUTHORIZATION_ERROR: ")


async def test_unexpected_failure_of_a_tool_keeps_its_cause_to_the_log(
    application: Application,
    tokens: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def fail(*_: Any, **__: Any) -> None:
        raise LookupError("secret cause")

    monkeypatch.setattr(application.analytics.data, "run", fail)
    _, body = await call(application, tokens["seattle"], "execute_sales_query", TOTALS)
    error = body["result"]["_meta"][ERROR_META]
    assert error["code"] == "MCP_ERROR"
    assert "secret" not in str(body)
    assert error["correlation_id"] in caplog.text
    assert "LookupError at " in caplog.text
    assert "test_endpoint.py" in caplog.text
    assert "secret cause" not in caplog.text, "a cause's own words may hold a customer's"


async def test_failure_of_the_edge_is_an_answer_with_a_correlation_id(
    application: Application, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def fail() -> None:
        raise RuntimeError("secret cause")

    # No public name leads to this part: the test makes it slow, late or failing.
    monkeypatch.setattr(application.endpoint, "_readiness", fail)
    answer = await application.endpoint.handle("GET", "/health/ready", {}, b"")
    assert answer.status == 500
    assert b"secret" not in answer.body
    assert orjson.loads(answer.body)["error"]["data"]["correlation_id"] in caplog.text


@pytest.mark.requirement("S09")
@pytest.mark.parametrize("era", [LEGACY[-1], MODERN])
async def test_fifty_cold_calls_start_everything_once_and_mix_nobody_up(
    application: Application, tokens: dict[str, str], era: str
) -> None:
    names = [name for name in tokens if name not in {"eastside", "head-office"}]
    asked = [names[number % len(names)] for number in range(50)]
    sql = {"postgresql_query": "SELECT store_name FROM retail.stores"}
    params = {"name": "execute_sales_query", "arguments": sql}
    answers = await asyncio.gather(
        *(
            ask(
                application,
                tokens[name],
                era,
                "tools/call",
                params | (UNUSUAL if number % 2 else {}),
            )
            for number, name in enumerate(asked)
        )
    )
    for name, (status, body) in zip(asked, answers, strict=True):
        assert status == 200
        rows = body["result"]["structuredContent"]["rows"]
        assert rows == [[f"Zava Retail {name.capitalize()}"]]
    assert application.pool.times_opened == 1
    assert application.endpoint.sdk_bridge.times_started == 1


async def test_notification_is_accepted_without_an_answer(
    application: Application, tokens: dict[str, str]
) -> None:
    headers, _ = request(LEGACY[-1], "x", token=tokens["seattle"])
    body = b'{"jsonrpc":"2.0","method":"notifications/initialized"}'
    answer = await post(application.endpoint, headers, body)
    assert (answer.status, answer.body) == (202, b"")


async def test_server_that_cannot_start_fails_each_request_and_not_the_process(
    application: Application, tokens: dict[str, str]
) -> None:
    def fail() -> Any:
        raise RuntimeError("no server")

    # The server of the SDK is made once, at first use; the test replaces it before.
    application.endpoint.sdk_bridge._make_server = fail
    headers, body = request(MODERN, "prompts/list", token=tokens["seattle"])
    assert (await post(application.endpoint, headers, body)).status == 500
