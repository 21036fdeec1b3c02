"""What models write around statements, and odd characters inside them."""

import time
from collections.abc import Iterator
from typing import Any

import pgparse
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zava.data.guard.analysis import StatementAnalysis
from zava.data.sql_query.free_query import FreeQuery

# The words are each tried, so the test reads their list.
from zava.data.sql_query.statement_text import _WRITE, check_characters, plain_statement
from zava.errors import InvalidInput
from zava.model.core import Caller

PLAIN = "SELECT count(*) FROM retail.stores"
AROUND = {
    "a byte order mark": f"\ufeff{PLAIN}",
    "no-break spaces": f"\u00a0{PLAIN}\u00a0",
    "zero-width spaces": f"\u200b{PLAIN}\u200b\u200b",
    "a no-break space behind a newline": f"\n\u00a0 {PLAIN}\r\n\u3000",
    "a blank before the semicolon": f"{PLAIN}\u00a0;\u00a0",
    "a fence": f"```\n{PLAIN}\n```",
    "a fence that names SQL": f"```sql\n{PLAIN}\n```\n",
    "a fence that names PostgreSQL": f"\ufeff```PostgreSQL\r\n\u00a0{PLAIN}\r\n```",
    "a fence on one line": f"```sql {PLAIN}```",
    "a fence without a language": f"```{PLAIN}```",
}


@pytest.mark.parametrize("written", AROUND)
def test_what_stands_around_a_statement_is_taken_off(written: str) -> None:
    assert plain_statement(AROUND[written]) == PLAIN


@pytest.mark.parametrize("written", AROUND)
async def test_statement_in_its_wrapping_is_answered(
    free_query: FreeQuery, callers: dict[str, Caller], written: str
) -> None:
    answer = await free_query.run(callers["seattle"], AROUND[written], max_rows=5)
    assert (answer.rows, answer.truncated) == ([[1]], None)


@pytest.mark.parametrize(
    "statement",
    [
        f"{PLAIN};",
        "SELECT '```' AS a",
        "SELECT '\ufeff\u00a0' AS a",
        'SELECT 1 AS "total\u00a0sales"',
        "SELECT 1 -- a \u201ccomment\u201d",
        "SELECT 'it\u2019s' /* \u2018a /* b */ \u201cc\u201d */, $$\u201c$$, $x$\u2018 $$ \u2019$x$, E'\\'\u201c', 1",
        "SELECT 'größer', 1 AS größe",
    ],
)
def test_text_names_and_comments_keep_their_characters(statement: str) -> None:
    assert plain_statement(statement) == statement
    check_characters(statement)


@pytest.mark.parametrize(
    ("statement", "said", "hint"),
    [
        (
            "SELECT\u00a01",
            "a no-break space (U+00A0) outside of text, at character 7",
            "plain blan",
        ),
        ("SELECT 1\u200b + 1", "a zero width space (U+200B)", "Leave it out"),
        ("SELECT 1;\ufeffSELECT 2", "a zero width no-break space (U+FEFF)", "Leave it out"),
        ("SELECT \u2018a\u2019", "a left single quotation mark (U+2018)", "no typographic quotes"),
        (
            "SELECT 'a' AS \u201cb\u201d",
            "a left double quotation mark (U+201C)",
            'and " around names',
        ),
        ("SELECT 2 \u2013 1", "a en dash (U+2013)", "plain -"),
        ("SELECT 1 WHERE 2 \u2265 1", "a greater-than or equal to (U+2265)", ">="),
        ("SELECT 1\uff0c 2", "a fullwidth comma (U+FF0C)", "ASCII"),
        ("SELECT 'a\\', \u2018b\u2019, '", "a left single quotation mark (U+2018)", "'"),
        ("SELECT /* a */ \u00851", "a control character (U+0085)", "blank"),
        ("SELECT $1$\u201c$1$", "a left double quotation mark (U+201C)", "'"),
    ],
)
def test_odd_character_inside_a_statement_is_named_with_its_place(
    statement: str, said: str, hint: str
) -> None:
    with pytest.raises(InvalidInput) as caught:
        check_characters(plain_statement(statement))
    assert said in caught.value.message
    assert hint in caught.value.hint


