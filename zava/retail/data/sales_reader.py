"""Reads certified metrics of the retail data, and a caller's place in the chain."""

from datetime import date

import orjson

from zava.data.metrics.compiler import compile_plans
from zava.data.metrics.reader import MetricReader
from zava.data.named_queries import statement
from zava.errors import InvalidInput
from zava.model.core import Caller
from zava.model.data_reach import DataReach
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

        Raises:
            InvalidInput: the metric is not one that is compared with the chain.
        """
        asked = self._catalogue.metric(metric, "metric")
        if asked.name not in CHAIN_METRICS:
            raise InvalidInput(
                f"metric: {asked.name} is not compared with the chain.",
                hint=f"Use {', '.join(CHAIN_METRICS)}.",
            )
        query = MetricQuery((asked.name,), period, today, dimensions=("store",), limit=_MAX_STORES)
        plans = {"own": self._plan(query)}
        sql, params = compile_plans(plans, self._catalogue)
        compared = statement("chain_quartiles", "zava.retail.data")
        values = {"metric": asked.name, "start": str(period.start), "end": str(period.end)}
        access = await self._tenancy.effective_access(caller)
        kept = await self._cache.read(
            caller, access, f"{sql},\n{compared}", {**params, "chain": values}
        )
        row, scope = kept.reading.rows[0], kept.reading.scope
        chain = row["chain"]
        return ChainComparison(
            metric=asked.name,
            unit=asked.unit,
            period=period,
            own=dict(row["own"]["rows"] or []),
            store_count=chain["store_count"] if chain else None,
            quartiles=(chain["lower_quartile"], chain["median"], chain["upper_quartile"])
            if chain
            else None,
            scope=scope,
            as_of=kept.as_of,
            is_cached=kept.is_cached,
            reach=DataReach.read(orjson.loads(access.reach), self._catalogue.domain),
        )
