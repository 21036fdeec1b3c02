"""Checks of the alert rules against what the product emits."""

from collections.abc import Iterator
from typing import Any

from tests.infra.evaluation import Scope
from tests.infra.incidents import INCIDENTS, tables_after
from tests.infra.infrastructure import Infrastructure
from tests.infra.kql import Query, QueryError, read_query
from zava.telemetry.instruments import INSTRUMENTS

_WHERE = "modules/alerts.bicep"
_DIMENSIONS = "customDimensions"


def alerts(infrastructure: Infrastructure) -> Iterator[str]:
    """Each rule can be run, names what there is, and tells of its own incident and no other."""
    fires: dict[str, tuple[Query, float]] = {}
    for rule in rules_of(infrastructure):
        name = rule["name"].removeprefix("zava-")
        (criterion,) = rule["properties"]["criteria"]["allOf"]
        try:
            query = read_query(criterion["query"])
        except QueryError as error:
            yield f"{_WHERE} {name} {error}"
            continue
        yield from (f"{_WHERE} {name} {found}" for found in _unknown(query))
        if query.measured != criterion["metricMeasureColumn"]:
            yield f"{_WHERE} {name} measures {criterion['metricMeasureColumn']}, which is not there"
        if (criterion["operator"], criterion["timeAggregation"]) != ("GreaterThan", "Total"):
            yield f"{_WHERE} {name} is compared in a way that is not known here"
        if not rule["properties"]["actions"]["actionGroups"] or not rule["properties"]["enabled"]:
            yield f"{_WHERE} {name} tells nobody"
        fires[name] = query, criterion["threshold"]
    for incident, expected in INCIDENTS.items():
        what = incident.__name__.strip("_").replace("_", " ")
        told = {
            name
            for name, (query, threshold) in fires.items()
            if query.over(tables_after(incident)) > threshold
        }
        if told != {expected} - {None}:
            yield f"{_WHERE} {what} is told by {', '.join(sorted(told)) or 'no rule'}"


def rules_of(infrastructure: Infrastructure) -> list[dict[str, Any]]:
    """Return the rules as Azure is given them."""
    file = infrastructure.files[_WHERE]
    given = {found.name: found.name for found in file.of("param").values()}
    scope = Scope(file, {**given, "tags": {}, "group": {"id": "group"}})
    rules: list[dict[str, Any]] = scope.value(file.of("resource")["alerts"].value)
    return rules


def _unknown(query: Query) -> Iterator[str]:
    """Yield the metrics, labels and values that the product does not have."""
    if query.table != "customMetrics":
        return
    named = [one.text for one in query.conditions if one.column == "name"]
    if len(named) != 1 or named[0] not in INSTRUMENTS:
        yield f"names {', '.join(named) or 'no metric'}, no metric of ours"
        return
    labels = dict(INSTRUMENTS[named[0]].labels)
    for condition in query.conditions:
        if condition.column == _DIMENSIONS and condition.text not in labels.get(
            condition.member, ()
        ):
            yield f"wants {condition.member} {condition.text}, which {named[0]} never has"
