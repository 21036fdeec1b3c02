"""`zava check` beside a server that `make run` started, as a user types it."""

import json
import socket
import subprocess

import pytest

from tests.local.test_commands import refused
from tests.support.products.laptop import Laptop


def check(laptop: Laptop, *options: str, token: str = "") -> subprocess.CompletedProcess[str]:
    return laptop.zava("check", f"{laptop.base_url}/mcp", *options, ZAVA_TOKEN=token)


def test_laptop_passes_with_a_token_from_the_environment(
    laptop: Laptop, laptop_tokens: dict[str, str]
) -> None:
    ended = check(laptop, "--json", token=laptop_tokens["seattle"])
    report = json.loads(ended.stdout)
    assert (ended.returncode, ended.stderr, report["ok"]) == (0, "", True)
    rows = {row["what"]: (row["state"], row["seen"]) for row in report["rows"]}
    assert rows["chunked body"] == ("learned", "200, the body arrived")
    assert rows["tool call"] == ("ok", "the tool answered")
    assert rows["body over 1 MiB"] == ("ok", "413 The body exceeds 1,048,576 bytes.")
    assert rows["wrong Host"][1].startswith("421 ")
    assert {state for state, _ in rows.values()} <= {"ok", "learned", "skipped"}
    assert report["requests"] <= 60
    assert laptop_tokens["seattle"] not in ended.stdout


def test_table_has_every_row_of_the_json(laptop: Laptop) -> None:
    as_json = check(laptop, "--json")
    as_table = check(laptop)
    assert (as_json.returncode, as_table.returncode) == (0, 0)
    assert "what to do" in as_table.stdout
    for row in json.loads(as_json.stdout)["rows"]:
        assert row["what"] in as_table.stdout
    assert "requests in" in as_table.stdout.splitlines()[-1]


def test_token_that_is_refused_fails_with_the_rows_named(laptop: Laptop) -> None:
    ended = check(laptop, "--token", "head.body.signature")
    assert refused(ended, "checks failed", "tool call", "era 2026-07-28"), ended
    assert "docs/how-to/deploy.md" in ended.stdout
    assert "head.body.signature" not in ended.stdout + ended.stderr


@pytest.mark.parametrize("options", [(), ("--json",)])
def test_what_does_not_listen_is_one_sentence(laptop: Laptop, options: tuple[str, ...]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    ended = laptop.zava("check", f"http://127.0.0.1:{port}/mcp", *options)
    assert refused(ended, "the connection was refused"), ended
    if options:
        report = json.loads(ended.stdout)
        assert (report["ok"], report["rows"]) == (False, [])
        assert "refused" in report["error"]
    else:
        assert ended.stdout == ""
