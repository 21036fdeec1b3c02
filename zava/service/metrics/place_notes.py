"""Notes on an answer over several time zones or currencies."""

from collections.abc import Iterator
from datetime import date

from zava.model.data_reach import Places
from zava.model.metrics import MetricRows


def place_notes(figures: MetricRows, places: Places | None, today: date) -> list[str]:
    """Return the notes on the zones and currencies behind the figures."""
    if places is None:
        return []
    return [
        *zone_notes(figures, places, today),
        *(currency_notes(figures, places, today) if figures.is_converted else ()),
    ]


def zone_notes(figures: MetricRows, places: Places, today: date) -> Iterator[str]:
    """Yield the notes on days of several zones."""
    if places.one_zone is not None or figures.period is None:
        return
    yield f"Each store's days are those of its own time zone ({', '.join(places.zones)})."
    ahead = [f"{day} in {zone}" for zone, day in places.days.items() if day > today]
    if ahead and figures.period.end > today:
        yield f"It is {today} at every store, and already {', '.join(ahead)}: that day is left out."


def currency_notes(figures: MetricRows, places: Places, today: date) -> Iterator[str]:
    """Yield the notes on amounts that were converted."""
    period = figures.period
    if places.converts_sales:
        sold = ", ".join(each for each in places.currencies if each != places.answered_in)
        yield (
            f"Amounts are in {places.answered_in}: those in {sold} are converted by the rate of"
            " their day."
        )
    else:
        yield f"Costs and list prices are converted from {places.listed} by the rate of the day."
    for currency in places.foreign:
        first, last = places.rates[currency]
        if period is not None and first > period.start:
            yield f"Days before {first} take the first rate of {currency}."
        needed = today if period is None else min(period.last_day, today)
        if last < needed:
            yield f"Days after {last} take the last rate of {currency}."
