"""The tools, resources and prompts that the conformance suite calls, over the product's server.

They are what the suite describes and nothing that the product offers. Each handler asks the
product's own first and answers for the suite's names only.
"""

import hmac
import warnings
from collections.abc import Awaitable, Callable, Mapping
from hashlib import sha256
from typing import Any

import mcp_types as types
from mcp.server.lowlevel.server import Server
from mcp.shared.exceptions import MCPError

PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg=="
WAV = "UklGRiQAAABXQVZFZm10IBAAAAABAAEAQB8AAEAfAAABAAgAZGF0YQAAAAA="
_SECRET = b"the conformance suite's states"

Answer = types.CallToolResult | types.InputRequiredResult
Call = Callable[[Any, types.CallToolRequestParams], Awaitable[Answer]]


def text(said: str) -> types.TextContent:
    return types.TextContent(type="text", text=said)


def result(*content: Any, is_error: bool = False) -> types.CallToolResult:
    return types.CallToolResult(content=list(content), is_error=is_error)


def embedded(uri: str, mime_type: str, said: str) -> types.EmbeddedResource:
    contents = types.TextResourceContents(uri=uri, mime_type=mime_type, text=said)
    return types.EmbeddedResource(type="resource", resource=contents)


def image() -> types.ImageContent:
    return types.ImageContent(type="image", data=PNG, mime_type="image/png")


def fixed(*content: Any, is_error: bool = False) -> Call:
    async def call(_context: Any, _params: types.CallToolRequestParams) -> Answer:
        return result(*content, is_error=is_error)

    return call


async def log(context: Any, said: str) -> None:
    with warnings.catch_warnings():  # deprecated by the newest revision, and asked for by the suite
        warnings.simplefilter("ignore")
        await context.session.send_log_message("info", said, related_request_id=context.request_id)


async def logging(context: Any, _params: types.CallToolRequestParams) -> Answer:
    for said in ("Tool execution started", "Tool processing data", "Tool execution completed"):
        await log(context, said)
    return result(text("Told three times."))


async def silent_logging(context: Any, _params: types.CallToolRequestParams) -> Answer:
    await log(context, "Only for who asked")
    return result(text("Told to who asked."))


async def progress(context: Any, _params: types.CallToolRequestParams) -> Answer:
    for done in (0, 50, 100):
        await context.session.report_progress(done, 100)
    return result(text("Done."))


async def sampling(context: Any, params: types.CallToolRequestParams) -> Answer:
    said = types.TextContent(type="text", text=str((params.arguments or {}).get("prompt")))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        answer = await context.session.create_message(
            [types.SamplingMessage(role="user", content=said)], max_tokens=100
        )
    return result(text(f"LLM response: {answer.content}"))


async def elicitation(context: Any, params: types.CallToolRequestParams) -> Answer:
    message = str((params.arguments or {}).get("message", "Please answer"))
    answer = await context.session.elicit_form(message, {"type": "object", "properties": {}})
    return result(text(f"User response: {answer.action}"))


async def needs_sampling(context: Any, _params: types.CallToolRequestParams) -> Answer:
    if not context.session.check_client_capability(
        types.ClientCapabilities(sampling=types.SamplingCapability())
    ):
        raise MCPError(
            types.MISSING_REQUIRED_CLIENT_CAPABILITY,
            "This tool needs sampling",
            data={"requiredCapabilities": {"sampling": {}}},
        )
    return result(text("The client can sample."))


def elicit(message: str, field: str, kind: str = "string") -> dict[str, Any]:
    schema = {"type": "object", "properties": {field: {"type": kind}}, "required": [field]}
    return {
        "method": "elicitation/create",
        "params": {"message": message, "requestedSchema": schema},
    }


def sample(said: str, max_tokens: int) -> dict[str, Any]:
    message = {"role": "user", "content": {"type": "text", "text": said}}
    return {
        "method": "sampling/createMessage",
        "params": {"messages": [message], "maxTokens": max_tokens},
    }


