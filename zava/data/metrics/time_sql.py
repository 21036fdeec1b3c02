"""The SQL of a plan's days and moments: labels of time, midnights, ends of periods under way."""

from datetime import date, time, timedelta
from typing import Any

from zava.data.metrics.catalog import Source
from zava.data.metrics.fact_scans import Parameter, Reads
from zava.data.metrics.place_sql import PlaceSql
from zava.data.metrics.planner import Plan
from zava.model.metrics import Comparison
from zava.model.time_labels import units_in

TOMORROW = "tomorrow"


class TimeSql:
    """What the statement of a plan needs of its times; each value is read from its parameter."""

    def __init__(self, plan: Plan, place_sql: PlaceSql, parameter: Parameter, reads: Reads) -> None:
        self._plan = plan
        self._place_sql = place_sql
        self._zone = place_sql.zone
        self._parameter = parameter
        self._reads = reads

    def _rate_day(self, source: Source) -> str:
        """Return the day by whose rate a row is converted: today's where it has no time."""
        return f"{self._local(source)}::date" if source.moment else "({tomorrow} - 1)"

    def _fiscal_label(self, dimension: str, local: str) -> str:
        """Return the label of a fiscal unit: its days are listed, and a moment is looked up there.

        A moment of a compared period is moved into the period itself, so its labels are enough.
        """
        query = self._plan.query
        units = list(units_in(query.period, dimension, query.fiscal))
        parts = []
        for kind, values in (
            ("unit", [label for label, _, _ in units]),
            ("unit_start", [start.isoformat() for _, start, _ in units]),
        ):
            given = f"$1->'{self._parameter.key(kind, values)}'"
            parts.append(f"ARRAY(SELECT v FROM jsonb_array_elements_text({given}) AS v)")
        labels, starts = parts
        named = self._reads.name(
            "fiscal", f"MATERIALIZED (SELECT {labels} AS labels, {starts}::timestamp[] AS starts)"
        )
        place = f"width_bucket({local}, (SELECT f.starts FROM {named} AS f))"
        return f"((SELECT f.labels FROM {named} AS f))[{place}]"

    def _local(self, source: Source) -> str:
        if source.sums is not None:  # a date of the stores' own time
            return f"{source.moment}::timestamp"
        moment = (source.moment or "").replace("{zone}", self._zone)
        return f"({moment} AT TIME ZONE {self._zone})"

    def _day(self, name: str) -> str:
        """Return one of the days that a question has."""
        query = self._plan.query
        if name == TOMORROW:
            return f"({self._date(query.today)} + 1)"
        if name == "year_before":
            return self._date(self._plan.period(Comparison.PREVIOUS_YEAR).start)
        return self._date(min(query.period.last_day, query.today))

    def _midnight(self, day: date) -> str:
        return f"{self._date(day)}::timestamp AT TIME ZONE {self._zone}"

    def _moment(self, end: date, cut: time) -> str:
        """Return the moment of the day before `end` at which its orders are loaded no further.

        In several zones it is the same moment everywhere: a store may have the whole day by then.
        """
        if self._place_sql.places.one_zone is not None:
            last = self._value("moment", f"{end - timedelta(days=1)} {cut}")
            return f"{last}::timestamp AT TIME ZONE {self._zone}"
        today = self._plan.query.today
        loaded = f"{self._value('moment', f'{today} {cut}')}::timestamp"
        latest = f"'{self._place_sql.places.latest_zone}'"
        local = f"(({loaded} AT TIME ZONE {latest}) AT TIME ZONE {self._zone})"
        time_of_day = f"{local} - {self._date(today)}::timestamp"
        shown = f"least({time_of_day}, interval '1 day' - interval '1 microsecond')"
        last_day = f"{self._date(end - timedelta(days=1))}::timestamp"
        return f"({last_day} + {shown}) AT TIME ZONE {self._zone}"

    def _date(self, day: date) -> str:
        return f"{self._value('day', day.isoformat())}::date"

    def _value(self, kind: str, value: Any) -> str:
        return f"($1->>'{self._parameter.key(kind, value)}')"
