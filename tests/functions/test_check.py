"""`zava check` against function_app.py under the played host."""

from tests.functions.hosting import functions_host
from tests.support.servers.database import Database
from zava.cli.check.deployment_check import examine
from zava.infrastructure.local.state_dir import StateDirectory
from zava.protocol.mcp.jsonrpc import MAX_BODY_BYTES


def test_function_app_passes_under_the_played_host(
    database: Database, home: StateDirectory, context_keys: list[str], tokens: dict[str, str]
) -> None:
    with functions_host(
        database=database,
        home=home,
        context_keys=context_keys,
        FUNCTIONS_REQUEST_BODY_SIZE_LIMIT=str(MAX_BODY_BYTES + 1),
    ) as hosted:
        report = examine(hosted.mcp_url, tokens["seattle"])
    assert not report.problems
    rows = {row.what: str(row.state) for row in report.rows}
    assert rows["tool call"] == rows["wrong Host"] == rows["body over 1 MiB"] == "ok"
    assert rows["chunked body"] == "learned"
