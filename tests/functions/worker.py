"""Drives function_app.py through the worker library that Azure Functions itself runs.

The library speaks protobuf messages with its host; small stand-ins carry the same fields.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

from tests.functions.host_requests import pattern_of
from zava.protocol.http_responses import HttpResponse

ROOT = Path(__file__).parents[2]


class Message:
    """A protobuf message as the library uses one: fields, and which of a oneof is set."""

    oneof: tuple[str, ...] = ()

    def __init__(self, **fields: Any) -> None:
        self.__dict__.update(fields)

    def WhichOneof(self, _group: str) -> str | None:  # noqa: N802  # protobuf's name
        return next((name for name in self.oneof if name in self.__dict__), None)


class TypedData(Message):
    oneof = ("http", "string", "bytes", "json", "int", "double")


class ParameterBinding(Message):
    oneof = ("data",)


class StatusResult(Message):
    Failure, Success = 0, 1


class BindingInfo(Message):
    # As in the library's protocol: in = 0, out = 1, inout = 2; data_type undefined = 0.
    out, inout, undefined = 1, 2, 0


class RpcHttpCookie(Message):
    """A cookie of an answer, which the library takes out of the headers."""

    # As in the library's protocol.
    name: str
    value: str
    path: Any
    secure: Any
    http_only: Any
    max_age: Any
    same_site: int
    SameSite = SimpleNamespace(**{"None": 0, "Lax": 1, "Strict": 2, "ExplicitNone": 3})

    def line(self) -> str:
        """Return the header line that the host writes for it."""
        flags = {"secure": self.secure.value, "httponly": self.http_only.value}
        return "; ".join(
            [
                f"{self.name}={self.value}",
                f"max-age={int(self.max_age.value)}",
                f"path={self.path.value}",
                *(name for name, is_set in flags.items() if is_set),
                f"samesite={['', 'lax', 'strict', 'none'][self.same_site]}",
            ]
        )


PROTOS = SimpleNamespace(
    TypedData=TypedData,
    ParameterBinding=ParameterBinding,
    StatusResult=StatusResult,
    BindingInfo=BindingInfo,
    RpcHttpCookie=RpcHttpCookie,
    **{
        name: type(name, (Message,), {})
        for name in (
            "RpcHttp",
            "RpcException",
            "RpcFunctionMetadata",
            "WorkerInitResponse",
            "WorkerMetadata",
            "FunctionMetadataResponse",
            "InvocationResponse",
            "NullableString",
            "NullableBool",
            "NullableDouble",
            "NullableTimestamp",
        )
    },
)


class Worker:
    """One worker process's worth of the library, over this repository's function app."""

    def __init__(self) -> None:
        self.functions: dict[str, Any] = {}

    async def start(self, directory: Path = ROOT) -> None:
        """Index the app as a cold instance does; raise what indexing raised."""
        from azure_functions_runtime import handle_event

        request = SimpleNamespace(
            request=SimpleNamespace(
                worker_init_request=SimpleNamespace(
                    capabilities={}, function_app_directory=str(directory)
                )
            ),
            properties={"host": "127.0.0.1", "protos": PROTOS},
        )
        started = await handle_event.worker_init_request(request)
        if started.result.status != StatusResult.Success:
            raise RuntimeError(started.result.exception.message)
        listed = await handle_event.functions_metadata_request(request)
        self.functions = {function.name: function for function in listed.function_metadata_results}

    def trigger(self, name: str) -> dict[str, Any]:
        """Return a function's HTTP trigger as the host reads it."""
        bindings = [json.loads(text) for text in self.functions[name].raw_bindings]
        trigger: dict[str, Any] = next(b for b in bindings if b["type"] == "httpTrigger")
        return trigger

    async def invoke(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
        *,
        url: str | None = None,
    ) -> HttpResponse:
        """Send one HTTP request to the function whose route it is, with any URL that a host gave."""
        routes = {name: pattern_of(self.trigger(name)["route"]) for name in self.functions}
        name = next(name for name, pattern in routes.items() if pattern.fullmatch(path))
        return await self.call(
            name,
            method,
            f"http://localhost{path}" if url is None else url,
            {"host": "localhost", **(headers or {})},
            body,
        )

    async def call(
        self, name: str, method: str, url: str, headers: Mapping[str, str], body: bytes
    ) -> HttpResponse:
        """Invoke a function.

        Raises:
            RuntimeError: the function raised; with its words and its stack, as the host gets them.
        """
        from azure_functions_runtime import handle_event

        http = PROTOS.RpcHttp(
            method=method,
            url=url,
            headers=dict(headers),
            body=TypedData(bytes=body),
            params={},
            query={},
        )
        invocation = SimpleNamespace(
            invocation_id=uuid4().hex,
            function_id=self.functions[name].function_id,
            input_data=[ParameterBinding(name="req", data=TypedData(http=http))],
            trigger_metadata={},
            trace_context=SimpleNamespace(trace_parent="", trace_state="", attributes={}),
            retry_context=SimpleNamespace(retry_count=0, max_retry_count=0, exception=None),
        )
        request = SimpleNamespace(request=SimpleNamespace(invocation_request=invocation))
        response = await handle_event.invocation_request(request)
        if response.result.status != StatusResult.Success:
            failure = response.result.exception
            raise RuntimeError(f"{failure.message} {failure.stack_trace}")
        returned = response.return_value.http
        headers = {key.lower(): value for key, value in returned.headers.items()}
        for cookie in returned.cookies or ():
            headers["set-cookie"] = cookie.line()
        return HttpResponse(int(returned.status_code), headers, returned.body.bytes)
