"""What azd gives to a hook: its own variables, the outputs of main.bicep, and what was set."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

from tests.infra.evaluation import SUBSCRIPTION, Scope
from tests.infra.infrastructure import Infrastructure
from tests.support.servers.listening import listening

ROOT = Path(__file__).parents[2]
OF_AZD = {
    "AZURE_ENV_NAME": "sample",
    "AZURE_LOCATION": "westeurope",
    "AZURE_SUBSCRIPTION_ID": SUBSCRIPTION,
}
DEPLOYER = "44444444-2222-4333-8444-555555555555"
SERVER = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-sample/providers/Microsoft.DBforPostgreSQL/flexibleServers/psql-sample"


def main_scope(**parameters: Any) -> Scope:
    """Return main.bicep with these parameters, and modules whose outputs are named like them."""
    main = Infrastructure(ROOT).main
    files = Infrastructure(ROOT).files
    modules = {
        module.name: {
            "outputs": {
                output.name: f"{module.name}-{output.name}"
                for output in files[module.type].of("output").values()
            }
        }
        for module in main.of("module").values()
    }
    modules["database"]["outputs"]["id"] = SERVER
    given = {
        "environmentName": "sample",
        "location": "westeurope",
        "deployerObjectId": DEPLOYER,
        "group": {"name": "rg-sample"},
    }
    return Scope(main, modules | given | parameters)


def made(module: str, resource: str, at_run_time: Mapping[str, Any], **parameters: Any) -> Any:
    """Return a resource of a module, as main.bicep makes it with these parameters.

    `at_run_time` gives what the module's own resources return.
    """
    infrastructure = Infrastructure(ROOT)
    names = json.loads((ROOT / "infra" / "abbreviations.json").read_text(encoding="utf-8"))
    main = main_scope(**({"abbreviations": names} | parameters))
    declared = infrastructure.main.of("module")[module]
    given = {name: main.value(value) for name, value in declared.value.get("params").items}
    file = infrastructure.files[declared.type]
    return Scope(file, given | dict(at_run_time)).value(file.of("resource")[resource].value)


def outputs(**parameters: Any) -> dict[str, str]:
    """Return the outputs of a deployment, as azd keeps them."""
    main = Infrastructure(ROOT).main
    scope = main_scope(**parameters)
    return {output.name: scope.value(output.value) for output in main.of("output").values()}


@contextmanager
def website(*answers: tuple[int, str]) -> Iterator[tuple[str, list[str]]]:
    """Serve these answers one after the other, the last one for ever; yield address and requests."""
    seen: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body = answers[min(len(seen), len(answers) - 1)]
            seen.append(f"{self.path} {self.headers.get('Authorization', '')}".strip())
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_: Any) -> None:
            pass

    with listening(Handler) as address:
        yield address, seen