ROOTS: dict[str, Any] = {"method": "roots/list", "params": {}}


def signed(state: str) -> str:
    return f"{state}.{hmac.new(_SECRET, state.encode(), sha256).hexdigest()}"


def ask(requests: Mapping[str, Any], state: str | None = None) -> types.InputRequiredResult:
    return types.InputRequiredResult.model_validate(
        {"inputRequests": requests} | ({"requestState": signed(state)} if state else {})
    )


def checked_state(params: types.InputResponseRequestParams) -> str | None:
    """Return the state that this server has signed; refuse any other."""
    if params.request_state is None:
        return None
    state = params.request_state.rpartition(".")[0]
    if not hmac.compare_digest(signed(state), params.request_state):
        raise MCPError(types.INVALID_PARAMS, "requestState is not one of this server's")
    return state


def rounds(*asked: Mapping[str, Any], said: str, has_state: bool = False) -> Call:
    """Return a tool that asks round after round and then says its word."""

    async def call(_context: Any, params: types.CallToolRequestParams) -> Answer:
        state = checked_state(params)
        number = int(state or 0)
        given = params.input_responses or {}
        if number < len(asked) and given and not asked[number].keys() - given.keys():
            number += 1
        if number < len(asked):
            return ask(asked[number], str(number) if has_state else None)
        return result(text(said))

    return call


async def capabilities(context: Any, params: types.CallToolRequestParams) -> Answer:
    can = context.session.client_capabilities
    if params.input_responses:
        return result(text("Thank you."))
    asked = {}
    if can is not None and can.sampling is not None:
        asked["sample"] = sample("Say hello", 50)
    if can is not None and can.elicitation is not None:
        asked["ask"] = elicit("What is your name?", "name")
    return ask(asked) if asked else result(text("Nothing to ask with."))


NAME = {"user_name": elicit("What is your name?", "name")}
CONFIRM = {"confirm": elicit("Please confirm", "ok", "boolean")}

TOOLS: dict[str, Call] = {
    "json_schema_2020_12_tool": fixed(text("Any schema will do.")),
    "test_x_mcp_header": fixed(text("The header agreed.")),
    "test_simple_text": fixed(text("This is a simple text response for testing.")),
    "test_image_content": fixed(image()),
    "test_audio_content": fixed(types.AudioContent(type="audio", data=WAV, mime_type="audio/wav")),
    "test_embedded_resource": fixed(
        embedded("test://embedded-resource", "text/plain", "This is an embedded resource content.")
    ),
    "test_multiple_content_types": fixed(
        text("Multiple content types test:"),
        image(),
        embedded(
            "test://mixed-content-resource", "application/json", '{"test":"data","value":123}'
        ),
    ),
    "test_error_handling": fixed(
        text("This tool intentionally returns an error for testing"), is_error=True
    ),
    "test_tool_with_logging": logging,
    "test_logging_tool": silent_logging,
    "test_tool_with_progress": progress,
    "test_sampling": sampling,
    "test_elicitation": elicitation,
    "test_elicitation_sep1034_defaults": elicitation,
    "test_elicitation_sep1330_enums": elicitation,
    "test_missing_capability": needs_sampling,
    "test_streaming_elicitation": rounds(NAME, said="Thank you."),
    "test_input_required_result_elicitation": rounds(NAME, said="Hello!"),
    "test_input_required_result_sampling": rounds(
        {"capital_question": sample("What is the capital of France?", 100)}, said="So it is."
    ),
    "test_input_required_result_list_roots": rounds({"client_roots": ROOTS}, said="Roots seen."),
    "test_input_required_result_request_state": rounds(CONFIRM, said="state-ok", has_state=True),
    "test_input_required_result_tampered_state": rounds(CONFIRM, said="state-ok", has_state=True),
    "test_input_required_result_multiple_inputs": rounds(
        {**NAME, "greeting": sample("Generate a greeting", 50), "client_roots": ROOTS},
        said="All three came.",
        has_state=True,
    ),
    "test_input_required_result_multi_round": rounds(
        {"step1": elicit("Step 1: What is your name?", "name")},
        {"step2": elicit("Step 2: What is your favorite color?", "color")},
        said="Both steps came.",
        has_state=True,
    ),
    "test_input_required_result_capabilities": capabilities,
}

