"""The texts of refusals: what was refused, and what to write instead."""

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Any

from zava.data.guard.vocabulary import FUNCTIONS, NO_FOREIGN_NAMES

READS_ONLY = "Send one SELECT (or WITH … SELECT, VALUES); the data can only be read."
_SCHEMA_TOOL = "get_multiple_table_schemas describes the tables that you can read."
_STANDARD = "Use PostgreSQL's aggregate, window, date, text, number, array and JSON functions."
_OPERATORS = "Use PostgreSQL's own operators, unqualified."
_TYPES = "Use text, numeric, integer, boolean, date, timestamptz, interval, uuid, jsonb or arrays."
_NO_SETTINGS = "Settings cannot be read or changed; only the caller's token identifies the caller."

_STATEMENTS = {
    "ExplainStmt": ("EXPLAIN", "Plans are not shown; send the SELECT itself."),
    "VariableSetStmt": ("SET", _NO_SETTINGS),
    "VariableShowStmt": ("SHOW", _NO_SETTINGS),
    "CopyStmt": ("COPY", "Rows leave as the answer of a SELECT; raise max_rows for more of them."),
    "TransactionStmt": ("Transaction control", "Each call is a transaction of its own."),
    "PrepareStmt": ("PREPARE", "Send the SELECT itself, with its values written in."),
    "ExecuteStmt": ("EXECUTE", "Send the SELECT itself, with its values written in."),
    "DeclareCursorStmt": ("DECLARE CURSOR", "Use ORDER BY with LIMIT, and continue by key."),
    "FetchStmt": ("FETCH", "Use ORDER BY with LIMIT, and continue by key."),
    "LockStmt": ("LOCK", READS_ONLY),
    "DoStmt": ("DO", READS_ONLY),
    "CallStmt": ("CALL", READS_ONLY),
    "InsertStmt": ("INSERT", READS_ONLY),
    "UpdateStmt": ("UPDATE", READS_ONLY),
    "DeleteStmt": ("DELETE", READS_ONLY),
    "MergeStmt": ("MERGE", READS_ONLY),
}
_CLAUSES = {
    "ParamRef": (
        "The statement holds parameters such as $1, and nothing is bound to them.",
        "Write the values into the statement.",
    ),
    "lockingClause": ("FOR UPDATE and FOR SHARE lock rows.", "Leave the clause out."),
    "intoClause": ("SELECT INTO makes a table.", "Leave INTO out; use WITH for a step between."),
    "XmlExpr": ("XML is not allowed.", "Use the JSON functions."),
    "XmlSerialize": ("XML is not allowed.", "Use the JSON functions."),
    "RangeTableFunc": ("XMLTABLE is not allowed.", "Use the JSON functions."),
}
# What SHOW lists in other dialects; in PostgreSQL they are settings that do not exist.
_LISTINGS = frozenset({"tables", "databases", "schemas", "columns", "views", "indexes"})
_CATALOG_SCHEMAS = frozenset({"pg_catalog", "information_schema", "pg_toast", "pg_temp", "zava"})
_NEAR = 0.85
"""How like a listed name a function's must be: less names another function."""

_MOST_OFFERED = 20

_MAX_NAMED = 3
_TYPE_OF = "pg_typeof"
_SETTING_FUNCTIONS = frozenset({"set_config", "current_setting", "setseed"})


class Refused(Exception):
    """One reason, in words for the model that wrote the statement."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


def several_statements() -> Refused:
    """Refuse a text of more than one statement."""
    return Refused("The text holds several statements.", "Send one statement.")


def node(name: str, content: Any) -> Refused:
    """Refuse a statement or a clause by the name of its parse tree's node."""
    if name == "VariableShowStmt" and content.get("name", "all") in _LISTINGS:
        return Refused("SHOW is not allowed.", _SCHEMA_TOOL)
    if name in _STATEMENTS:
        keyword, hint = _STATEMENTS[name]
        return Refused(f"{keyword} is not allowed.", hint)
    if name in _CLAUSES:
        return Refused(*_CLAUSES[name])
    if name.endswith("Stmt"):
        return Refused("Only reads are allowed.", READS_ONLY)
    return Refused(f"The statement holds a construct that is not allowed ({name}).", READS_ONLY)


def relation(
    schema: str | None,
    name: str,
    own: str,
    readable: Iterable[str],
    spelled: Mapping[str, str] = NO_FOREIGN_NAMES.spelled,
) -> Refused:
    """Refuse a relation that is neither a readable table nor a name of the statement's own WITH.

    `own` is the schema of the tables that can be read. `spelled` has the spelling of others.
    """
    if schema in _CATALOG_SCHEMAS or (schema is None and name.startswith("pg_")):
        return Refused("Catalog tables cannot be read.", _SCHEMA_TOOL)
    from zava.data.guard.dialects import RELATIONS

    if name in RELATIONS:
        return Refused(f"{name} is not a table that you can read.", RELATIONS[name])
    tables = sorted({*readable, *spelled})
    if schema is None and name.removeprefix(f"{own}.") in tables:
        return Refused(
            f'"{name[:127]}" is not a table that you can read.',
            f"Write {name}: double quotes around both make one name of them.",
        )
    nearest = get_close_matches(name, tables, n=3) or tables[:_MOST_OFFERED]
    offered = ", ".join(spelled.get(table) or f"{own}.{table}" for table in nearest)
    full = f"{schema}.{name}" if schema else name
    return Refused(f"{full[:127]} is not a table that you can read.", f"Use {offered}.")


