"""Parts of the hooks that look outside: readiness, the address, the size of the disk."""

import builtins
import importlib
import sys
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import pytest

from tests.infra.azd import ROOT, SERVER, website

READY = '{"status": "healthy"}'
UNHEALTHY = '{"status": "unhealthy"}'


@pytest.fixture(autouse=True)
def hooks() -> Iterator[Callable[[str], Any]]:
    """Return the modules of the hooks, as their own directory makes them importable."""
    before, path = set(sys.modules), str(ROOT / "infra" / "hooks")
    sys.path.insert(0, path)
    yield importlib.import_module
    sys.path.remove(path)
    for name in set(sys.modules) - before:
        if str(getattr(sys.modules[name], "__file__", "")).startswith(path):
            del sys.modules[name]


@pytest.fixture
def deployment(hooks: Callable[[str], Any]) -> Any:
    return hooks("deployment")


@pytest.fixture
def readiness(hooks: Callable[[str], Any]) -> Any:
    return hooks("readiness")


@pytest.fixture
def preprovision(
    hooks: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch
) -> tuple[Any, dict[str, str]]:
    """Return the hook and what it keeps in the environment of azd."""
    module = hooks("preprovision")
    kept: dict[str, str] = {}
    monkeypatch.setattr(module, "remember", kept.__setitem__)
    return module, kept


def refused(deployment: ModuleType, call: Callable[[], object]) -> str:
    with pytest.raises(deployment.Refused) as caught:
        call()
    return str(caught.value)


@pytest.mark.parametrize(
    "version",
    [(3, 11, 0, "final", 0), (3, 14, 0, "candidate", 2), (3, 15, 0, "alpha", 1), (4, 0, 0)],
)
def test_python_of_the_project_or_newer_is_accepted(deployment: Any, version: Any) -> None:
    deployment.check_python(version)


def test_older_python_is_refused_with_what_to_do(deployment: Any) -> None:
    said = refused(deployment, lambda: deployment.check_python((3, 10, 12, "final", 0)))
    assert "need Python 3.11 or newer and run on 3.10:" in said
    assert "hooks_env" in said


def test_hook_on_an_older_python_ends_before_its_first_step(
    deployment: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deployment, "NEEDED", (99, 0))
    with pytest.raises(SystemExit) as ended:
        deployment.main(lambda _: pytest.fail("the hook was run"))
    assert str(ended.value).startswith("The hooks need Python 99.0")


def test_app_is_asked_until_it_is_ready(readiness: Any, capsys: pytest.CaptureFixture[str]) -> None:
    with website((503, UNHEALTHY), (502, "<html>"), (200, "[]"), (200, READY)) as (url, seen):
        pauses: list[float] = []
        given = {"ZAVA_READY_URL": url, "ZAVA_MCP_URL": "https://sample/mcp"}
        readiness.wait_until_ready(given, pause=pauses.append)
    assert (len(seen), pauses) == (4, [readiness.PAUSE_SECONDS] * 3)
    assert capsys.readouterr().out == "MCP clients connect to https://sample/mcp\n"


def test_refused_connections_are_asked_again_and_end_with_the_last_word(
    readiness: Any, deployment: Any
) -> None:
    with website((200, READY)) as (url, _):
        pass
    pauses: list[float] = []
    said = refused(
        deployment,
        lambda: readiness.wait_until_ready({"ZAVA_READY_URL": url}, pause=pauses.append),
    )
    assert len(pauses) == readiness.TRIES
    assert "answered nothing (" in said
    assert "refused" in said


def test_app_that_stays_unhealthy_ends_the_deployment(readiness: Any, deployment: Any) -> None:
    with website((503, UNHEALTHY)) as (url, seen):
        said = refused(
            deployment,
            lambda: readiness.wait_until_ready({"ZAVA_READY_URL": url}, pause=lambda _: None),
        )
    assert len(seen) == readiness.TRIES
    assert f"answered 503 {UNHEALTHY}" in said


