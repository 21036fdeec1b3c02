"""Makes statements that build long values and call functions on them, from a seed."""

import random
from collections.abc import Iterator

from zava.data.guard.vocabulary import FUNCTIONS

TEXT, ARRAY, JSON, NUMBER = "text", "array", "json", "number"
_NEVER_LONG = frozenset(
    {"random", "random_normal", "now", "clock_timestamp", "pi", "generate_series"}
)
_PATHS = ("$[*]", "$[*] ? (@ > 1)", "strict $[*].a", "$.**", "$[*] ? (exists(@ ? (@ == 1)))")
_OPERATORS = (
    "||",
    "=",
    "<",
    "LIKE",
    "~",
    "@>",
    "<@",
    "&&",
    "-",
    "*",
    "+",
    "%",
    "?|",
    "->",
    "#>>",
    "^@",
)


class Endless:
    """Statements of one seed: a chain of queries that grows values, then calls on what it built."""

    def __init__(self, seed: int) -> None:
        self._chance = random.Random(seed)  # noqa: S311  # tests repeat

    def statements(self) -> Iterator[str]:
        """Yield statements without end; a part of them passes the guard."""
        while True:
            first, kind = self._source()
            steps = [f"t0 AS MATERIALIZED ({first})"]
            for number in range(self._chance.randrange(18)):
                grown = self._grown(kind)
                steps.append(f"t{number + 1} AS MATERIALIZED (SELECT {grown} AS v FROM t{number})")
            calls = [
                self._call("v", depth=3) for _ in range(self._chance.choice((1, 1, 2, 16, 200)))
            ]
            yield f"WITH {', '.join(steps)} SELECT {', '.join(calls)} FROM t{len(steps) - 1}"

    def _source(self) -> tuple[str, str]:
        many = self._chance.choice((10, 300, 3_000, 40_000, 1_000_000))
        series = f"generate_series(1, {many}) AS g"
        width = self._chance.choice((1, 40, 1_000, 10_000))
        return self._chance.choice(
            [
                (f"SELECT string_agg(repeat('x', {width}), '') AS v FROM {series}", TEXT),
                (f"SELECT string_agg(chr(768 + g % 100), '') AS v FROM {series}", TEXT),
                (f"SELECT repeat('ab', {min(width, 5_000)}) AS v", TEXT),
                (f"SELECT array_agg(g) AS v FROM {series}", ARRAY),
                (f"SELECT array_agg(repeat('y', {width})) AS v FROM {series}", ARRAY),
                (f"SELECT jsonb_agg(g) AS v FROM {series}", JSON),
                (f"SELECT jsonb_object_agg(g, -g) AS v FROM {series}", JSON),
                (f"SELECT JSON_ARRAYAGG(g)::jsonb AS v FROM {series}", JSON),
                (f"SELECT ARRAY(SELECT g FROM {series}) AS v", ARRAY),
                (f"SELECT (7::numeric ^ {many // 8}) AS v", NUMBER),
                ("SELECT string_agg(product_description, ' ') AS v FROM retail.products", TEXT),
                ("SELECT array_agg(order_id) AS v FROM retail.orders", ARRAY),
                ("SELECT jsonb_agg(to_jsonb(o)) AS v FROM retail.orders AS o", JSON),
            ]
        )

    def _grown(self, kind: str) -> str:
        return self._chance.choice(
            {
                TEXT: ["v || v", "v || 'z'", "replace(v, 'x', 'xyz')", "reverse(v)", "upper(v)",
                       "regexp_replace(v, 'x', 'yy', 'g')", "format('%s%s', v, v)", "quote_literal(v)"],
                ARRAY: ["v || v", "array_cat(v, v)", "array_append(v, v[1])", "array_reverse(v)"],
                JSON: ["v || v", "jsonb_build_array(v, v)", "jsonb_build_object('a', v, 'b', v)"],
                NUMBER: ["v * v", "v + v", "v / 3", "sqrt(v)", "v ^ 2", "round(v, 100)"],
            }[kind]
        )  # fmt: skip

    def _call(self, value: str, *, depth: int) -> str:
        if depth == 0 or self._chance.random() < 0.2:
            return self._chance.choice(
                (value, value, "'x'", "2", *(f"({value})::{name}" for name in _TYPES))
            )
        inner = [
            self._call(value, depth=depth - 1) for _ in range(self._chance.choice((1, 1, 2, 2, 3)))
        ]
        if self._chance.random() < 0.1:
            return self._chance.choice(_SHAPES).format(inner[0], inner[-1])
        chosen = self._chance.random()
        if chosen < 0.25:
            return f"({inner[0]} {self._chance.choice(_OPERATORS)} {inner[-1]})"
        if chosen < 0.32:
            name = self._chance.choice(("jsonb_path_exists", "jsonb_path_query_array"))
            return f"{name}(to_jsonb({inner[0]}), '{self._chance.choice(_PATHS)}')"
        if chosen < 0.38:
            return f"({inner[0]}).{self._chance.choice(_NAMES)}"
        return f"{self._chance.choice(_NAMES)}({', '.join(inner)})"


_TYPES = ("text", "jsonb", "numeric", "tsquery")
# Shapes that took a server long, and that chance alone would hardly find.
_SHAPES = (
    "({0} LIKE '%' || {1} || 'y%')",
    "({0} LIKE '%' || left({1}, 9999) || 'y%' || {0} || '%z')",
    "({0} LIKE '%x_x_x_x_x_x_x_x_y%')",
    "({0} ILIKE ANY (SELECT {1} || 'y'))",
    "translate({0}, replace({1}, 'x', 'y'), 'z')",
    "translate({0}, 'abcdefghijklmnop', '')",
    "btrim({0}, 'abcdefghijklmnopx')",
    "('0x' || {0})::numeric",
    "({0} && ANY (SELECT {1}))",
    "strpos({0}, 'y' || {1})",
    "to_tsquery('simple', replace({0}, 'x', 'x & '))",
    "(SELECT string_agg({0}::text, '') FROM (SELECT 1) AS inside)",
    "(SELECT array_agg({0}) && array_agg({1}) FROM generate_series(1, 300))",
    "array_to_string(ARRAY[{0}, {1}], {1}::text)",
)
_NAMES = sorted(FUNCTIONS - _NEVER_LONG)
