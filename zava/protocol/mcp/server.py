"""The MCP server of the SDK over the domain's features.

The domain's features (`ServerFeatures`), completions and the introduction are values that do not
depend on the SDK. The fast path serves the same values without the SDK.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from mcp.server.caching import CacheHint
from mcp.server.context import CallNext, HandlerResult
from mcp.server.lowlevel.server import Server
from mcp_types import (
    CallToolRequestParams,
    CallToolResult,
    CompleteRequestParams,
    CompleteResult,
    Completion,
    DiscoverResult,
    GetPromptRequestParams,
    GetPromptResult,
    ListPromptsResult,
    ListResourcesResult,
    ListResourceTemplatesResult,
    ListToolsResult,
    PaginatedRequestParams,
    PromptMessage,
    PromptReference,
    ReadResourceRequestParams,
    ReadResourceResult,
    RequestParams,
    TextContent,
    TextResourceContents,
)

from zava import call_context
from zava.errors import InvalidInput
from zava.model.audiences import Permission
from zava.protocol.auth import permissions
from zava.protocol.mcp import jsonrpc_errors
from zava.protocol.mcp.completion import (
    COMPLETIONS,
    MAX_VALUES,
    RECORDED_AS,
    OfferedValues,
    complete,
)
from zava.protocol.mcp.features import ServerFeatures
from zava.protocol.mcp.sdk_types import (
    described_prompt,
    described_resource,
    described_template,
    described_tool,
)
from zava.protocol.mcp.server_info import FRESHNESS
from zava.protocol.request_context import RequestContext
from zava.protocol.resources.resource import Resource, find_resource
from zava.protocol.tools.recording import NoTrail, Recording, Trail
from zava.protocol.tools.runner import ToolCalls
from zava.protocol.versions import HANDSHAKE, SERVED
from zava.service.analytics import Analytics
from zava.telemetry.events import operation


def build_server(
    analytics: Analytics,
    features: ServerFeatures,
    *,
    version: str,
    trail: Trail | None = None,
    website: str | None = None,
) -> Server[Any]:
    """Return the server over the given use cases; what reads data is noted on the trail."""
    domain, tools = features.domain, features.tools
    hints: Any = {  # the SDK checks the methods' names
        method: CacheHint(ttl_ms=freshness.seconds * 1000, scope=freshness.scope)
        for method, freshness in FRESHNESS.items()
    }
    offer = _Offer(analytics, features, trail or NoTrail())
    server: Server[Any] = Server(
        domain.name,
        version=version,
        title=domain.name,
        description=domain.description,
        website_url=website,
        instructions=domain.instructions,
        cache_hints=hints,
        get_tool_input_schema=lambda name: tools[name].input_schema if name in tools else None,
        on_list_tools=offer.list_tools,
        on_call_tool=offer.call_tool,
        on_list_resources=offer.list_resources,
        on_list_resource_templates=offer.list_templates,
        on_read_resource=offer.read_resource,
        on_list_prompts=offer.list_prompts,
        on_get_prompt=offer.get_prompt,
        on_completion=offer.complete,
    )

    async def discover(context: Any, _params: RequestParams) -> DiscoverResult:
        return DiscoverResult(
            supported_versions=list(SERVED),
            capabilities=server.get_capabilities(protocol_version=context.protocol_version),
            instructions=domain.instructions,
        )

    server.add_request_handler("server/discover", RequestParams, discover)
    server.middleware.append(_strict)
    return server


async def _strict(ctx: Any, call_next: CallNext) -> HandlerResult:
    """Agree on served versions only, carry the trace, let no error pass but the protocol's own."""
    if ctx.method == "initialize" and isinstance(ctx.params, Mapping):
        version = ctx.params.get("protocolVersion")
        if isinstance(version, str) and version not in HANDSHAKE:
            params = {**ctx.params, "protocolVersion": HANDSHAKE[0]}
            ctx = replace(ctx, params=params)
    if ctx.request is None:  # a client in the same process, for the documentation
        return await call_next(ctx)
    request_context = RequestContext.of(ctx.request)
    with call_context.use(request_context.trace):
        try:
            return await call_next(ctx)
        except Exception as error:  # noqa: BLE001  # the SDK would tell some causes to the caller
            raise jsonrpc_errors.rpc_error(error, on_denied=request_context.deny) from None


