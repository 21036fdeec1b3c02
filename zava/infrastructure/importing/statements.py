"""The statements of an import by name, and those that check the cells of a layout."""

import re
from functools import cache

from psycopg import sql

from zava.infrastructure.importing.layout import Field, Layout
from zava.sql_files import SQL

_DIRECTORY = SQL / "import"
_MARK = "-- name: "
_STATUSES = ("pending", "completed", "cancelled", "refunded")
_PRICED = "/* priced */"
_NUMBERED = re.compile(r"coalesce\(s\.line_number::integer,\s*row_number\(\) OVER [^)]*\)\)")
_REJECT = sql.SQL(
    "INSERT INTO zava_import.rejects"
    " (run_id, table_name, file, row, column_name, rule, value, record)"
)


@cache
def statement(name: str, *, has_numbers: bool = False) -> str:
    """Return a statement of the files in `sql/import`.

    `has_numbers` is true where each line came with its number, so that none is counted.
    """
    text = _named()[name]
    if _PRICED not in text:
        return text
    priced = (_DIRECTORY / "priced.sql").read_text(encoding="utf-8")
    if has_numbers:
        priced = _NUMBERED.sub("s.line_number::integer", priced)
    return text.replace(_PRICED, f"\n{priced}")


@cache
def _named() -> dict[str, str]:
    found = {}
    for file in ("checks", "writing", "erasure", "quality"):
        text = (_DIRECTORY / f"{file}.sql").read_text(encoding="utf-8")
        for part in text.split(_MARK)[1:]:
            name, _, body = part.partition("\n")
            found[name.strip()] = body.strip()
    return found


def cell_checks(layout: Layout) -> sql.Composed:
    """Return the statement that rejects rows with a cell that its column cannot hold.

    The run's id is its parameter `run`.
    """
    rules = [(field, _rule(field)) for field in layout.fields]
    return sql.SQL(
        """
        {reject}
        SELECT %(run)s, {name}, s.file, s.row, c.column_name, c.rule, left(c.value, 200),
               to_jsonb(s)
        FROM {table} AS s
        CROSS JOIN LATERAL (VALUES {values}) AS c (column_name, rule, value)
        WHERE ({any}) AND c.rule IS NOT NULL
        """
    ).format(
        reject=_REJECT,
        name=sql.Literal(layout.name),
        table=sql.Identifier("zava_import", layout.name),
        values=sql.SQL(", ").join(
            sql.SQL("({}, {}, {})").format(
                sql.Literal(field.name), rule, sql.Identifier("s", field.name)
            )
            for field, rule in rules
        ),
        any=sql.SQL(" OR ").join(sql.SQL("{} IS NOT NULL").format(rule) for _, rule in rules),
    )


def duplicate_check(layout: Layout) -> sql.Composed:
    """Return the statement that rejects all rows of a key but the first."""
    keys = _keys(layout)
    return sql.SQL(
        """
        {reject}
        SELECT %(run)s, {name}, s.file, s.row, {column},
               'the key is there twice, first in row ' || d.first_row, {value}, to_jsonb(s)
        FROM (SELECT file, row, row_number() OVER w AS n, first_value(row) OVER w AS first_row
              FROM {table} WHERE ({keys}) IS NOT NULL
              WINDOW w AS (PARTITION BY {keys} ORDER BY file, row)) AS d
        JOIN {table} AS s ON s.file = d.file AND s.row = d.row
        WHERE d.n > 1
        """
    ).format(
        reject=_REJECT,
        name=sql.Literal(layout.name),
        table=sql.Identifier("zava_import", layout.name),
        column=sql.Literal(layout.key[-1]),
        value=sql.Identifier("s", layout.key[-1]),
        keys=keys,
    )


def keep_first(layout: Layout) -> sql.Composed:
    """Return the statement that removes all staged rows of a key but the first."""
    return sql.SQL(
        """
        DELETE FROM {table} AS s USING (
          SELECT file, row, row_number() OVER (PARTITION BY {keys} ORDER BY file, row) AS n
          FROM {table}) AS d
        WHERE d.n > 1 AND s.file = d.file AND s.row = d.row
        """
    ).format(
        table=sql.Identifier("zava_import", layout.name),
        keys=_keys(layout),
    )


