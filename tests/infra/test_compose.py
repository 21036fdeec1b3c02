"""The container of docs/how-to/local.md is the tests' container, on loopback only, its log quiet."""

from pathlib import Path

import yaml

from zava.infrastructure.local.embedded.server_log import LOG_SETTINGS

ROOT = Path(__file__).parents[2]


def test_container_is_the_one_that_the_tests_take() -> None:
    service = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]["postgresql"]
    assert (
        f'"{service["image"]}"'
        in (ROOT / "tests" / "support" / "servers" / "database.py").read_text()
    )
    assert all(port.startswith("127.0.0.1:") for port in service["ports"])
    (volume,) = service["volumes"]
    assert volume.endswith(":/var/lib/postgresql"), "where the images of version 18 keep their data"
    assert ":?" in service["environment"]["POSTGRES_PASSWORD"], "nobody's default"
    assert service["command"] == [
        "postgres",
        *(f"-c{name}={value}" for name, value in LOG_SETTINGS.items()),
    ]
