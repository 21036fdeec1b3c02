"""The order in which Azure makes the children of one parent, in every configuration."""

from collections.abc import Iterator
from itertools import combinations, product
from typing import Any

from tests.infra.bicep import Declaration, File, Items, Name, walk
from tests.infra.evaluation import Scope
from tests.infra.infrastructure import Infrastructure

# The server refuses a second change while it makes the first (ServerIsBusy); a site may (409).
_PARENTS = ("Microsoft.DBforPostgreSQL/flexibleServers", "Microsoft.Web/sites")
_ADMINISTRATORS = "Microsoft.DBforPostgreSQL/flexibleServers/administrators"
# Enough of each type to make every condition true and false.
_VALUES: dict[str, tuple[Any, ...]] = {
    "bool": (False, True),
    "int": (0, 1),
    "string": ("", "sample"),
}


def order(infrastructure: Infrastructure) -> Iterator[str]:
    """Of every two children one waits for the other, and the administrator for all others."""
    for name, file in infrastructure.files.items():
        for parent in _parents(file):
            found = {
                problem: configuration
                for configuration in configurations(file)
                for problem in _problems(file, parent, configuration)
            }
            for problem, configuration in found.items():
                yield f"{name} {problem} with {configuration}"


def unordered(file: File, parent: str, configuration: dict[str, Any]) -> list[tuple[str, str]]:
    """Return the pairs of children that Azure may make at once."""
    before = _before(file, parent, configuration)
    return [
        (one, other)
        for one, other in combinations(sorted(before), 2)
        if one not in before[other] and other not in before[one]
    ]


def configurations(file: File) -> list[dict[str, Any]]:
    """Return values for what decides the conditions of a file, in every combination."""
    deciding: set[str] = set()
    for resource in file.of("resource").values():
        deciding |= _parameters(file, resource.condition)
    names = sorted(deciding)
    values = [_VALUES[file.of("param")[name].type] for name in names]
    return [dict(zip(names, one, strict=True)) for one in product(*values)]


def _parameters(file: File, node: Any) -> set[str]:
    found: set[str] = set()
    for one in walk(node):
        if isinstance(one, Name) and one.text in file.of("param"):
            found.add(one.text)
        elif isinstance(one, Name) and one.text in file.of("var"):
            found |= _parameters(file, file.of("var")[one.text].value)
    return found


def _parents(file: File) -> list[str]:
    return [
        resource.name
        for resource in file.of("resource").values()
        if resource.type.partition("@")[0] in _PARENTS
    ]


def _children(file: File, parent: str, configuration: dict[str, Any]) -> dict[str, Declaration]:
    """Return what is made below the parent, where every condition has its value."""
    scope = Scope(file, configuration)
    return {
        child.name: child
        for child in file.of("resource").values()
        if child.body.get("parent") == Name(parent)
        and (child.condition is None or scope.value(child.condition))
    }


def _before(file: File, parent: str, configuration: dict[str, Any]) -> dict[str, set[str]]:
    """Return what each child waits for: a link to what is not made is dropped, with what it held."""
    children = _children(file, parent, configuration)
    waits: dict[str, set[str]] = {}

    def of(child: str) -> set[str]:
        if child not in waits:
            waits[child] = set()
            for link in (children[child].body.get("dependsOn") or Items(())).items:
                if link.text in children:
                    waits[child] |= {link.text} | of(link.text)
        return waits[child]

    return {child: of(child) for child in children}


def _problems(file: File, parent: str, configuration: dict[str, Any]) -> Iterator[str]:
    for one, other in unordered(file, parent, configuration):
        yield f"{one} and {other} may be made at once"
    before = _before(file, parent, configuration)
    for child, waits in before.items():
        is_last = len(waits) == len(before) - 1
        if file.of("resource")[child].type.startswith(_ADMINISTRATORS) and not is_last:
            yield f"{child} is not the last one"