class _Offer:
    """The SDK's handlers over what is offered."""

    def __init__(self, analytics: Analytics, features: ServerFeatures, trail: Trail) -> None:
        self._analytics = analytics
        self._domain = features.domain
        self._tools = features.tools
        self._resources = features.resources
        self._prompts = features.prompts
        self._trail = trail
        self._calls = ToolCalls(analytics, trail)

    async def list_tools(
        self, context: Any, params: PaginatedRequestParams | None
    ) -> ListToolsResult:
        _refuse_cursor(params)
        listed = permissions.allowed(self._tools.values(), self._permissions(context))
        return ListToolsResult(tools=[described_tool(tool) for tool in listed])

    async def call_tool(self, context: Any, params: CallToolRequestParams) -> CallToolResult:
        tool = self._tools.get(params.name)
        if tool is None:
            raise jsonrpc_errors.unknown("tool", params.name)
        answer = await self._calls.call(tool, params.arguments, RequestContext.of(context.request))
        return CallToolResult.model_validate(answer.to_dict())

    async def list_resources(
        self, context: Any, params: PaginatedRequestParams | None
    ) -> ListResourcesResult:
        _refuse_cursor(params)
        allowed = permissions.allowed(self._resources.values(), self._permissions(context))
        listed = [described_resource(one) for one in allowed if not one.is_template]
        return ListResourcesResult(resources=listed)

    async def list_templates(
        self, context: Any, params: PaginatedRequestParams | None
    ) -> ListResourceTemplatesResult:
        _refuse_cursor(params)
        allowed = permissions.allowed(self._resources.values(), self._permissions(context))
        listed = [described_template(one) for one in allowed if one.is_template]
        return ListResourceTemplatesResult(resource_templates=listed)

    async def read_resource(
        self, context: Any, params: ReadResourceRequestParams
    ) -> ReadResourceResult:
        found = find_resource(params.uri, self._resources)
        if found is None:
            raise jsonrpc_errors.unknown_resource(params.uri)
        resource, values = found
        request_context = RequestContext.of(context.request)
        try:
            async with (
                Recording(self._trail, request_context, resource.uri) as caller,
                operation("read_resource"),
            ):
                permissions.require(resource, caller)
                text = await resource.read(self._analytics, caller, values)
        except InvalidInput:  # a table that is not the caller's
            raise jsonrpc_errors.unknown_resource(params.uri) from None
        content = TextResourceContents(uri=params.uri, mime_type=resource.mime_type, text=text)
        result = ReadResourceResult(contents=[content])
        if resource.is_live:
            result.ttl_ms = 0
        return result

    async def list_prompts(
        self, _context: Any, params: PaginatedRequestParams | None
    ) -> ListPromptsResult:
        _refuse_cursor(params)
        return ListPromptsResult(prompts=[described_prompt(one) for one in self._prompts.values()])

    async def get_prompt(self, _context: Any, params: GetPromptRequestParams) -> GetPromptResult:
        prompt = self._prompts.get(params.name)
        if prompt is None:
            raise jsonrpc_errors.unknown("prompt", params.name)
        text = TextContent(type="text", text=prompt.fill(params.arguments))
        return GetPromptResult(
            description=prompt.description,
            messages=[PromptMessage(role="user", content=text)],
        )

    async def complete(self, context: Any, params: CompleteRequestParams) -> CompleteResult:
        argument = params.argument.name
        resource = self._completed_resource(params.ref)
        if argument not in self._places(params.ref, resource):
            raise jsonrpc_errors.unknown("argument", argument)
        values: Sequence[str] = ()
        completion = COMPLETIONS.get(argument)
        if completion is not None:
            values = await self._completed(context, resource, completion, params.argument.value)
        return CompleteResult(
            completion=Completion(
                values=list(values[:MAX_VALUES]),
                total=len(values),
                has_more=len(values) > MAX_VALUES,
            )
        )

    async def _completed(
        self, context: Any, resource: Resource | None, offered: OfferedValues, beginning: str
    ) -> Sequence[str]:
        request_context = RequestContext.of(context.request)
        async with (
            Recording(self._trail, request_context, RECORDED_AS) as caller,
            operation("complete"),
        ):
            if resource is not None:
                permissions.require(resource, caller)
            permissions.require(offered, caller)
            return await complete(self._analytics, caller, offered, beginning)

    def _completed_resource(self, ref: Any) -> Resource | None:
        """Return the template that a reference names, None where it names a prompt.

        Raises:
            MCPError: there is no such template.
        """
        if isinstance(ref, PromptReference):
            return None
        resource = self._resources.get(ref.uri)
        if resource is None:
            raise jsonrpc_errors.unknown_resource(ref.uri)
        return resource

    def _places(self, ref: Any, resource: Resource | None) -> set[str]:
        """Return the names that a reference's prompt or template has to fill.

        Raises:
            MCPError: there is no such prompt.
        """
        if resource is not None:
            return set(resource.places)
        prompt = self._prompts.get(ref.name)
        if prompt is None:
            raise jsonrpc_errors.unknown("prompt", ref.name)
        return {argument.name for argument in prompt.arguments}

    def _permissions(self, context: Any) -> frozenset[Permission]:
        """Return what the caller's token allows; without an HTTP exchange, to write docs, all."""
        if context.request is None:
            return frozenset(self._domain.permissions.all)
        return RequestContext.of(context.request).caller.permissions


def _refuse_cursor(params: PaginatedRequestParams | None) -> None:
    """Every list is one page: no cursor that a client holds can be one of ours."""
    if params is not None and params.cursor is not None:
        raise jsonrpc_errors.unknown("cursor", params.cursor)
