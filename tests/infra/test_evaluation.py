"""The evaluator computes what the compiler does, and refuses what it would compute otherwise."""

from typing import Any

import pytest

from tests.infra.bicep import read
from tests.infra.evaluation import DeploymentRefused, EvaluationRefused, Scope


def computed(expression: str, **given: Any) -> Any:
    return Scope(read(f"var computed = {expression}\n"), given).of("computed")


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("7 / 2", 3),
        ("-7 / 2", -3),
        ("7 / -2", -3),
        ("-7 / -2", 3),
        ("2 + 3 * 4 - 1", 13),
        ("1 == true", False),
        ("0 == false", False),
        ("true == 1", False),
        ("1 == 1", True),
        ("1 != 2", True),
        ("[1] == [true]", False),
        ("{ a: 1 } == { a: true }", False),
        ("'a' == 'A'", False),
        ("null == ''", False),
        ("null == null", True),
        ("3 > 2 && 2 < 3", True),
        ("false && fail('x')", False),
        ("true || fail('x')", True),
        ("false ? fail('x') : 1", 1),
        ("string(true)", "True"),
        ("string(7)", "7"),
        ("'${true} ${7} ${'x'}'", "True 7 x"),
        ("union({ a: { b: 1, c: 2 } }, { a: { c: 3 } })", {"a": {"b": 1, "c": 3}}),
        ("union({ a: [ 1 ] }, { a: [ 2 ] })", {"a": [2]}),
        ("union({ a: { b: 1 } }, { a: 2 })", {"a": 2}),
        ("union(['a', 'b'], ['b', 'c'])", ["a", "b", "c"]),
        ("map(['a', 'b'], x => '${x}!')", ["a!", "b!"]),
        ("filter(map(split(' a,, b', ','), x => trim(x)), x => !empty(x))", ["a", "b"]),
        ("endsWith('prod.', '.')", True),
        ("max(2, 3) - min(2, 3)", 1),
        ("{ a: [ 1, 2 ] }.a[1]", 2),
        ("empty('') && empty([]) && empty({}) && empty(null)", True),
    ],
)
def test_value_is_the_compilers(expression: str, expected: Any) -> None:
    found = computed(expression)
    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize(
    "expression",
    [
        "7 / 0",
        "7 % 2",
        "null ?? 1",
        "true + 1",
        "true > false",
        "'a' < 'b'",
        "'a' + 'b'",
        "!1",
        "!''",
        "1 && true",
        "1 ? 2 : 3",
        "'${null}'",
        "'${[ 1 ]}'",
        "'${{ a: 1 }}'",
        "string([ 1 ])",
        "string({ a: 1 })",
        "string(null)",
        "union({ a: 1 }, { A: 2 })",
        "union({ a: { b: 1 } }, { a: { B: 2 } })",
        "union({ a: 1 }, { a: null })",
        "union([1], [true])",
        "union([1], { a: 1 })",
        "{ a: 1, A: 2 }",
        "{ a: 1 }.A",
        "{ a: 1 }.b",
        "[ 1 ][1]",
        "[ 1 ][-1]",
        "[ 1 ][true]",
        "empty(0)",
        "empty(false)",
        "min(true, 2)",
        "filter([1], x => x)",
        "toUpper('a')",
    ],
)
def test_value_that_would_be_another_is_refused(expression: str) -> None:
    with pytest.raises(EvaluationRefused):
        computed(expression)


def test_refusal_of_the_file_has_its_sentence() -> None:
    with pytest.raises(DeploymentRefused, match=r"^Too small\.$"):
        computed("(size < 3) ? fail('Too small.') : size", size=2)
