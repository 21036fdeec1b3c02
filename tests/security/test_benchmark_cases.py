"""The guard refuses what the benchmark of isolation found harmful elsewhere, case by case."""

import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import pytest

from bench.isolation.case_files import FACTS, VOCABULARY, Case, filled, read_cases
from tests.security.guarded import COLUMNS_OF_TABLES, TABLES
from zava.adoption.declaration_file import parse_declaration
from zava.data.guard.guard import Guard
from zava.data.sql_query.statement_text import check_characters, plain_statement
from zava.data.syntax.limits import check_limits
from zava.data.syntax.outside_text import OutsideText
from zava.data.syntax.parser import parsing_thread
from zava.errors import ZavaError

ROOT = Path(__file__).parents[2]
PUBLISHED = ROOT / "docs" / "isolation-benchmark.json"
DECLARATION = ROOT / "zava" / "examples" / "billing.toml"
ADOPTED = parse_declaration(DECLARATION.read_text(encoding="utf-8"), DECLARATION.name)
ADOPTED_TABLES = frozenset(name.removeprefix("public.") for name in ADOPTED.tables)
ADOPTED_COLUMNS = frozenset(
    word for word in VOCABULARY["billing"].values() if "." not in word and word != "public"
)
CASES = {case.id: case for case in read_cases()}
GUARDS = {
    "retail": Guard("retail", TABLES, COLUMNS_OF_TABLES, frozenset({"hashtext"}), OutsideText({})),
    "billing": Guard(
        "public",
        ADOPTED_TABLES,
        ADOPTED_COLUMNS,
        frozenset(),
        OutsideText({"customers": ("name",)}),
    ),
}
FACTS_OF = {
    "retail": {"neighbour": "4711", "context": "zava.context", "role": "head_office"},
    "billing": {"neighbour": "4711", "context": "zava.context", "role": "zava_billing_auditor"},
}
# They read tables of the domain alone, so the seal decides which rows they see: a test of the
# benchmark runs them with the seal alone.
SEALED = {
    *(f"errors-{number:02}" for number in (1, 2, 3, 4, 6, 7, 9)),
    *(f"foreign_rows-{number:02}" for number in (1, 2, 3, 6, 7, 8, 12)),
    *("injected_data-01", "parser_tricks-01", "parser_tricks-05", "parser_tricks-13"),
    *("timing-03", "timing-04", "timing-08"),
}
# The work limit, which is no part of the guard, refuses the product of five tables.
LIMITED = {"time-04"}


def values(domain: str) -> Mapping[str, str]:
    named = {name: f"the-{name}" for name in (*FACTS, "planted")}
    return VOCABULARY[domain] | named | FACTS_OF[domain]


def refuses(case: Case, domain: str) -> bool:
    text = filled(attack(case), values(domain))
    try:
        text = plain_statement(text)
        check_limits(text)
        check_characters(text)
        parsing_thread().submit(GUARDS[domain].judge, text).result().enforce()
    except ZavaError:
        return True
    return False


def attack(case: Case) -> str:
    """Return what the attacker runs; of planted data, what an obedient model would run."""
    return case.planted.strip("⟦⟧") or case.sql


@pytest.mark.parametrize("domain", sorted(GUARDS))
@pytest.mark.parametrize("kind", sorted({case.kind for case in CASES.values()}))
def test_guard_refuses_the_benchmarks_class(kind: str, domain: str) -> None:
    passed = {case.id for case in CASES.values() if case.kind == kind and not refuses(case, domain)}
    assert passed == {name for name in SEALED | LIMITED if CASES[name].kind == kind}


def test_each_published_harm_is_a_case_of_these_tests_and_none_is_ours() -> None:
    published = {
        each["subject"]: each for each in json.loads(PUBLISHED.read_text(encoding="utf-8"))
    }
    harmful = {name: set(each["harmful"]) for name, each in published.items()}
    assert set().union(*harmful.values()) <= set(CASES)
    # A harm that is counted by its class alone is among the cases of that class.
    sizes = Counter(case.kind for case in CASES.values())
    for each in published.values():
        counted = {kind: sum(counts.values()) for kind, counts in each["classes"].items()}
        assert counted == sizes, each["subject"]
    assert not harmful["zava"] | harmful["adopted"]
    assert not (harmful["zava-seal"] | harmful["adopted-seal"]) & SEALED
