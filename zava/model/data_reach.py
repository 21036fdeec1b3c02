"""Where a caller's stores are, how far their orders are loaded, and what a period misses."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from typing import Any, Protocol, Self

from zava.model.domain import Domain

# A day before today counts as whole from its order at this time on. A load that stopped earlier
# in the day left a part of it out.
DAY_IS_WHOLE_FROM = time(18)
_MIDNIGHT = time()
# Both are written into statements.
_ZONE = re.compile(r"[A-Za-z0-9_+-]+(?:/[A-Za-z0-9_+-]+)*", re.ASCII)
_CURRENCY = re.compile(r"[A-Z]{3}", re.ASCII)


class Days(Protocol):
    """Whole days: a period of an answer."""

    @property
    def start(self) -> date:
        """Return the first day."""

    @property
    def end(self) -> date:
        """Return the day after the last one."""


class StoreCondition(Protocol):
    """A filter of a question."""

    @property
    def dimension(self) -> str:
        """Return what is filtered."""

    @property
    def values(self) -> tuple[str, ...]:
        """Return what is admitted."""


@dataclass(frozen=True, slots=True)
class StoreReach:
    """A store, and the moment up to which its orders are loaded, in its own time.

    `short_name` is what people write, in lower case.
    """

    store: str
    region: str
    channel: str
    through: datetime
    short_name: str


@dataclass(frozen=True, slots=True)
class Places:
    """Where a caller's stores are, and in what they sell.

    `latest_zone` is the zone whose day began last: no store has an earlier date. `listed` is the
    currency of costs and list prices: the one that all stores share, or the reporting currency.
    `answered_in` is that of an answer's amounts. `rates` has the first and the last day with a rate
    by currency. `days` has the date in each zone, where there are several.
    """

    zones: tuple[str, ...]
    latest_zone: str
    currencies: tuple[str, ...]
    listed: str
    answered_in: str
    rates: Mapping[str, tuple[date, date]] = field(default_factory=dict)
    days: Mapping[str, date] = field(default_factory=dict)

    @classmethod
    def of(cls, domain: Domain) -> Self:
        """Return the place of stores that are all where the domain is."""
        zone, currency = domain.time_zone, domain.currency
        return cls((zone,), zone, (currency,), currency, currency)

    @classmethod
    def read(cls, document: Mapping[str, Any], domain: Domain) -> Self:
        """Return what the database stated of the caller's stores."""
        zones, currencies = document.get("zones"), document.get("currencies")
        if not zones or not currencies:  # a caller without a store
            return cls.of(domain)
        listed = document["one_currency"] or document["reporting_currency"]
        for texts, form in ((zones, _ZONE), ((*currencies, listed), _CURRENCY)):
            if wrong := [text for text in texts if not form.fullmatch(text)]:
                raise ValueError(f"no time zone or currency: {wrong[0][:60]!r}")
        return cls(
            tuple(zones),
            document["latest_zone"],
            tuple(currencies),
            listed,
            currencies[0] if len(currencies) == 1 else listed,
            {
                currency: (date.fromisoformat(first), date.fromisoformat(last))
                for currency, (first, last) in (document["rates"] or {}).items()
            },
        )

    @property
    def one_zone(self) -> str | None:
        """Return the zone that all stores share, None if they have several."""
        return self.zones[0] if len(self.zones) == 1 else None

    @property
    def converts_sales(self) -> bool:
        """Whether some store sells in another currency than the answer's."""
        return any(currency != self.answered_in for currency in self.currencies)

    @property
    def converts_lists(self) -> bool:
        """Whether costs and list prices are in another currency than the answer's."""
        return self.listed != self.answered_in

    @property
    def foreign(self) -> tuple[str, ...]:
        """Return the currencies of the stores that need a rate."""
        return tuple(currency for currency in self.currencies if currency != self.listed)

    def in_listed(self) -> Self:
        """Return the places with answers in the currency that all callers share."""
        return replace(self, answered_in=self.listed)

    @property
    def without_rate(self) -> tuple[str, ...]:
        """Return the currencies that have no rate on any day."""
        return tuple(currency for currency in self.foreign if currency not in self.rates)


