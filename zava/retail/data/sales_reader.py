"""Reads certified metrics of the retail data, and a caller's place in the chain."""

from datetime import date

from zava.data.metrics.compiler import compile_plans
from zava.data.metrics.reader import MetricReader, unit_of
from zava.data.named_queries import statement
from zava.errors import InvalidInput
from zava.model.core import Caller
from zava.model.metrics import MetricQuery, Period
from zava.retail.sales_values import ChainComparison

CHAIN_METRICS = ("revenue", "orders", "average_order_value", "customers", "units", "discount_rate")
"""What zava.chain_quartiles knows; anything else it answers with nothing."""

_MAX_STORES = 100


class SalesReader(MetricReader):
    """The data layer of the tools for sales."""

    async def chain(
        self, caller: Caller, metric: str, period: Period, today: date
    ) -> ChainComparison:
        """Read the caller's values and the chain's quartiles, which may be withheld.

        Both are in the currency of the chain.

        Raises:
            InvalidInput: the metric is not one that is compared with the chain, or its amounts
                cannot be converted.
        """
        asked = self._catalogue.metric(metric, "metric")
        if asked.name not in CHAIN_METRICS:
            raise InvalidInput(
                f"metric: {asked.name} is not compared with the chain.",
                hint=f"Use {', '.join(CHAIN_METRICS)}.",
            )
        query = MetricQuery((asked.name,), period, today, dimensions=("store",), limit=_MAX_STORES)
        access = await self._tenancy.effective_access(caller)
        reach = self._reach(access)
        places = (reach.places or self._home).in_listed()
        plans = {"own": self._plan(query, places)}
        sql, params = compile_plans(plans, self._catalogue)
        compared = statement("chain_quartiles", "zava.retail.data")
        values = {"metric": asked.name, "start": str(period.start), "end": str(period.end)}
        kept = await self._cache.read(
            caller, access, f"{sql},\n{compared}", {**params, "chain": values}
        )
        row, scope = kept.reading.rows[0], kept.reading.scope
        chain = row["chain"]
        return ChainComparison(
            metric=asked.name,
            unit=unit_of(asked, places.answered_in),
            period=period,
            own=dict(row["own"]["rows"] or []),
            store_count=chain["store_count"] if chain else None,
            quartiles=(chain["lower_quartile"], chain["median"], chain["upper_quartile"])
            if chain
            else None,
            scope=scope,
            as_of=kept.as_of,
            is_cached=kept.is_cached,
            reach=reach,
        )
