"""Compile plans into one statement: each fact at its own grain, then joined by label.

Every identifier and every piece of SQL comes from the catalogue. A caller's values are read from
the statement's one parameter, by keys that this module makes. The stores are narrowed twice: by
the row policies, and by the list of visible stores that every fact is compared with.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from zava.data.metrics.catalog import (
    FORMULA_PLACES,
    MONEY,
    PLACE_PLACES,
    REFERENCE,
    SUMMED_UNITS,
    UNITS,
    Catalogue,
    Source,
)
from zava.data.metrics.conditions import Condition
from zava.data.metrics.fact_scans import Aggregate, Fact, Label, Parameter, Reads
from zava.data.metrics.place_sql import VISIBLE, PlaceSql
from zava.data.metrics.planner import STORE, Measure, Plan, answer_names
from zava.data.metrics.sum_pieces import Pieces, UnitPart, pieces
from zava.data.metrics.time_sql import TOMORROW, TimeSql
from zava.model.data_reach import Places
from zava.model.metrics import Comparison
from zava.model.time_labels import FISCAL_UNITS

_DAYS = frozenset({TOMORROW, "year_before", "last_day"})


def compile_plans(plans: Mapping[str, Plan], catalogue: Catalogue) -> tuple[str, dict[str, Any]]:
    """Return one statement of one row, a JSON document for each plan, and its parameter."""
    parameter, reads = Parameter(), Reads()
    compilers = {name: _Compiler(plan, catalogue, parameter, reads) for name, plan in plans.items()}
    parts = iter(reads.share([fact for each in compilers.values() for fact in each.facts]))
    documents = [
        f'({compiler.document([part for _ in compiler.facts for part in next(parts)])}) AS "{name}"'
        for name, compiler in compilers.items()
    ]
    return f"WITH {reads.clause()}\nSELECT " + ",\n".join(documents), parameter.values


class _Compiler(TimeSql):
    """One plan, as part of a statement whose values and reads are shared."""

    def __init__(
        self, plan: Plan, catalogue: Catalogue, parameter: Parameter, reads: Reads
    ) -> None:
        places = PlaceSql(plan.places or Places.of(catalogue.domain), catalogue)
        super().__init__(plan, places, parameter, reads)
        self._catalogue = catalogue
        self._visible = reads.name("visible", self._visible_stores())
        self._labels = [f"d{number}" for number in range(len(plan.dimensions))]
        self._measures = {m.key: f"m{number}" for number, m in enumerate(plan.measures)}
        self._columns = [
            name for metric in plan.metrics for name in answer_names(metric, plan.query.compare)
        ]

        # Each source in each period is read once, for all that is computed from it.
        read: dict[tuple[str, Comparison | None], list[Measure]] = {}
        for measure in plan.measures:
            read.setdefault((measure.source.name, measure.of), []).append(measure)
        self.facts = [self._fact(measures) for measures in read.values()]

    def document(self, parts: Sequence[Fact]) -> str:
        """Return the SELECT of one JSON object: rows, totals, groups, unmatched, existing.

        `parts` bring the aggregates of the plan's facts.
        """
        cells = ", ".join([*self._labels, *(f'"{column}"' for column in self._columns)])
        rows = f"(SELECT json_agg(json_build_array({cells}) ORDER BY place) FROM ranked WHERE %s)"
        facts = [f"fact{number} AS ({part.select()})" for number, part in enumerate(parts)]
        shown = f"place <= {self._value('limit', self._plan.query.limit)}::integer"
        return f"""
