"""The statements of an import by name, and those that check the cells of a layout."""

from collections.abc import Sequence
from functools import cache

from psycopg import sql

from zava.retail.importing.layout import CURRENCIES, Field, Layout
from zava.sql_files import SQL

_DIRECTORY = SQL / "import"
_MARK = "-- name: "
_STATUSES = ("pending", "completed", "cancelled", "refunded")
_PORTION, _LINE_NUMBER = "/* portion */", "/* line number */"
_MOMENT, _ZONES = "/* moment */", "/* zones */"
_SESSION_MOMENT = "s.order_date::timestamptz"
# What follows the day has a zone if it has an offset, a Z or a name longer than AM.
_STORE_MOMENT = """
CASE WHEN substr(s.order_date, 11) ~ '[+-]|[Zz]|[A-Za-z/_]{3,}' THEN s.order_date::timestamptz
  ELSE s.order_date::timestamp AT TIME ZONE z.time_zone END"""
_STORE_ZONES = """
LEFT JOIN (SELECT k.source_key, t.time_zone
           FROM zava_import.store_keys AS k JOIN retail.stores AS t ON t.store_id = k.store_id
           WHERE k.source_system = %(source)s) AS z ON z.source_key = s.store_key"""
_GIVEN_NUMBER = "s.line_number::integer"
_COUNTED_NUMBER = "row_number() OVER (PARTITION BY o.of_order ORDER BY s.file, s.row)"
_REJECT = sql.SQL(
    "INSERT INTO zava_import.rejects"
    " (run_id, table_name, file, row, column_name, rule, value, record)"
)


@cache
def statement(name: str, *, has_numbers: bool = False, by_store: bool = False) -> str:
    """Return a statement of the files in `sql/import`.

    `has_numbers` is true where each line came with its number, so that none is counted. With
    `by_store` moments without a zone are in that of their store.
    """
    portion = (_DIRECTORY / "portion.sql").read_text(encoding="utf-8")
    number = _GIVEN_NUMBER if has_numbers else _COUNTED_NUMBER
    text = _named()[name].replace(_PORTION, f"\n{portion}").replace(_LINE_NUMBER, number)
    moment, zones = (_STORE_MOMENT, _STORE_ZONES) if by_store else (_SESSION_MOMENT, "")
    return text.replace(_MOMENT, moment).replace(_ZONES, zones)


@cache
def _named() -> dict[str, str]:
    found = {}
    for file in ("checks", "writing", "sales", "erasure", "quality"):
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
    figures = [field for field in layout.fields if field.kind in {"number", "integer"}]
    broken = [(field in figures, sql.SQL("{} IS NOT NULL").format(rule)) for field, rule in rules]
    conditions = [rule for is_figure, rule in broken if not is_figure]
    if figures:
        conditions.append(
            sql.SQL("({ordinary} IS NOT TRUE AND ({rules}))").format(
                ordinary=_are_ordinary(figures),
                rules=sql.SQL(" OR ").join(rule for is_figure, rule in broken if is_figure),
            )
        )
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
        any=sql.SQL(" OR ").join(conditions),
    )


def _are_ordinary(figures: Sequence[Field]) -> sql.Composed:
    """Return whether the figures of a row are usual ones, which break no rule.

    One expression for all of them costs a tenth of their rules.
    """
    patterns, cells = [], []
    for field in figures:
        if field.kind == "integer":
            # Of fewer digits than the largest one, so within every bound.
            patterns.append(rf"[1-9][0-9]{{0,{len(str(field.most)) - 2}}}")
        elif field.name == "quantity":
            patterns.append(r"[1-9][0-9]{0,6}(?:\.[0-9]{1,3})?")
        else:
            places = 3 if field.decimals == _QUANTITY_DECIMALS else 6
            patterns.append(rf"[0-9]{{1,7}}(?:\.[0-9]{{1,{places}}})?")
        missing = sql.Literal("" if field.is_required else "1")
        cells.append(sql.SQL("coalesce({}, {})").format(sql.Identifier("s", field.name), missing))
    return sql.SQL("(concat_ws(',', {}) ~ {})").format(
        sql.SQL(", ").join(cells), sql.Literal(f"^{','.join(patterns)}$")
    )