BINARY = "test://static-binary"
TEXTS = {
    "test://static-text": "This is the content of the static text resource.",
    "test://watched-resource": "Watched.",
}


def listed_resource(uri: str, mime_type: str) -> types.Resource:
    name = uri.removeprefix("test://")
    return types.Resource(
        uri=uri, name=name, description=f"{name} of the suite", mime_type=mime_type
    )


def argument(name: str) -> types.PromptArgument:
    return types.PromptArgument(name=name, description=f"{name} of the suite", required=True)


PROMPTS: dict[str, list[types.PromptArgument]] = {
    "test_simple_prompt": [],
    "test_prompt_with_arguments": [argument("arg1"), argument("arg2")],
    "test_prompt_with_embedded_resource": [argument("resourceUri")],
    "test_prompt_with_image": [],
    "test_input_required_result_prompt": [],
}


SCHEMAS: dict[str, dict[str, Any]] = {
    "json_schema_2020_12_tool": {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "$defs": {
            "address": {
                "$anchor": "addressDef",
                "type": "object",
                "properties": {"street": {"type": "string"}, "city": {"type": "string"}},
            }
        },
        "properties": {
            "name": {"type": "string"},
            "address": {"$ref": "#/$defs/address"},
            "contactMethod": {"type": "string", "enum": ["phone", "email"]},
            "phone": {"type": "string"},
            "email": {"type": "string"},
        },
        "allOf": [{"anyOf": [{"required": ["phone"]}, {"required": ["email"]}]}],
        "if": {"properties": {"contactMethod": {"const": "phone"}}, "required": ["contactMethod"]},
        "then": {"required": ["phone"]},
        "else": {"required": ["email"]},
        "additionalProperties": False,
    },
    "test_x_mcp_header": {
        "type": "object",
        "properties": {"region": {"type": "string", "x-mcp-header": "Region"}},
    },
}


Own = Callable[[], Awaitable[Any]]
"""Asks the product's own handler."""


async def list_tools(_context: Any, _params: Any, own: Own) -> Any:
    added = [
        types.Tool(
            name=name,
            description=f"{name} of the suite",
            input_schema=SCHEMAS.get(name, {"type": "object"}),
        )
        for name in TOOLS
    ]
    return types.ListToolsResult(tools=[*(await own()).tools, *added])


async def call_tool(context: Any, params: types.CallToolRequestParams, own: Own) -> Any:
    call = TOOLS.get(params.name)
    return await (call(context, params) if call else own())


async def list_resources(_context: Any, _params: Any, own: Own) -> Any:
    added = [listed_resource(uri, "text/plain") for uri in TEXTS]
    added.append(listed_resource(BINARY, "image/png"))
    return types.ListResourcesResult(resources=[*(await own()).resources, *added])


async def list_templates(_context: Any, _params: Any, own: Own) -> Any:
    added = types.ResourceTemplate(
        uri_template="test://template/{id}/data", name="template", mime_type="application/json"
    )
    own_templates = (await own()).resource_templates
    return types.ListResourceTemplatesResult(resource_templates=[*own_templates, added])


async def read_resource(_context: Any, params: types.ReadResourceRequestParams, own: Own) -> Any:
    uri = str(params.uri)
    contents: types.TextResourceContents | types.BlobResourceContents
    if uri in TEXTS:
        contents = types.TextResourceContents(uri=uri, mime_type="text/plain", text=TEXTS[uri])
    elif uri == BINARY:
        contents = types.BlobResourceContents(uri=uri, mime_type="image/png", blob=PNG)
    elif uri.startswith("test://template/"):
        number = uri.removeprefix("test://template/").removesuffix("/data")
        said = f'{{"id":"{number}","templateTest":true,"data":"Data for ID: {number}"}}'
        contents = types.TextResourceContents(uri=uri, mime_type="application/json", text=said)
    else:
        return await own()
    return types.ReadResourceResult(contents=[contents])


