"""Whether an answer shows data of persons, such as e-mail addresses."""

from collections.abc import Iterator

from zava.data.sql_query.lint.declarations import LintFacts
from zava.data.sql_query.lint.name_resolution import Tree
from zava.data.sql_query.lint.query_tree import Query, shown_parts
from zava.data.syntax.parser import Node
from zava.model.sql_findings import Finding, FindingKind

_MAX_NODES = 512
_PASSES_TEXT = frozenset(
    {"concat", "concat_ws", "trim", "btrim", "ltrim", "rtrim", "initcap", "upper", "lower"}
    | {"string_agg", "array_agg", "json_agg", "jsonb_agg", "json_build_object"}
    | {"jsonb_build_object", "row_to_json", "to_json", "to_jsonb", "min", "max"}
)


def personal_data(tree: Tree, facts: LintFacts) -> Iterator[Finding]:
    """Yield one caution if the outermost query returns columns with data of persons."""
    shown = sorted(_personal_of(tree, tree.top, facts))
    if shown:
        yield Finding(
            FindingKind.PERSONAL_DATA,
            f"The rows hold personal data ({', '.join(shown)}): show it only where it is needed.",
        )


def _personal_of(tree: Tree, top: Query, facts: LintFacts) -> set[str]:
    found: set[str] = set()
    waiting, seen = [top], set[int]()
    while waiting:
        query = waiting.pop()
        if id(query) in seen:
            continue
        seen.add(id(query))
        waiting += query.sides
        for source in query.stars:
            if source.table is not None:
                found |= _declared(source.table, facts)
            elif source.query is not None:
                waiting.append(source.query)
        for target in query.targets:
            found |= _personal_in(tree, query, target["ResTarget"]["val"], facts)
    return found


def _personal_in(tree: Tree, query: Query, expression: Node, facts: LintFacts) -> set[str]:
    """Return the personal columns whose values an expression shows."""
    found: set[str] = set()
    stack = [(query, expression)]
    steps = 0
    while stack and steps < _MAX_NODES:
        steps += 1
        at, node = stack.pop()
        if "ColumnRef" not in node:
            stack += [(at, part) for part in _shown(node)]
            continue
        place = tree.resolve(at, node["ColumnRef"])
        if place is None:
            found |= _whole_row(at, node["ColumnRef"], facts)
            continue
        _, source, name = place
        if source.table is not None:
            found |= _declared(source.table, facts) & {name}
        elif (inner := tree.expression(source, name)) is not None:
            stack.append(inner)
    return found


def _shown(node: Node) -> list[Node]:
    if "CaseExpr" in node:
        case = node["CaseExpr"]
        results = [when["CaseWhen"]["result"] for when in case["args"]]
        return [*results, *([case["defresult"]] if "defresult" in case else [])]
    return shown_parts(node, _PASSES_TEXT) or []


def _declared(table: str, facts: LintFacts) -> frozenset[str]:
    return facts.tables[table].personal if table in facts.tables else frozenset()


def _whole_row(query: Query, reference: Node, facts: LintFacts) -> set[str]:
    """Return the personal columns of a table whose whole row a reference names."""
    fields = reference["fields"]
    if len(fields) != 1 or "String" not in fields[0]:
        return set()
    alias = fields[0]["String"]["sval"]
    tables = [source.table for source in query.sources if source.alias == alias]
    return {name for table in tables if table for name in _declared(table, facts)}
