"""The metric catalogue as people and models read it."""

from zava.data.metrics.catalog import Catalogue, Metric

OPENING = """\
# Metrics

Certified numbers: each is defined once, computed under the caller's own row policy, and rounded \
(money, percent and ratios to 2 decimals, days to 1). Money is in the currency that an answer has \
as its unit. Percents are 0 to 100. Days are those of each store's time zone, {time_zone} unless \
it has another one. Weeks are ISO weeks. Metrics of stock and of customers' whole past \
are known as of now: they take no period and no comparison.

`previous_year` compares days and weeks with the same weekdays, 364 days before. A day with a \
holiday or a retail event meets the same event. Months and longer meet the same months. \
`previous_year_date` keeps the calendar date. `previous_period` of less than a week is the same \
weekdays of the week before. A period that runs to today is compared up to the same time of day. \
Where orders of a period are not loaded, no change is computed; `data_through` states how far they \
are. Rows that hold a part of their unit are in `partial`, and come last in a ranking.

"""
_METRICS = """\
## Metrics

"Adds up over" names the dimensions whose groups sum to the total; never sum a metric over others.

| metric | unit | meaning | goes with | adds up over |
|---|---|---|---|---|
"""
_DIMENSIONS = """\

## Dimensions

| dimension | meaning | values |
|---|---|---|
"""


def metric_page(catalogue: Catalogue, opening: str = OPENING) -> str:
    """Return the page in Markdown; `opening` has places for the time zone and the title."""
    metrics = "".join(_metric(metric, catalogue) for metric in catalogue.metrics.values())
    dimensions = "".join(
        f"| `{d.name}` | {d.description} | {', '.join(d.choices) or d.pattern or ''} |\n"
        for d in catalogue.dimensions.values()
    )
    domain = catalogue.domain
    written = opening.format(time_zone=domain.time_zone, title=domain.name)
    return f"{written}{_METRICS}{metrics}{_DIMENSIONS}{dimensions}"


def _metric(metric: Metric, catalogue: Catalogue) -> str:
    fitting = _fitting(metric, catalogue)
    other_names = f" (also: {', '.join(metric.aliases)})" if metric.aliases else ""
    return (
        f"| `{metric.name}`{other_names} | {metric.unit} | {metric.description}"
        f" | {', '.join(fitting)} | {_added(metric, fitting)} |\n"
    )


def _added(metric: Metric, fitting: list[str]) -> str:
    added = [name for name in fitting if name in metric.additive_over]
    return "all of them" if added == fitting else ", ".join(added) or "none"


def _fitting(metric: Metric, catalogue: Catalogue) -> list[str]:
    """Return the dimensions that every part of the metric can be split by."""
    parts = [catalogue.metrics[name] for name, _ in catalogue.base_metrics(metric)]
    return [
        dimension.name
        for dimension in catalogue.dimensions.values()
        if all(set(part.expressions) & set(dimension.sources) for part in parts)
        and not (
            dimension.is_of_time and metric.compares_years and not dimension.is_same_a_year_later
        )
    ]