@pytest.mark.parametrize("written", ["a byte order mark", "a fence that names PostgreSQL"])
async def test_guard_signature_and_server_get_one_text(
    free_query: FreeQuery,
    callers: dict[str, Caller],
    monkeypatch: pytest.MonkeyPatch,
    written: str,
) -> None:
    seen: list[str] = []
    reader = await free_query.reader(callers["seattle"])
    # Below the use cases no public name leads to the executor and its pool.
    judge, ask = reader.read_here, free_query._tenancy._executor.execute

    def judged(statement: str) -> StatementAnalysis:
        seen.append(statement)
        return judge(statement)

    async def asked(caller: Caller, question: Any, record: Any) -> Any:
        seen.append(question.sql)
        return await ask(caller, question, record)

    monkeypatch.setattr(reader, "read_here", judged)
    monkeypatch.setattr(free_query._tenancy._executor, "execute", asked)
    statement = f"{PLAIN} WHERE store_name <> '{written}'"
    answer = await free_query.run(
        callers["seattle"], AROUND[written].replace(PLAIN, statement), max_rows=5
    )
    assert answer.rows == [[1]]
    assert seen == [statement, statement]


async def test_model_reads_which_character_is_odd(
    free_query: FreeQuery, callers: dict[str, Caller]
) -> None:
    with pytest.raises(InvalidInput, match=r"quotation mark \(U\+2018\) .* at character 58\."):
        await free_query.run(
            callers["seattle"],
            "\ufeffSELECT count(*) FROM retail.orders WHERE status = 'x' OR \u2018a\u2019 = 'a'",
            max_rows=5,
        )


ODD = st.text("".join(_WRITE) + " ;`'\"$e/*-\n\\a1")


@given(before=ODD, after=ODD)
def test_plain_statement_is_plain_again_and_what_was_taken_off_held_nothing(
    before: str, after: str
) -> None:
    written = f"{before}SELECT 1{after}"
    plain = plain_statement(written)
    assert plain in written
    taken = written.replace(plain, "", 1)
    assert not set(taken.replace("sql", "")) - set("".join(_WRITE) + " ;`\n")
    if "```" not in plain:
        assert plain_statement(plain) == plain


def names_in(tree: Any) -> Iterator[str]:
    """Yield every text of a parse tree but the constants."""
    if isinstance(tree, str):
        yield tree
    elif isinstance(tree, list):
        for part in tree:
            yield from names_in(part)
    elif isinstance(tree, dict):
        for key, part in tree.items():
            if key != "A_Const":
                yield from names_in(part)


PIECES = [
    *_WRITE,
    "'",
    "''",
    '"',
    "$$",
    "$a$",
    "e'",
    "\\",
    "/*",
    "*/",
    "--",
    "\n",
    "1",
    " AS a",
    ",",
]


@given(parts=st.lists(st.sampled_from(PIECES), max_size=12))
def test_only_characters_that_the_parser_reads_as_names_are_refused(parts: list[str]) -> None:
    statement = f"SELECT {''.join(parts)}"
    try:
        tree = pgparse.parse(statement)
    except pgparse.PGQueryError:
        return
    try:
        check_characters(statement)
    except InvalidInput:
        assert set("".join(names_in(tree))) & set(_WRITE)


LONG = [
    "\u00a0" * 500_000,
    "```" * 200_000,
    "'\u201c" * 5_000,
    "$a$\u201c" * 4_000,
    "/*\u201c" * 5_000,
    "e'\\\u201c" * 4_000,
    "$" * 16_000 + "\u201c",
    "e" * 16_000 + "\u201c",
    "--\u201c\n" * 4_000,
    "\u201c" + "'" * 15_000,
]


@pytest.mark.parametrize("long", LONG)
def test_no_text_takes_long(long: str) -> None:
    started = time.perf_counter()
    for statement in (long, f"SELECT {long}", f"SELECT {long}1"):
        try:
            check_characters(plain_statement(statement)[: 16 * 1024])
        except InvalidInput:
            continue
    assert time.perf_counter() - started < 1