WITH {", ".join([*facts, *self._side_by_side(parts)])}
SELECT json_build_object(
  'rows', {rows % f"level = 0 AND {shown}"},
  'totals', {rows % f"level > 0 AND {shown}"},
  'groups', (SELECT count(*) FROM ranked WHERE level = 0),
  'unmatched', {self._unmatched()},
  'existing', {self._existing()},
  'closed', {self._closed()})"""

    def _visible_stores(self) -> str:
        tests = [
            self._test(condition)
            for condition in self._plan.conditions
            if condition.dimension.is_of_store
        ]
        query = self._plan.query
        if query.of_open_stores is not None:
            sign = ">=" if query.of_open_stores else "<"
            tests.append(f"s.closed_on {sign} {self._date(query.today)}")
        stores = self._catalogue.stores.replace("{zone}", self._zone)
        stores = stores.replace("{place}", self._place_sql.columns)
        return f"""MATERIALIZED (
  SELECT s.* FROM (
{stores}) AS s
  WHERE {" AND ".join(tests) or "true"})"""

    def _fact(self, measures: Sequence[Measure]) -> Fact:
        """Return one source in one period, by the labels and, if requested, their totals."""
        source, of = measures[0].source, measures[0].of
        return Fact(
            relation=self._relation(source, of),
            joins=self._joins(source, measures, of),
            where=" AND ".join(self._where(source, of)),
            labels=tuple(
                Label(d.name, self._filled(d.expression, source, of)) for d in self._plan.dimensions
            ),
            with_totals=self._plan.query.with_totals,
            aggregates=tuple(
                Aggregate(
                    self._measures[m.key],
                    self._filled(m.metric.expressions[source.name], source, of),
                    () if source.is_per_store else m.metric.additive_over,
                )
                for m in measures
            ),
            by_store=source.store if source.is_per_store else None,
        )

    def _relation(self, source: Source, of: Comparison | None) -> str:
        """Return the rows of a source; of sums, those of the period alone."""
        if source.sums not in SUMMED_UNITS:
            return self._filled(source.relation, source, of)
        period = self._plan.period(of)
        found = pieces(period, source.sums, period.cut if of else None)
        name, _, alias = source.relation.partition(" AS ")
        unit = (source.moment or "").replace(f"{alias}.", "r.")
        if source.is_read_once:
            name = self._read_once(source, name, unit, alias, found)
        since, until = self._date(found.start), self._date(found.end)
        whole = f"SELECT r.* FROM {name} AS r WHERE {unit} >= {since} AND {unit} < {until}"
        read = [whole, *(self._part(source, part, of) for part in found.parts)]
        return f"({' UNION ALL '.join(read)}) AS {alias}"

    def _read_once(self, source: Source, name: str, unit: str, alias: str, found: Pieces) -> str:
        """Return the table of a source's whole units in all periods of the statement."""
        since, until = self._parameter.widen(
            source.name, found.start.isoformat(), found.end.isoformat()
        )
        store = source.store.replace(f"{alias}.", "r.")
        return self._reads.name(
            source.name,
            f"(SELECT r.* FROM {name} AS r"
            f" WHERE {unit} >= ($1->>'{since}')::date AND {unit} < ($1->>'{until}')::date"
            f" AND {store} = ANY (ARRAY(SELECT v.store_id FROM {self._visible} AS v)))",
        )

    def _part(self, source: Source, part: UnitPart, of: Comparison | None) -> str:
        """Return the rows of a part of a unit, from the facts."""
        until = f"< ({self._midnight(part.end)})"
        if part.cut is not None:
            until = f"<= ({self._moment(part.end, part.cut)})"
        sql = (source.part or "").replace("{since}", f"({self._midnight(part.start)})")
        return self._filled(sql.replace("{until}", until), source, of)

    def _joins(
        self, source: Source, measures: Sequence[Measure], of: Comparison | None
    ) -> tuple[str, ...]:
        needed = self._needed_joins(measures)
        return tuple(
            self._filled(sql, source, of)
            for name, sql in self._catalogue.joins.items()
            if name in needed and name not in source.provides
        )

    def _needed_joins(self, measures: Sequence[Measure]) -> set[str]:
        needed = {join for measure in measures for join in measure.metric.joins}
        for dimension in self._split():
            needed.update(dimension.joins)
        expressions = (m.metric.expressions[m.source.name] for m in measures)
        return needed | self._place_sql.joins(*expressions)

    def _split(self) -> list[Any]:
        filtered = [c.dimension for c in self._plan.conditions if not c.dimension.is_of_store]
        return [*self._plan.dimensions, *filtered]

    def _where(self, source: Source, of: Comparison | None) -> list[str]:
        tests = [source.where]
        if source.store:
            tests.append(
                f"{source.store} = ANY (ARRAY(SELECT v.store_id FROM {self._visible} AS v))"
            )
        if source.moment and source.sums is None:
            period, moment = self._plan.period(of), self._filled(source.moment, source, of)
            tests.append(f"{moment} >= ({self._midnight(period.start)})")
            if of is None or period.cut is None:
                tests.append(f"{moment} < ({self._midnight(period.end)})")
            else:  # no longer than the orders of the day under way are loaded
                tests.append(f"{moment} <= ({self._moment(period.end, period.cut)})")
        tests += [
            self._filled(self._test(condition), source, of)
            for condition in self._plan.conditions
            if not condition.dimension.is_of_store
        ]
        return tests

    def _test(self, condition: Condition) -> str:
        """Return one filter; text is compared without case, labels of time by their order."""
        dimension, op = condition.dimension, condition.op
        given = self._given(condition)
        if dimension.pattern is None:
            texts = dimension.matches or (dimension.expression,)
            test = _any_text(texts, given, op)
            return f"NOT {test}" if op == "!=" else test
        label = f'({dimension.expression} COLLATE "C")'
        if op == "in":
            return f"{label} IN (SELECT v FROM jsonb_array_elements_text({given}) AS v)"
        if op == "!=":
            return f"{label} <> ALL (SELECT v FROM jsonb_array_elements_text({given}) AS v)"
        if op == "between":
            return f"{label} BETWEEN {given}->>0 AND {given}->>1"
        return f"{label} {op} {given}->>0"

    def _given(self, condition: Condition) -> str:
        key = self._parameter.key("filter", [value.strip() for value in condition.values])
        return f"$1->'{key}'"

    def _side_by_side(self, parts: Sequence[Fact]) -> list[str]:
        """Stack the facts and fold them by label: a NULL label of a total meets its own kind."""
        by = ", ".join(["level", *self._labels])
        stacked = []
        for number, part in enumerate(parts):
            own = {each.column for each in part.aggregates}
            columns = [
                name if name in own else f"NULL::numeric AS {name}"
                for name in self._measures.values()
            ]
            stacked.append(f"SELECT {by}, {', '.join(columns)} FROM fact{number}")
        folded = [
            f"coalesce(max({name}), 0) AS {name}"
            if self._catalogue.metrics[metric].unit in {MONEY, "count"}
            and self._catalogue.metrics[metric].additive_over
            else f"max({name}) AS {name}"
            for (metric, _), name in self._measures.items()
        ]
        order = [*self._order(), *(f'{label} COLLATE "C"' for label in self._labels)]
        places = f"PARTITION BY level ORDER BY {', '.join(order)}"
        return [
            f"stacked AS ({' UNION ALL '.join(stacked)})",
            f"folded AS (SELECT {by}, {', '.join(folded)} FROM stacked GROUP BY {by})",
            f"figured AS (SELECT {by}, {', '.join(self._figures())} FROM folded)",
            f"compared AS (SELECT {by}, {', '.join(self._compared())} FROM figured)",
            f"ranked AS (SELECT *, row_number() OVER ({places}) AS place FROM compared)",
        ]

    def _figures(self) -> list[str]:
        compare, alone = self._plan.query.compare, self._plan.query.alone
        return [
            f"round({self._formula(metric.formula or f'{{{metric.name}}}', of)},"
            f' {UNITS[metric.unit]}) AS "{metric.name}{suffix}"'
            for metric in self._plan.metrics
            for suffix, of in [("", alone), *([("_previous", compare)] if compare else [])]
        ]

    def _compared(self) -> list[str]:
        columns = []
        for column in self._columns:
            if column.endswith("_change_percent"):
                name = column.removesuffix("_change_percent")
                sql = (
                    f'round(100 * ("{name}" - "{name}_previous") / nullif("{name}_previous", 0), 2)'
                )
            elif column.endswith("_change"):
                name = column.removesuffix("_change")
                sql = f'"{name}" - "{name}_previous"'
            else:
                sql = f'"{column}"'
            columns.append(f'{sql} AS "{column}"')
        return columns

    def _formula(self, formula: str, of: Comparison | None) -> str:
        def measure(match: Any) -> str:
            name, year = match.groups()
            if name in FORMULA_PLACES:
                days = max(1, self._plan.period(of).days - self._plan.missing_days)
                return f"{self._value(name, days)}::numeric"
            return self._measures[name, Comparison.PREVIOUS_YEAR if year else of]

        return REFERENCE.sub(measure, formula)

    def _order(self) -> list[str]:
        labels = {d.name: f'd{n} COLLATE "C"' for n, d in enumerate(self._plan.dimensions)}
        order = []
        if self._plan.order[0].by not in labels:
            for number, dimension in enumerate(self._plan.dimensions):
                if unranked := self._plan.unranked.get(dimension.name):
                    given = f"$1->'{self._parameter.key('unranked', list(unranked))}'"
                    listed = f"SELECT v FROM jsonb_array_elements_text({given}) AS v"
                    order.append(f"d{number} IN ({listed})")
            if self._plan.is_ranking_of_stores:
                place = [d.name for d in self._plan.dimensions].index(STORE)
                closed = f"SELECT s.store_name FROM {self._visible} AS s WHERE {self._is_closed()}"
                order.append(f"d{place} IN ({closed})")
        for key in self._plan.order:
            column = labels.get(key.by) or f'"{key.by}"'
            order.append(f"{column} {'DESC' if key.is_descending else 'ASC'} NULLS LAST")
        return order

    def _unmatched(self) -> str:
        """Return the filters' values that nothing in scope bears."""
        looked = [
            f"SELECT '{c.dimension.name}' AS dimension, v AS value"
            f" FROM jsonb_array_elements_text({self._given(c)}) AS v"
            f" WHERE NOT EXISTS (SELECT FROM {c.dimension.relation} WHERE {_bears(c)})"
            for c in self._plan.conditions
            if c.dimension.relation
        ]
        if not looked:
            return "NULL::json"
        return f"(SELECT json_agg(u) FROM ({' UNION ALL '.join(looked)}) AS u)"

    def _closed(self) -> str:
        """Return the stores that closed within the period, with their last day."""
        if not self._plan.is_ranking_of_stores:
            return "NULL::json"
        return (
            "(SELECT json_object_agg(s.store_name, s.closed_on)"
            f" FROM {self._visible} AS s WHERE {self._is_closed()})"
        )

    def _is_closed(self) -> str:
        period = self._plan.query.period
        return (
            f"s.closed_on >= {self._date(period.start)} AND s.closed_on < {self._day('last_day')}"
        )

    def _existing(self) -> str:
        """Return the values that exist in scope, of filtered dimensions that are ours to name."""
        dimensions = {
            c.dimension.name: c.dimension
            for c in self._plan.conditions
            if c.dimension.relation and not c.dimension.is_outside_text
        }
        listed = [
            f"'{name}', (SELECT json_agg(DISTINCT {d.expression}) FROM {d.relation})"
            for name, d in dimensions.items()
        ]
        return f"json_build_object({', '.join(listed)})"

    def _filled(self, sql: str, source: Source, of: Comparison | None) -> str:
        return REFERENCE.sub(lambda match: self._place(match[1], source, of), sql)

    def _place(self, name: str, source: Source, of: Comparison | None) -> str:
        if name in self._catalogue.shared:
            from_sums = self._catalogue.shared_from_sums if self._plan.reads_sums else {}
            sql = from_sums.get(name) or self._catalogue.shared[name]
            shared = self._filled(sql, source, of)
            return self._reads.name(name, f"({shared})")
        if name in _DAYS:
            return self._day(name)
        if name in FISCAL_UNITS:
            return self._fiscal_label(name, self._place("local", source, of))
        if name in PLACE_PLACES:
            return self._filled(self._place_sql.text(name, self._rate_day(source)), source, of)
        if name == "local":
            local = self._local(source)
            if of not in {Comparison.PREVIOUS_YEAR, Comparison.PREVIOUS_YEAR_DATE}:
                return local
            # A year earlier stands under the label that it is compared with.
            days = self._plan.period(of).days_earlier
            return f"({local} + interval '{f'{days} days' if days else '1 year'}')"
        if name == "clock":
            return self._local(source)
        return {
            VISIBLE: self._visible,
            "store": source.store,
            "product": source.product or "",
            "customer": source.customer or "",
        }[name]


def _any_text(texts: Sequence[str], given: str, op: str) -> str:
    """Return the test that one of a row's texts is, or contains, one of the given values."""
    if op == "contains":
        found = " OR ".join(f"strpos(lower({text}), lower(v)) > 0" for text in texts)
        return f"EXISTS (SELECT FROM jsonb_array_elements_text({given}) AS v WHERE {found})"
    wanted = f"(SELECT lower(v) FROM jsonb_array_elements_text({given}) AS v)"
    return "(" + " OR ".join(f"lower({text}) IN {wanted}" for text in texts) + ")"


def _bears(condition: Condition) -> str:
    """Return the test that a row of the dimension's relation bears the value `v`."""
    texts = condition.dimension.matches
    if condition.op == "contains":
        return " OR ".join(f"strpos(lower({text}), lower(v)) > 0" for text in texts)
    return f"lower(v) IN ({', '.join(f'lower({text})' for text in texts)})"
