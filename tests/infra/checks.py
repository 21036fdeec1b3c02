"""What can be known of the infrastructure without Azure: each check yields what is wrong."""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tests.infra import azure
from tests.infra.alerts import alerts
from tests.infra.bicep import (
    Call,
    Choice,
    Declaration,
    Each,
    Fields,
    File,
    Items,
    Lambda,
    Member,
    Name,
    Operation,
    Text,
    parts,
    walk,
)
from tests.infra.evaluation import Scope
from tests.infra.infrastructure import Infrastructure
from tests.infra.order import order

FUNCTIONS = {
    *("deployer", "empty", "endsWith", "environment", "fail", "filter", "guid", "loadJsonContent"),
    *("map", "max", "min", "split", "string", "subscription", "subscriptionResourceId", "tenant"),
    *("toLower", "trim", "union", "uniqueString"),
}
_VARIABLE = re.compile(r"\$\{([A-Z_]+)(=[^}]*)?\}")

READING = "reading"

Check = Callable[[Infrastructure], Iterator[str]]


def problems(root: Path) -> list[str]:
    """Return everything that is wrong, as sentences that begin with the file."""
    return [found for said in findings(root).values() for found in said]


def findings(root: Path) -> dict[str, list[str]]:
    """Return what each check finds, by the check's name; of unreadable files, only that."""
    infrastructure = Infrastructure(root)
    if infrastructure.unreadable:
        return {READING: infrastructure.unreadable}
    return {check.__name__: list(check(infrastructure)) for check in CHECKS}


def _names(infrastructure: Infrastructure) -> Iterator[str]:
    """Each name is declared, and what is declared is used."""
    for name, file in infrastructure.files.items():
        declared = {found.name for found in file.declarations if found.kind != "output"}
        used: set[str] = set()
        for declaration in file.declarations:
            for node in (declaration.value, declaration.condition):
                yield from (
                    f"{name} {declaration.name} names {unknown}, which is not declared"
                    for unknown in _free_names(node, frozenset(), used)
                    if unknown not in declared
                )
                for called in walk(node):
                    if isinstance(called, Call) and called.function not in FUNCTIONS:
                        yield f"{name} {declaration.name} calls {called.function}"
        for found in file.of("param", "var").values():
            if found.name not in used:
                yield f"{name} declares {found.name} and does not use it"


def _free_names(node: Any, bound: frozenset[str], used: set[str]) -> Iterator[str]:
    if isinstance(node, Name) and node.text not in bound:
        used.add(node.text)
        yield node.text
    if isinstance(node, Each | Lambda):
        bound |= {node.item}
    for part in parts(node):
        yield from _free_names(part, bound, used)


def _modules(infrastructure: Infrastructure) -> Iterator[str]:
    """Paths, parameters and outputs of modules fit."""
    modules = infrastructure.main.of("module")
    for module in modules.values():
        target = infrastructure.files.get(module.type)
        if target is None:
            yield f"main.bicep module {module.name}: there is no {module.type}"
            continue
        given = dict(module.value.get("params").items)
        wanted = target.of("param")
        for name in given.keys() - wanted.keys():
            yield f"main.bicep module {module.name} is given {name}, which it does not know"
        for name in wanted.keys() - given.keys():
            if wanted[name].value is None:
                yield f"main.bicep module {module.name} is not given {name}"
        for name in given.keys() & wanted.keys():
            kind = _kind(given[name], infrastructure)
            if kind not in {None, wanted[name].type}:
                yield f"main.bicep module {module.name}: {name} is {kind}"
    for path in infrastructure.files.keys() - {module.type for module in modules.values()}:
        if path != "main.bicep":
            yield f"{path} is used by nothing"


def _module_outputs(infrastructure: Infrastructure) -> Iterator[str]:
    for declaration in infrastructure.main.declarations:
        yield from _outputs(declaration, declaration.value, (), infrastructure)


