"""The SQL of a row's time zone and currency.

Where all stores share both, it is a constant zone and nothing else: no store is joined.
"""

from collections.abc import Iterable

from zava.data.metrics.catalog import LIST_RATE, SALE_RATE, Catalogue
from zava.model.data_reach import Places

VISIBLE, RATES = "visible", "rate_days"
"""The joins of the stores of a row, and of the rate of its currency and day."""

_STORES, _RATES = "s", "y"


def is_converted(expressions: Iterable[str], places: Places) -> bool:
    """Whether an aggregate is of amounts that are in another currency than the answer's."""
    return any(
        (SALE_RATE in sql and places.converts_sales) or (LIST_RATE in sql and places.converts_lists)
        for sql in expressions
    )


class PlaceSql:
    """What the statement of a plan needs of its places."""

    def __init__(self, places: Places, catalogue: Catalogue) -> None:
        self.places = places
        self._catalogue = catalogue
        # A name of PostgreSQL's, never a caller's.
        self.zone = f"'{places.one_zone}'" if places.one_zone else f"{_STORES}.time_zone"

    @property
    def columns(self) -> str:
        """Return the columns with the place of a store, if any fact needs them."""
        is_needed = self._is_joined or self.places.converts_lists
        return self._catalogue.places if is_needed else ""

    @property
    def _is_joined(self) -> bool:
        return self.places.one_zone is None or self.places.converts_sales

    def joins(self, *expressions: str) -> set[str]:
        """Return the joins that the place of each row needs for these aggregates."""
        if is_converted(expressions, self.places):
            return {VISIBLE, RATES}
        return {VISIBLE} if self.places.one_zone is None else set()

    def text(self, name: str, rate_day: str) -> str:
        """Return what is written for a place of the catalogue; it may have places of its own.

        `rate_day` is the day by whose rate a row of the source is converted.
        """
        rate = (
            f"CASE WHEN {_STORES}.currency = '{self.places.listed}' THEN 1 ELSE {_RATES}.rate END"
        )
        written = {
            "zone": self.zone,
            "sale_rate": f" * {rate}" if self.places.converts_sales else "",
            "list_rate": f" / {_RATES}.rate" if self.places.converts_lists else "",
            "rate_day": rate_day,
        }
        if name in written:
            return written[name]
        kind, alias = name.split("_")
        if kind == "placed":
            join = self._catalogue.joins[VISIBLE].replace("{store}", f"{alias}.store_id")
            return f"\n{join}" if self._is_joined else ""
        day = f"({alias}.order_date AT TIME ZONE {self.zone})::date"
        join = self._catalogue.joins[RATES].replace("{rate_day}", day)
        return f"\n{join}" if self.places.converts_sales else ""