def _keys(layout: Layout) -> sql.Composed:
    # Sorted by bytes: the order of a language costs several times as much, and none is needed.
    return sql.SQL(", ").join(
        sql.SQL('{} COLLATE "C"').format(sql.Identifier(key)) for key in layout.key
    )


def remove_rejected(layout: Layout) -> sql.Composed:
    """Return the statement that removes rejected rows from the staged ones."""
    return sql.SQL(
        """
        DELETE FROM {table} AS s USING zava_import.rejects AS r
        WHERE r.run_id = %(run)s AND r.table_name = {name} AND s.file = r.file AND s.row = r.row
        """
    ).format(table=sql.Identifier("zava_import", layout.name), name=sql.Literal(layout.name))


def _rule(field: Field) -> sql.Composable:
    cell = sql.Identifier("s", field.name)
    cases = [] if not field.is_required else [sql.SQL("WHEN {c} IS NULL THEN 'required'")]
    cases += [sql.SQL(text) for text in _CASES[field.kind]]
    if field.fewest:
        cases.append(sql.SQL("WHEN length({c}) < {fewest} THEN {short}"))
    if field.kind == "number" and not field.may_be_negative:
        cases.append(sql.SQL("WHEN {c} LIKE '-%%' AND {c}::numeric < 0 THEN 'below 0'"))
    if field.kind == "number" and field.decimals == _QUANTITY_DECIMALS:
        cases.append(
            sql.SQL("WHEN {c}::numeric <> round({c}::numeric, 3) THEN 'more than three decimals'")
        )
    if field.name == "quantity":
        cases.append(sql.SQL("WHEN {c}::numeric = 0 THEN 'the quantity is 0'"))
    return sql.SQL("CASE {} END").format(
        sql.SQL(" ").join(
            case.format(
                c=cell,
                most=sql.Literal(field.most),
                fewest=sql.Literal(field.fewest),
                short=sql.Literal(f"shorter than {field.fewest} characters"),
                long=sql.Literal(f"longer than {field.most} characters"),
                large=sql.Literal(f"larger than {field.most:,}"),
                listed=sql.SQL(", ").join(map(sql.Literal, _STATUSES)),
                wanted=sql.Literal(f"expected {', '.join(_STATUSES)}"),
            )
            for case in cases
        )
    )


_QUANTITY_DECIMALS = 3
_IS_NUMBER = "(translate({c}, '0123456789.-', '') = '' AND pg_input_is_valid({c}, 'numeric'))"
_IS_TIME = "({c} LIKE '____-__-__%%' AND pg_input_is_valid({c}, 'timestamptz'))"
# A cell that is NULL breaks none of these.
_CASES = {
    "text": ("WHEN length({c}) > {most} THEN {long}",),
    "number": (
        "WHEN {c} ~ '^-?[0-9.]*,[0-9]+$' THEN 'no number; decimal = \",\" in the mapping reads it'",
        f"WHEN NOT {_IS_NUMBER} THEN 'no number'",
        "WHEN abs({c}::numeric) > {most} THEN {large}",
    ),
    "integer": (
        (
            "WHEN NOT (translate({c}, '0123456789', '') = '' AND length({c}) <= 5)"
            " THEN 'no whole number'"
        ),
        "WHEN {c}::integer NOT BETWEEN 1 AND {most} THEN 'not between 1 and 32,767'",
    ),
    "date": (f"WHEN NOT {_IS_TIME} THEN 'no date; set dates to YMD, DMY or MDY in the mapping'",),
    "moment": (
        f"WHEN NOT {_IS_TIME} THEN 'no date; set dates to YMD, DMY or MDY in the mapping'",
        "WHEN {c}::timestamptz > now() + interval '1 day' THEN 'in the future'",
        "WHEN {c}::timestamptz < '1970-01-01' THEN 'before 1970'",
    ),
    "boolean": ("WHEN {c} NOT IN ('true', 'false') THEN 'expected true or false'",),
    "status": ("WHEN {c} NOT IN ({listed}) THEN {wanted}",),
}
