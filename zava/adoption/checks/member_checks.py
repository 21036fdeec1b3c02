"""What the grants that an application keeps are refused for."""

from collections.abc import Iterator

from zava.adoption.declared_values import AdoptionDeclaration, DeclaredMembers, quoted
from zava.adoption.foreign_catalog import CatalogRelation, ForeignCatalog
from zava.adoption.policies import key_type
from zava.data.syntax.parser import NotParsed, parse

ENDED = (
    "deleted", "removed", "left", "revoked", "disabled", "active", "status", "state", "accepted",
    "expires", "valid", "until", "suspended",
)  # fmt: skip
"""Parts of a column's name that suggest that a row is no membership at every moment."""

_SIMPLE = frozenset(
    {"BoolExpr", "NullTest", "BooleanTest", "A_Expr", "A_Const", "ColumnRef", "List"}
)
_OPERATORS = frozenset({"=", "<>", "<", "<=", ">", ">="})
_ALONE = frozenset({"fromClause", "whereClause", "limitOption", "op"})


class ConditionRefused(Exception):
    """The text is not a condition, or it does more than compare the columns of its table."""


def condition_columns(condition: str | None) -> tuple[str, ...]:
    """Return the columns that a condition of the members compares.

    The owner of the keys evaluates it. A function, a cast or another table may be the
    application's, and would run with the rights of that owner. So none of them is allowed.

    Raises:
        ConditionRefused: it is no such condition.
    """
    if condition is None:
        return ()
    try:
        trees = parse(f"SELECT FROM x WHERE {condition}\n")
    except NotParsed as error:
        raise ConditionRefused(f"expected a condition in SQL: {error.message}") from error
    select = trees[0].get("stmt", trees[0]).get("SelectStmt", {})
    if len(trees) != 1 or not select.keys() <= _ALONE or "$$" in condition:
        raise ConditionRefused("expected one condition in SQL, and nothing behind it")
    return tuple(dict.fromkeys(_columns(select["whereClause"])))


def _columns(node: object) -> Iterator[str]:
    if isinstance(node, list):
        for each in node:
            yield from _columns(each)
    if not isinstance(node, dict):
        return
    for kind, value in node.items():
        if kind[:1].isupper() and kind not in _SIMPLE and not _is_now(kind, value):
            raise ConditionRefused(
                "expected columns, constants, now() and comparisons; a function, a cast or a"
                " subquery would run with the rights of the seal"
            )
        if kind == "ColumnRef":
            yield _one_name(value["fields"])
        elif kind == "A_Expr":
            if _one_name(value["name"]) not in _OPERATORS:
                raise ConditionRefused(f"expected one of {' '.join(sorted(_OPERATORS))}")
            yield from _columns([value.get("lexpr"), value.get("rexpr")])
        elif kind not in {"FuncCall", "A_Const"}:
            yield from _columns(value)


def _is_now(kind: str, value: dict[str, object]) -> bool:
    return kind == "FuncCall" and (
        value["funcname"] == [{"String": {"sval": "now"}}] and "args" not in value
    )


def _one_name(parts: list[dict[str, dict[str, str]]]) -> str:
    if len(parts) != 1 or "String" not in parts[0]:
        raise ConditionRefused("expected names of columns and operators without a qualifier")
    return parts[0]["String"]["sval"]


def member_refusals(declaration: AdoptionDeclaration, catalog: ForeignCatalog) -> Iterator[str]:
    """Yield what the members of a declaration are refused for."""
    members = declaration.members
    if members is None:
        return
    relation = catalog.relations.get(members.table)
    if relation is None or not relation.is_table:
        yield f"members.table: there is no table {members.table}"
        return
    for column in (members.person, members.tenant):
        if column not in relation.columns:
            yield f"members: {members.table} has no column {column}"
    yield from _filter(members, relation, declaration)
    if relation.foreign_policies and relation.has_row_security:
        yield (
            f"members.table: {members.table} has policies of the application, which would"
            " hide its rows from the seal"
        )
    tenant, person = map(relation.columns.get, (members.tenant, members.person))
    if tenant is not None and tenant.key_type != key_type(declaration, catalog):
        yield f"members.tenant: {members.tenant} is not of the type of the tenants' key"
    if person is not None and members.directory and person.type != "uuid":
        yield (
            f"members.person: {members.person} is of type {person.type};"
            " object ids of a directory are uuid"
        )
    if not relation.may_act and members.table not in declaration.tables:
        yield (
            f"{catalog.administrator} cannot act as {relation.owner}, the owner of"
            f" {members.table}: GRANT {quoted(relation.owner)} TO"
            f" {quoted(catalog.administrator)} WITH INHERIT FALSE, SET TRUE"
        )


def _filter(
    members: DeclaredMembers, relation: CatalogRelation, declaration: AdoptionDeclaration
) -> Iterator[str]:
    try:
        for column in condition_columns(members.filter):
            if column not in relation.columns:
                yield f"members.filter: {members.table} has no column {column}"
    except ConditionRefused as error:
        yield f"members.filter: {error}"
    rule = declaration.tables.get(members.table)
    if members.filter is None and rule is not None and rule.filter is not None:
        yield (
            f"members.filter: is missing, and tables.{members.table} has one: a row that it leaves"
            " out would still be a grant"
        )


def member_warnings(declaration: AdoptionDeclaration, catalog: ForeignCatalog) -> Iterator[str]:
    """Yield which columns may end a membership that no filter reads."""
    members = declaration.members
    if members is None or members.filter is not None:
        return
    columns = catalog.relations[members.table].columns
    ending = [each for each in columns if any(part in each.lower() for part in ENDED)]
    if ending:
        yield (
            f"members: each row of {members.table} is a grant, whatever {', '.join(ending)} has;"
            ' where that ends a membership, add filter = "…"'
        )