async def list_prompts(_context: Any, _params: Any, own: Own) -> Any:
    added = [
        types.Prompt(name=name, description=f"{name} of the suite", arguments=arguments)
        for name, arguments in PROMPTS.items()
    ]
    return types.ListPromptsResult(prompts=[*(await own()).prompts, *added])


async def get_prompt(_context: Any, params: types.GetPromptRequestParams, own: Own) -> Any:
    given = params.arguments or {}
    said: list[Any]
    if params.name == "test_simple_prompt":
        said = [text("This is a simple prompt for testing.")]
    elif params.name == "test_prompt_with_arguments":
        said = [text(f"Prompt with arguments: arg1='{given['arg1']}', arg2='{given['arg2']}'")]
    elif params.name == "test_prompt_with_embedded_resource":
        uri = given["resourceUri"]
        said = [
            embedded(uri, "text/plain", "Embedded resource content for testing."),
            text("Please process the embedded resource above."),
        ]
    elif params.name == "test_prompt_with_image":
        said = [image(), text("Please analyze the image above.")]
    elif params.name == "test_input_required_result_prompt":
        if not params.input_responses:
            return ask({"user_context": elicit("What context should the prompt use?", "context")})
        said = [text("In that context.")]
    else:
        return await own()
    return types.GetPromptResult(
        messages=[types.PromptMessage(role="user", content=one) for one in said]
    )


async def complete(_context: Any, params: types.CompleteRequestParams, own: Own) -> Any:
    if isinstance(params.ref, types.PromptReference) and params.ref.name in PROMPTS:
        values = [city for city in ("paris", "park", "party") if params.argument.value in city]
        return types.CompleteResult(completion=types.Completion(values=values))
    return await own()


async def accept(*_: Any) -> Any:
    return types.EmptyResult()


HANDLERS: tuple[tuple[str, type[Any], Callable[[Any, Any, Own], Awaitable[Any]]], ...] = (
    ("tools/list", types.PaginatedRequestParams, list_tools),
    ("tools/call", types.CallToolRequestParams, call_tool),
    ("resources/list", types.PaginatedRequestParams, list_resources),
    ("resources/templates/list", types.PaginatedRequestParams, list_templates),
    ("resources/read", types.ReadResourceRequestParams, read_resource),
    ("prompts/list", types.PaginatedRequestParams, list_prompts),
    ("prompts/get", types.GetPromptRequestParams, get_prompt),
    ("completion/complete", types.CompleteRequestParams, complete),
    ("resources/subscribe", types.SubscribeRequestParams, accept),
    ("resources/unsubscribe", types.UnsubscribeRequestParams, accept),
    ("logging/setLevel", types.SetLevelRequestParams, accept),
)


def with_fixtures(server: Server[Any]) -> Server[Any]:
    """Add what the suite calls to the product's server."""
    for method, params, handle in HANDLERS:
        server.add_request_handler(method, params, over(server, method, handle))
    own_schema = server.get_tool_input_schema
    assert own_schema is not None
    server.get_tool_input_schema = lambda name: SCHEMAS.get(name) or own_schema(name)
    return server


def over(
    server: Server[Any], method: str, handle: Callable[[Any, Any, Own], Awaitable[Any]]
) -> Callable[[Any, Any], Awaitable[Any]]:
    entry = server.get_request_handler(method)

    async def handler(context: Any, params: Any) -> Any:
        async def own() -> Any:
            assert entry is not None
            return await entry.handler(context, params)

        return await handle(context, params, own)

    return handler