@dataclass(frozen=True, slots=True)
class DataReach:
    """The newest moment over some stores, and that of each.

    The newest is in the time of the zone whose day began last, the others in that of the store.
    `is_whole` is false if only the stores are listed that end on an earlier day than the newest.
    """

    newest: datetime | None = None
    stores: tuple[StoreReach, ...] = ()
    is_whole: bool = True
    places: Places | None = None
    """The zones and currencies of the stores."""

    @classmethod
    def read(cls, document: Mapping[str, Any], domain: Domain) -> Self:
        """Return what the database stated of the caller's stores."""
        newest = document.get("newest")
        return cls(
            datetime.fromisoformat(newest) if newest else None,
            tuple(
                StoreReach(
                    store,
                    region,
                    channel,
                    datetime.fromisoformat(through),
                    domain.short_name(store),
                )
                for store, region, channel, through in document.get("stores", ())
            ),
            document.get("is_whole", True),
            Places.read(document, domain),
        )

    def within(self, filters: Sequence[StoreCondition]) -> "DataReach":
        """Return the reach of the stores that the filters admit."""
        wanted = [each for each in filters if each.dimension in {"store", "region", "channel"}]
        if not wanted:
            return self
        kept = tuple(
            store for store in self.stores if all(_is_admitted(store, each) for each in wanted)
        )
        newest = max((store.through for store in kept), default=None)
        return replace(self, newest=newest if self.is_whole else self.newest, stores=kept)

    def whole_until(self, today: date) -> date | None:
        """Return the first day that is not wholly loaded for every store; None without orders."""
        moments = [store.through for store in self.stores]
        if self.newest is not None:
            moments.append(self.newest)
        return min((_whole_until(moment, today) for moment in moments), default=None)

    def missing_days(self, period: Days, today: date) -> int:
        """Return how many days of a period, before today, some store has not wholly loaded."""
        until = self.whole_until(today)
        if until is None:
            return 0
        return max(0, (min(period.end, today) - max(period.start, until)).days)

    def late(self, period: Days, today: date) -> tuple[StoreReach, ...]:
        """Return the stores that miss more days of a period than the best loaded store."""
        least = self.newest and _whole_until(self.newest, today)
        edge = min(period.end, today)
        return tuple(
            store
            for store in self.stores
            if least and _whole_until(store.through, today) < min(edge, least)
        )

    def behind(self) -> tuple[StoreReach, ...]:
        """Return the stores that end on an earlier day than the newest order."""
        newest = self.newest
        return tuple(
            store
            for store in self.stores
            if newest is not None and store.through.date() < newest.date()
        )

    def cut(self, period: Days, today: date) -> time | None:
        """Return the time of today up to which orders are loaded, if the period ends today.

        Midnight: nothing of today is loaded. None: the period ends earlier, or today is whole.
        """
        if (
            period.end != today + timedelta(days=1)
            or self.newest is None
            or self.newest.date() > today
        ):
            return None
        return self.newest.time() if self.newest.date() == today else _MIDNIGHT


def written(through: datetime) -> str:
    """Return how far orders are loaded: a whole day alone, or a moment of it."""
    if through.time() == _MIDNIGHT:
        return str(through.date() - timedelta(days=1))
    return through.isoformat(sep=" ", timespec="minutes")


NOTHING_LOADED = DataReach()
"""The reach of stores without any order."""


def _whole_until(through: datetime, today: date) -> date:
    day = through.date()
    is_whole = day < today and through.time() >= DAY_IS_WHOLE_FROM
    return day + timedelta(days=1) if is_whole else day


def _is_admitted(store: StoreReach, condition: StoreCondition) -> bool:
    value = str(getattr(store, condition.dimension)).casefold()
    wanted = {given.strip().casefold() for given in condition.values}
    return value in wanted or (condition.dimension == "store" and store.short_name in wanted)
