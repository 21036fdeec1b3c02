"""Reads certified metrics: several questions, one statement."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date
from difflib import get_close_matches
from typing import Any

import orjson

from zava.data.metrics.catalog import MONEY, Catalogue, Metric
from zava.data.metrics.catalog_page import OPENING, metric_page
from zava.data.metrics.compiler import compile_plans
from zava.data.metrics.planner import Plan, answer_names, plan
from zava.data.metrics.result_cache import ResultCache
from zava.data.session.results import EffectiveAccess
from zava.data.session.tenant_database import TenantDatabase
from zava.errors import InvalidInput, NotPermitted, ZavaError
from zava.model.audiences import Breadth, ReadingRole
from zava.model.core import Caller, Scope
from zava.model.coverage import unranked_labels
from zava.model.data_reach import DataReach, Places
from zava.model.domain import Domain
from zava.model.metrics import (
    Measured,
    MetricColumn,
    MetricQuery,
    MetricRows,
)

_MAX_OFFERED = 8
_MAX_VALUE_CHARACTERS = 60
_NEARLY = 0.8
"""How alike a store's name has to be to one of the caller's own (difflib's ratio)."""


class MetricReader:
    """The data layer of the metric tools.

    `offer_refresh` is called after figures were read anew. `day_in` returns the date in a time
    zone. `page_opening` begins the page of the catalogue. Without `reads_sums` every figure is read
    from the facts, which is how tests check the sums.
    """

    def __init__(
        self,
        tenancy: TenantDatabase,
        cache: ResultCache,
        catalogue: Catalogue,
        *,
        offer_refresh: Callable[[], None] = lambda: None,
        day_in: Callable[[str], date] | None = None,
        reads_sums: bool = True,
        page_opening: str = OPENING,
    ) -> None:
        self._page_opening = page_opening
        self._tenancy = tenancy
        self._cache = cache
        self._catalogue = catalogue
        self._offer_refresh = offer_refresh
        self._day_in = day_in
        self._reads_sums = reads_sums
        self._home = Places.of(catalogue.domain)

    async def measure(
        self,
        caller: Caller,
        queries: Mapping[str, MetricQuery],
        again: Callable[[date], Mapping[str, MetricQuery]] | None = None,
    ) -> Measured:
        """Answer questions by name, all from one statement.

        `again` makes the questions of another day: that of the caller's stores, where it differs.

        Raises:
            InvalidInput: a name, value or combination is not one that the catalogue allows, or
                amounts cannot be converted.
            NotPermitted: a metric or a store is not this caller's.
        """
        plans = {name: self._plan(query) for name, query in queries.items()}
        access = await self._tenancy.effective_access(caller)
        reach = self._reach(access)
        places = reach.places or self._home
        if places != self._home:
            today = min(places.days.values(), default=None)
            if again is not None and today is not None:
                queries = again(today)
            plans = {name: self._plan(query, places) for name, query in queries.items()}
        if access.role.reads_personal:
            plans = {name: _with_names(each) for name, each in plans.items()}
        for name, each in plans.items():
            plans[name] = _within_reach(self._permitted(each, access.role), reach)
        sql, params = compile_plans(plans, self._catalogue)
        kept = await self._cache.read(caller, access, sql, params)
        if not kept.is_cached:
            self._offer_refresh()
        documents, scope = kept.reading.rows[0], kept.reading.scope
        for document in documents.values():
            _check_matched(self._catalogue, document, scope)
        return Measured(
            answers={
                name: _rows(plans[name], document, places.answered_in)
                for name, document in documents.items()
            },
            scope=scope,
            as_of=kept.as_of,
            is_cached=kept.is_cached,
            reach=reach,
            queries=queries,
        )

    def _reach(self, access: EffectiveAccess) -> DataReach:
        """Return how far the caller's data reach, with the date in each of their zones."""
        reach = DataReach.read(orjson.loads(access.reach), self._catalogue.domain)
        places = reach.places or self._home
        if self._day_in is None or places == self._home:
            return reach
        days = {zone: self._day_in(zone) for zone in places.zones}
        return replace(reach, places=replace(places, days=days))

    def describe(self) -> str:
        """Return the catalogue as a page that people and models read."""
        return metric_page(self._catalogue, self._page_opening)

    def _plan(self, query: MetricQuery, places: Places | None = None) -> Plan:
        found = plan(query, self._catalogue, reads_sums=self._reads_sums, places=places)
        if places is not None and found.is_converted and places.without_rate:
            raise InvalidInput(
                f"metrics: amounts in {', '.join(places.without_rate)} have no exchange rate to"
                f" {places.listed}.",
                hint="Load exchange_rates with zava import. Counts and units need none.",
            )
        return found

    def _permitted(self, asked: Plan, role: ReadingRole) -> Plan:
        """Refuse metrics that the database's column grants withhold, with a hint."""
        self._check_open(asked, role)
        of_persons = [metric.name for metric in asked.metrics if metric.needs_persons]
        if of_persons and not (role.reads_personal and role.audience.breadth is Breadth.ALL):
            raise NotPermitted(
                f"{', '.join(of_persons)}: who is one person at several stores is for the head"
                " office, where its grant and token allow personal data.",
                hint="Use customers, which counts the customers of each store.",
            )
        refused = [metric.name for metric in asked.metrics if metric.is_restricted]
        if not refused or role.audience.reads_restricted:
            return asked
        if asked.query.leaves_out_restricted:
            kept = tuple(m.name for m in asked.metrics if not m.is_restricted)
            return self._plan(replace(asked.query, metrics=kept), asked.places)
        open_metrics = [
            metric.name
            for metric in self._catalogue.metrics.values()
            if not metric.is_restricted and not metric.needs_persons
        ]
        raise NotPermitted(
            f"{', '.join(refused)}: {self._catalogue.domain.restricted_reason}.",
            hint=f"You may query {', '.join(open_metrics)}.",
        )

    def _check_open(self, asked: Plan, role: ReadingRole) -> None:
        audience = role.audience.name
        split = [*asked.dimensions, *(condition.dimension for condition in asked.conditions)]
        for kind, named, known in (
            ("metrics", asked.metrics, self._catalogue.metrics),
            ("dimensions", split, self._catalogue.dimensions),
        ):
            closed = dict.fromkeys(each.name for each in named if audience in each.closed_to)
            if closed:
                is_open = [each.name for each in known.values() if audience not in each.closed_to]
                raise NotPermitted(
                    f"{kind}: {', '.join(closed)} is not open to you.",
                    hint=f"You may query {', '.join(is_open) or 'none'}.",
                )


def _with_names(asked: Plan) -> Plan:
    """Return the plan with the names of persons, for a caller who may read personal data."""
    return replace(
        asked,
        dimensions=tuple(dimension.with_names() for dimension in asked.dimensions),
        conditions=tuple(
            replace(condition, dimension=condition.dimension.with_names())
            for condition in asked.conditions
        ),
    )


def _within_reach(asked: Plan, reach: DataReach) -> Plan:
    """Return the plan with what the loaded orders leave out of its period."""
    query = asked.query
    if not asked.is_of_period:
        return asked
    own = reach.within(query.filters)
    names = [dimension.name for dimension in asked.dimensions]
    return replace(
        asked,
        query=replace(query, period=replace(query.period, cut=own.cut(query.period, query.today))),
        unranked=unranked_labels(names, query.period, own, query.today, query.fiscal),
        missing_days=own.missing_days(query.period, query.today),
    )


def unit_of(metric: Metric, currency: str) -> str:
    """Return the unit of a metric's values in an answer."""
    return currency if metric.unit == MONEY else metric.unit


def _rows(asked: Plan, document: Mapping[str, Any], currency: str) -> MetricRows:
    columns = [
        MetricColumn(dimension.name, None, dimension.is_outside_text)
        for dimension in asked.dimensions
    ]
    for metric in asked.metrics:
        for name in answer_names(metric, asked.query.compare):
            unit = "percent" if name.endswith("_change_percent") else unit_of(metric, currency)
            columns.append(
                MetricColumn(
                    name,
                    unit,
                    adds_up_over_days="day" in metric.additive_over,
                    compares_years=metric.compares_years,
                )
            )
    return MetricRows(
        columns=tuple(columns),
        rows=document["rows"] or [],
        totals=document["totals"] or [],
        group_count=document["groups"],
        period=asked.period(asked.query.alone) if asked.is_of_period else None,
        compared=asked.period(asked.query.compare) if asked.query.compare else None,
        is_converted=asked.is_converted,
        partial={store: f"closed after {day}" for store, day in (document["closed"] or {}).items()},
    )


def _check_matched(catalogue: Catalogue, document: Mapping[str, Any], scope: Scope) -> None:
    """Refuse a filter's value that nothing in scope bears: its zero would read like an answer."""
    for missing in document["unmatched"] or ():
        dimension, value = missing["dimension"], missing["value"][:_MAX_VALUE_CHARACTERS]
        existing = document["existing"].get(dimension) or []
        if dimension == "store" and catalogue.domain.words is None:
            raise _no_such_store(catalogue.domain, value, scope)
        folded = {text.casefold(): text for text in existing}
        wanted = value.casefold()
        near = [text for key, text in folded.items() if wanted in key]
        near += [folded[key] for key in get_close_matches(wanted, folded, _MAX_OFFERED, 0.5)]
        offered = list(dict.fromkeys(near or sorted(existing)))[:_MAX_OFFERED]
        raise InvalidInput(
            f"filters: no {dimension} in your scope is named {value!r}.",
            hint=f"{'Nearest' if near else 'There is'}: {', '.join(offered)}."
            if offered
            else catalogue.lookup,
        )


def _no_such_store(domain: Domain, name: str, scope: Scope) -> ZavaError:
    """Return the one answer for another's store and for a store that does not exist.

    A name that is nearly one of the caller's own is a mistake in writing, and no denied call.
    """
    message = f"No store in your scope is named {name[:_MAX_VALUE_CHARACTERS]!r}."
    own = {domain.short_name(store): store for store in scope.stores}
    near = get_close_matches(domain.short_name(name), own, 1, _NEARLY)
    if near:
        return InvalidInput(message, hint=f"Nearest: {own[near[0]]}.")
    seen = ", ".join(scope.stores[:_MAX_OFFERED]) or "none"
    hint = f"You see {len(scope.stores)} of {scope.store_count} stores: {seen}."
    if len(scope.stores) < scope.store_count:
        hint += f" {domain.peers_hint}"
    return NotPermitted(message, hint=hint)
