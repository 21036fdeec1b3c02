"""HTTP triggers: each hands its request to the endpoint. Nothing else."""

import azure.functions as func

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)  # identity is checked by us


async def _handle(request: func.HttpRequest) -> func.HttpResponse:
    # At the first request: importing this module must stay as cheap as indexing it.
    from zava.loading import loaded_app

    # Cut, not parsed: a Host header that makes no URL is the endpoint's to refuse.
    path = "/" + request.url.partition("://")[2].partition("?")[0].partition("/")[2]
    answer = await loaded_app().answer_request(
        request.method, path, dict(request.headers), request.get_body()
    )
    return func.HttpResponse(answer.body, status_code=answer.status, headers=answer.headers)


@app.route("mcp", methods=["GET", "POST", "DELETE"])
async def mcp(req: func.HttpRequest) -> func.HttpResponse:
    """Serve the MCP endpoint."""
    return await _handle(req)


@app.route(".well-known/oauth-protected-resource", methods=["GET"])
async def metadata(req: func.HttpRequest) -> func.HttpResponse:
    """Serve the protected resource's metadata."""
    return await _handle(req)


@app.route(".well-known/oauth-protected-resource/mcp", methods=["GET"])
async def metadata_of_mcp(req: func.HttpRequest) -> func.HttpResponse:
    """Serve the same under the path that clients derive from the URL."""
    return await _handle(req)


@app.route("health/live", methods=["GET"])
async def health_live(req: func.HttpRequest) -> func.HttpResponse:
    """Answer while the process does."""
    return await _handle(req)


@app.route("health/ready", methods=["GET"])
async def health_ready(req: func.HttpRequest) -> func.HttpResponse:
    """Say whether the parts behind it work."""
    return await _handle(req)