def duplicate_check(layout: Layout) -> sql.Composed:
    """Return the statement that rejects all rows of a key but the first."""
    # Hashes find the few keys that may be there twice without a sort of all rows.
    return sql.SQL(
        """
        {reject}
        SELECT %(run)s, {name}, s.file, s.row, {column},
               'the key is there twice, first in row ' || d.first_row, {value}, to_jsonb(s)
        FROM (SELECT h.file, h.row, row_number() OVER w AS n, first_value(h.row) OVER w AS first_row
              FROM (SELECT s.*, {hash} AS hash FROM {table} AS s) AS h
              WHERE h.hash IN (SELECT {hash} FROM {table} AS s GROUP BY 1 HAVING count(*) > 1)
              WINDOW w AS (PARTITION BY {keys} ORDER BY h.file, h.row)) AS d
        JOIN {table} AS s ON s.file = d.file AND s.row = d.row
        WHERE d.n > 1
        """
    ).format(
        reject=_REJECT,
        name=sql.Literal(layout.name),
        table=sql.Identifier("zava_import", layout.name),
        column=sql.Literal(layout.key[-1]),
        value=sql.Identifier("s", layout.key[-1]),
        keys=_keys(layout),
        hash=_hash(layout),
    )


def _hash(layout: Layout) -> sql.Composable:
    # NULL where a part of the key is.
    found: sql.Composable = sql.Literal(0)
    for name in layout.key:
        found = sql.SQL("hashtextextended({}, {})").format(sql.Identifier("s", name), found)
    return found


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


def remove_rejected(layout: Layout, table: str = "") -> sql.Composed:
    """Return the statement that removes rejected rows from the staged ones, or from `table`."""
    return sql.SQL(
        """
        DELETE FROM {table} AS s USING zava_import.rejects AS r
        WHERE r.run_id = %(run)s AND r.table_name = {name} AND s.file = r.file AND s.row = r.row
        """
    ).format(
        table=sql.Identifier("zava_import", table or layout.name), name=sql.Literal(layout.name)
    )


def _rule(field: Field) -> sql.Composable:
    cell = sql.Identifier("s", field.name)
    cases = [] if not field.is_required else [sql.SQL("WHEN {c} IS NULL THEN 'required'")]
    cases += [sql.SQL(text) for text in _CASES[field.kind]]
    if field.fewest and field.kind == "text":
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
                between=sql.Literal(f"not between {field.fewest} and {field.most:,}"),
                listed=sql.SQL(", ").join(map(sql.Literal, _STATUSES)),
                currencies=sql.Literal(CURRENCIES),
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
        (
            "WHEN {c} ~ '[$€£]|USD|EUR|GBP' AND NOT pg_input_is_valid({c}, 'numeric') THEN"
            " 'a mark of currency; with decimal in the mapping, one in a column is read'"
        ),
        "WHEN {c} ~ '^-?[0-9.]*,[0-9]+$' THEN 'no number; decimal = \",\" in the mapping reads it'",
        f"WHEN NOT {_IS_NUMBER} THEN 'no number'",
        "WHEN abs({c}::numeric) > {most} THEN {large}",
    ),
    "integer": (
        (
            "WHEN NOT (translate({c}, '0123456789', '') = '' AND length({c}) <= 5)"
            " THEN 'no whole number'"
        ),
        "WHEN {c}::integer NOT BETWEEN {fewest} AND {most} THEN {between}",
    ),
    "date": (
        f"WHEN NOT {_IS_TIME} THEN 'no date; set dates to YMD, DMY or MDY in the mapping'",
        (
            "WHEN {c}::date NOT BETWEEN '1900-01-01' AND '2999-12-31'"
            " THEN 'not between 1900 and 2999'"
        ),
    ),
    "moment": (
        f"WHEN NOT {_IS_TIME} THEN 'no date; set dates to YMD, DMY or MDY in the mapping'",
        (
            "WHEN {c}::timestamptz NOT BETWEEN '1970-01-01' AND now() + interval '1 day' THEN"
            " CASE WHEN {c}::timestamptz < '1970-01-01' THEN 'before 1970' ELSE 'in the future' END"
        ),
    ),
    "rate": (
        f"WHEN NOT {_IS_NUMBER} THEN 'no number'",
        "WHEN {c}::numeric > {most} THEN {large}",
        "WHEN round({c}::numeric, 12) <= 0 THEN 'not above 0'",
    ),
    "zone": (
        (
            "WHEN {c} NOT IN (SELECT z.name FROM pg_catalog.pg_timezone_names AS z"
            " WHERE z.name ~ '^(UTC|[A-Z][A-Za-z]+(/[A-Z][A-Za-z0-9_+-]+)+)$')"
            " THEN 'no time zone; Europe/Berlin is one'"
        ),
    ),
    "currency": (
        (
            "WHEN NOT {c} = ANY (string_to_array({currencies}, ' '))"
            " THEN 'no currency of ISO 4217; EUR is one'"
        ),
    ),
    "boolean": ("WHEN {c} NOT IN ('true', 'false') THEN 'expected true or false'",),
    "status": ("WHEN {c} NOT IN ({listed}) THEN {wanted}",),
}