def function(name: str) -> Refused:
    """Refuse a function that is not on the list."""
    if name in _SETTING_FUNCTIONS:
        return Refused(f"The function {name} is not allowed.", _NO_SETTINGS)
    if name == _TYPE_OF:
        return Refused("pg_typeof is read as text only.", "Write pg_typeof(x)::text.")
    if name.startswith(("pg_", "has_", "to_reg")) or name in {"version", "col_description"}:
        return Refused(f"The function {name[:63]} is not allowed.", _SCHEMA_TOOL)
    from zava.data.guard.dialects import FUNCTIONS as ELSEWHERE

    nearest = get_close_matches(name, FUNCTIONS, n=2, cutoff=_NEAR)
    hint = f"Perhaps {' or '.join(nearest)}." if nearest else _STANDARD
    hint = ELSEWHERE.get(name.replace("_", ""), hint)
    return Refused(f"The function {name[:63]} is not allowed.", hint)


def hidden_function(name: str) -> Refused:
    """Refuse a function of which another schema has one that PostgreSQL would find first."""
    return Refused(
        f"This database has a function {name[:63]} of its own, which is not allowed.",
        f"Write pg_catalog.{name[:63]}(…).",
    )


def function_schema(name: str) -> Refused:
    """Refuse a function of another schema than PostgreSQL's own."""
    return Refused(f"Functions of the schema {name[:63]} are not allowed.", _STANDARD)


def hidden_call(name: str, columns: Iterable[str]) -> Refused:
    """Refuse a field notation that PostgreSQL would read as a call or a cast.

    `columns` are those of the tables: the ones that have the name among their words are named.
    """
    near = sorted(column for column in columns if name in column.split("_"))[:_MAX_NAMED]
    meant = f"Perhaps {' or '.join(near)}. " if near else ""
    return Refused(
        f"{name[:63]} is not a column here.",
        f"{meant}Name columns as get_multiple_table_schemas lists them; call functions as f(x).",
    )


def system_column(name: str) -> Refused:
    """Refuse a column that every table has."""
    return Refused(
        f"{name} is a system column, which cannot be read.",
        "Name columns as get_multiple_table_schemas lists them, and outputs otherwise.",
    )


def collation(name: str) -> Refused:
    """Refuse a collation that is not PostgreSQL's own."""
    return Refused(f"The collation {name[:63]} is not allowed.", 'Leave it out or use "C".')


def type_name(name: str) -> Refused:
    """Refuse a type that reaches into the catalog or that analytics does not need."""
    if name.removeprefix("pg_catalog.").startswith("reg"):
        return Refused(f"The type {name[:63]} looks into the catalog.", _SCHEMA_TOOL)
    from zava.data.guard.dialects import TYPES

    return Refused(f"The type {name[:63]} is not allowed.", TYPES.get(name, _TYPES))


def operator(name: str) -> Refused:
    """Refuse an operator that is not PostgreSQL's own."""
    from zava.data.guard.dialects import OPERATORS

    return Refused(f"The operator {name[:63]} is not allowed.", OPERATORS.get(name, _OPERATORS))


def special_value(name: str) -> Refused:
    """Refuse CURRENT_USER and its kin."""
    spelled = name.removeprefix("SVFOP_")
    return Refused(f"{spelled} is not allowed.", "Each answer states the stores that it covers.")


def sampling() -> Refused:
    """Refuse TABLESAMPLE, whose choice of rows follows from where they lie."""
    return Refused("TABLESAMPLE is not allowed.", "Use ORDER BY random() LIMIT n.")


def unbounded(name: str, largest: int, example: str) -> Refused:
    """Refuse a length or a count that the statement's text does not bound."""
    return Refused(
        f"{name} needs a bound of at most {largest:,} written in the statement.",
        f"For example {example}.",
    )


def long_search(name: str) -> Refused:
    """Refuse a call that compares two long values part by part: no deadline ends it."""
    return Refused(
        f"{name} may compare two long values, which no deadline ends.",
        "Write what it looks for as a short literal, or gather fewer rows into one value.",
    )


def too_large(what: str) -> Refused:
    """Refuse a statement whose values grow beyond what one may take."""
    return Refused(
        f"{what} may need more memory than the limit.",
        "Aggregate to fewer rows first, and write shorter expressions.",
    )


def unbounded_recursion(name: str) -> Refused:
    """Refuse a recursive WITH whose recursive term has no condition that ends it."""
    return Refused(
        f"The recursive query {name[:63]} has no condition that ends it.",
        "Add a WHERE with a bound to its recursive term, such as WHERE n < 100.",
    )


def too_deep() -> Refused:
    """Refuse a statement that nests deeper than it can be read."""
    return Refused(
        "The statement nests too deep.",
        "Shorten chains of operators: use IN, concat(), string_agg() or a VALUES list.",
    )
