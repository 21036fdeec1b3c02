"""The protocol's own conformance suite against what each of the two hosts serves."""

import re

import pytest

from tests.outside.node import OUTSIDE, node

pytestmark = pytest.mark.outside

SUITE = OUTSIDE / "node_modules/@modelcontextprotocol/conformance"
EXPECTED = OUTSIDE / "expected-failures-2025-11-25.yml"
UNTESTABLE = OUTSIDE / "expected-failures-production.yml"
# What holds for any server, whatever its tools are.
SCENARIOS = (
    "server-stateless",
    "server-initialize",
    "ping",
    "tools-list",
    "resources-list",
    "prompts-list",
    "caching",
    "http-header-validation",
    "dns-rebinding-protection",
    "sep-2164-resource-not-found",
)
# Not required of anybody yet, and passed here.
PENDING = (
    "http-header-validation",
    "http-custom-header-server-validation",
    "json-schema-2020-12",
)


def suite(url: str, *options: str) -> tuple[int, str]:
    done = node(str(SUITE / "dist/index.js"), "server", "--url", url, *options)
    return done.returncode, done.stdout + done.stderr


def summary(said: str) -> dict[str, bool]:
    """Return whether each scenario passed, from the suite's own summary."""
    lines = said.partition("=== SUMMARY ===")[2].partition("Total:")[0]
    return {
        name: sign == "✓" for sign, name in re.findall(r"^([✓✗]) ([\w-]+):", lines, re.MULTILINE)
    }


def told(revision: str, said: str, failed: set[str]) -> None:
    """Show what the suite says at its end, and what of it counts."""
    needed = required(revision)
    print(f"\n{revision}: {len(needed - failed)} of {len(needed)} required scenarios pass")
    for line in re.findall(r"^(?:Total:|Not scored).*$", said, re.MULTILINE):
        print(f"  {line}")


def required(revision: str) -> set[str]:
    listed = (SUITE / f"requirements/{revision}.yaml").read_text(encoding="utf-8")
    return set(
        re.findall(
            r"^  - (\S+)$", listed.partition("\nserver:")[2].partition("\n\n")[0], re.MULTILINE
        )
    )


@pytest.mark.requirement("S07")
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_production_server_passes_what_holds_for_any_server(url: str, scenario: str) -> None:
    expected = ("--expected-failures", str(UNTESTABLE))
    code, said = suite(url, "--scenario", scenario, *expected)
    assert code == 0, said
    result = re.search(r"Passed: (\d+)/\d+, (\d+) failed", said)
    assert result is not None, said
    assert int(result[1]) > 0
    assert said.count("Error: Not testable") >= int(result[2]), said
    print(f"\nproduction, {scenario}: {result[0]}")


@pytest.mark.requirement("S07")
def test_every_requirement_of_2026_07_28_is_met(url_with_fixtures: str) -> None:
    code, said = suite(url_with_fixtures, "--requirements", "2026-07-28")
    passed = summary(said)
    needed = required("2026-07-28")
    failed = {name for name in needed if not passed.get(name)}
    told("2026-07-28", said, failed)
    assert not failed, said
    assert code == 0, said


@pytest.mark.requirement("S07")
def test_every_requirement_of_2025_11_25_is_met_but_those_of_a_back_channel(
    url_with_fixtures: str,
) -> None:
    code, said = suite(
        url_with_fixtures, "--requirements", "2025-11-25", "--expected-failures", str(EXPECTED)
    )
    passed = summary(said)
    needed = required("2025-11-25")
    failed = {name for name in needed if not passed.get(name)}
    told("2025-11-25", said, failed)
    assert failed == {
        "tools-call-sampling",
        "tools-call-elicitation",
        "elicitation-sep1034-defaults",
        "elicitation-sep1330-enums",
    }, said
    assert code == 0, said


@pytest.mark.parametrize("scenario", PENDING)
def test_what_is_not_required_yet_is_met(url_with_fixtures: str, scenario: str) -> None:
    code, said = suite(url_with_fixtures, "--scenario", scenario)
    assert code == 0, said