def test_no_third_party_is_asked_by_itself(
    preprovision: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    hook, kept = preprovision
    with website((200, "203.0.113.7")) as (url, seen):
        monkeypatch.setattr(hook, "FINDER", url)
        monkeypatch.setattr(hook.sys.stdin, "isatty", lambda: False, raising=False)
        hook.preprovision({})
    assert (seen, kept) == ([], {})
    assert "azd env set ZAVA_FIND_DEPLOYER_IP true" in capsys.readouterr().out


def test_address_is_found_anew_at_each_deployment_when_told(
    preprovision: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    hook, kept = preprovision
    with website((200, "203.0.113.7\n"), (200, "203.0.113.8")) as (url, _):
        monkeypatch.setattr(hook, "FINDER", url)
        for found in ("203.0.113.7", "203.0.113.8"):
            hook.preprovision({"ZAVA_FIND_DEPLOYER_IP": "true", **kept})
            assert kept == {"ZAVA_DEPLOYER_IP": found}


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("find", {"ZAVA_DEPLOYER_IP": "203.0.113.7", "ZAVA_FIND_DEPLOYER_IP": "true"}),
        (" 203.0.113.9 ", {"ZAVA_DEPLOYER_IP": "203.0.113.9"}),
        ("", {"ZAVA_FIND_DEPLOYER_IP": "false"}),
        (None, {"ZAVA_FIND_DEPLOYER_IP": "false"}),
    ],
)
def test_person_at_a_terminal_is_asked_once(
    preprovision: Any, monkeypatch: pytest.MonkeyPatch, answer: str | None, expected: dict[str, str]
) -> None:
    hook, kept = preprovision
    asked: list[str] = []

    def answers(question: str) -> str:
        asked.append(question)
        if answer is None:
            raise EOFError
        return answer

    monkeypatch.setattr(hook.sys.stdin, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(builtins, "input", answers)
    with website((200, "203.0.113.7")) as (url, _):
        monkeypatch.setattr(hook, "FINDER", url)
        hook.preprovision({})
        assert kept == expected
        hook.preprovision(dict(kept))
    assert len(asked) == 1


@pytest.mark.parametrize(
    "given",
    [
        {"ZAVA_USE_PRIVATE_NETWORK": "True"},
        {"ZAVA_PREPARE_DATABASE": "false"},
        {"ZAVA_DEPLOYER_IP": "203.0.113.7"},
    ],
)
def test_no_address_is_asked_for_where_none_is_needed(
    preprovision: Any, capsys: pytest.CaptureFixture[str], given: dict[str, str]
) -> None:
    hook, kept = preprovision
    hook.preprovision(given)
    assert (kept, capsys.readouterr().out) == ({}, "")


@pytest.mark.parametrize("address", ["::1", "203.0.113", "203.0.113.7/24", "mine"])
def test_what_is_no_address_is_refused(
    preprovision: Any, deployment: Any, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    hook, kept = preprovision
    named = refused(deployment, lambda: hook.preprovision({"ZAVA_DEPLOYER_IP": address}))
    assert named == f"ZAVA_DEPLOYER_IP is {address!r}, not an IPv4 address."
    with website((200, address)) as (url, _):
        monkeypatch.setattr(hook, "FINDER", url)
        found = refused(deployment, lambda: hook.preprovision({"ZAVA_FIND_DEPLOYER_IP": "1"}))
    assert found.endswith(f"{address!r}, not an IPv4 address.")
    assert kept == {}


@pytest.mark.parametrize(
    ("asked", "present", "expected"),
    [("", 64, "64"), ("32", 128, "128"), ("64", 64, None), ("256", 128, None)],
)
def test_grown_disk_is_kept(
    preprovision: Any,
    monkeypatch: pytest.MonkeyPatch,
    asked: str,
    present: int,
    expected: str | None,
) -> None:
    hook, kept = preprovision
    monkeypatch.setattr(hook, "azd", lambda *_: '{"token": "a-token"}')
    body = f'{{"properties": {{"storage": {{"storageSizeGB": {present}}}}}}}'
    with website((200, body)) as (url, seen):
        monkeypatch.setattr(hook, "MANAGEMENT", url)
        given = {"AZURE_POSTGRESQL_SERVER_ID": SERVER, "ZAVA_DATABASE_STORAGE_GB": asked}
        hook.keep_grown_disk(given)
    assert seen == [f"{SERVER}?api-version=2025-08-01 Bearer a-token"]
    assert kept == ({} if expected is None else {"ZAVA_DATABASE_STORAGE_GB": expected})


@pytest.mark.parametrize(
    ("answer", "said"),
    [((404, ""), ""), ((403, ""), "403"), ((200, "<html>"), "char 0"), ((200, "{}"), "properties")],
)
def test_size_that_cannot_be_read_stops_nothing(
    preprovision: Any,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    answer: tuple[int, str],
    said: str,
) -> None:
    hook, kept = preprovision
    monkeypatch.setattr(hook, "azd", lambda *_: '{"token": "a-token"}')
    with website(answer) as (url, _):
        monkeypatch.setattr(hook, "MANAGEMENT", url)
        hook.keep_grown_disk({"AZURE_POSTGRESQL_SERVER_ID": SERVER})
    printed = capsys.readouterr().out
    assert kept == {}
    assert (said in printed) if said else (printed == "")


def test_first_deployment_asks_azure_for_no_size(
    preprovision: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    hook, kept = preprovision
    monkeypatch.delattr(hook, "azd")
    hook.keep_grown_disk({})
    hook.keep_grown_disk({"AZURE_POSTGRESQL_SERVER_ID": "@elsewhere/subscriptions/"})
    assert kept == {}