def _outputs(
    declaration: Declaration, node: Any, known: tuple[Any, ...], infrastructure: Infrastructure
) -> Iterator[str]:
    """Outputs exist; those of a conditional module are asked only under its condition."""
    match node:
        case Member(Member(Name(name), "outputs"), output) if module := infrastructure.main.of(
            "module"
        ).get(name):
            target = infrastructure.files.get(module.type, File())
            if output not in target.of("output"):
                yield f"main.bicep {declaration.name} asks {name} for {output}, no output of it"
            if module.condition is not None and module.condition not in known:
                yield f"main.bicep {declaration.name} asks {name}, which may not be there"
        case Choice(condition, yes, no):
            yield from _outputs(declaration, yes, (*known, condition), infrastructure)
            yield from _outputs(
                declaration, no, (*known, Operation("!", (condition,))), infrastructure
            )
        case _:
            for part in parts(node):
                yield from _outputs(declaration, part, known, infrastructure)


def _kind(node: Any, infrastructure: Infrastructure) -> str | None:  # noqa: PLR0911  # one for each form
    """Return the type of an expression where it is plain to see."""
    match node:
        case bool() | Operation("!" | "&&" | "||" | "==" | "!=" | ">" | "<", _):
            return "bool"
        case int():
            return "int"
        case Text():
            return "string"
        case Fields():
            return "object"
        case Items() | Each() | Call("split" | "filter" | "map", _):
            return "array"
        case Call("min" | "max", _):
            return "int"
        case Name(name) if name in (declared := infrastructure.main.of("param", "var")):
            found = declared[name]
            return found.type or _kind(found.value, infrastructure)
        case Choice(_, yes, no):
            return _kind(yes, infrastructure) or _kind(no, infrastructure)
        case Member(Member(Name(name), "outputs"), output) if module := infrastructure.main.of(
            "module"
        ).get(name):
            target = infrastructure.files.get(module.type, File()).of("output").get(output)
            return target.type if target else None
    return None


def _parameters(infrastructure: Infrastructure) -> Iterator[str]:
    """main.parameters.json names parameters that exist, and repeats their defaults."""
    where = "main.parameters.json"
    given = json.loads((infrastructure.root / "infra" / where).read_text(encoding="utf-8"))
    wanted = infrastructure.main.of("param")
    scope = Scope(infrastructure.main, {})
    for name in given["parameters"].keys() - wanted.keys():
        yield f"{where} gives {name}, no parameter"
    for name, parameter in wanted.items():
        if "description" not in parameter.decorators:
            yield f"main.bicep parameter {name} is not described"
        if name not in given["parameters"]:
            yield f"{where} does not give {name}"
            continue
        found = _VARIABLE.fullmatch(given["parameters"][name]["value"])
        if found is None:
            yield f"{where} {name} is not a variable of the azd environment"
        elif parameter.value is None or found[2] is None:
            # Who deploys has a kind that azd may not say; everything else without default is azd's.
            if found[2] is not None or parameter.value is not None:
                yield f"{where} {name} has a default in one place only"
        elif (default := _as(parameter.type, found[2][1:])) != scope.value(parameter.value):
            yield f"{where} {name} has the default {default}, main.bicep another one"
        else:
            yield from _bounds(parameter, default, scope)


def _as(kind: str, text: str) -> Any:
    return int(text) if kind == "int" else text == "true" if kind == "bool" else text


def _bounds(parameter: Declaration, default: Any, scope: Scope) -> Iterator[str]:
    def said(name: str) -> Any:
        return scope.value(parameter.decorators[name][0]) if name in parameter.decorators else None

    allowed, least, most = said("allowed"), said("minValue"), said("maxValue")
    if (
        (allowed is not None and default not in allowed)
        or (least is not None and default < least)
        or (most is not None and default > most)
    ):
        yield f"main.bicep parameter {parameter.name} does not allow its default"


CHECKS: tuple[Check, ...] = (
    _names,
    _modules,
    _module_outputs,
    _parameters,
    azure.resources,
    azure.extensions,
    order,
    azure.roles,
    azure.no_secrets,
    azure.app_settings,
    azure.hook_settings,
    azure.azd,
    azure.connections,
    alerts,
)
