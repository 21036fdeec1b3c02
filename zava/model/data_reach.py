"""How far the loaded orders of a caller's stores reach, and what a period misses because of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import Any, Protocol, Self

from zava.model.domain import Domain

# A day before today counts as whole from its order at this time on. A load that stopped earlier
# in the day left a part of it out.
DAY_IS_WHOLE_FROM = time(18)
_MIDNIGHT = time()


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
class DataReach:
    """The newest moment over some stores, and that of each.

    `is_whole` is false if only the stores are listed that end on an earlier day than the newest.
    """

    newest: datetime | None = None
    stores: tuple[StoreReach, ...] = ()
    is_whole: bool = True

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
