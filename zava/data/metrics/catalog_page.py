"""The metric catalogue as people and models read it: `docs/reference/metrics.md`, `retail://metrics`."""

from zava.data.metrics.catalog import Catalogue, Metric

_OPENING = """\
# Metrics

Certified numbers: each is defined once, computed under the caller's own row policy, and rounded \
(USD, percent and ratios to 2 decimals, days to 1). Amounts are US dollars, percents 0 to 100, \
days those of America/Los_Angeles, weeks ISO weeks. Metrics of stock and of customers' whole past \
are known as of now: they take no period and no comparison.

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


def metric_page(catalogue: Catalogue) -> str:
    """Return the page in Markdown."""
    metrics = "".join(_metric(metric, catalogue) for metric in catalogue.metrics.values())
    dimensions = "".join(
        f"| `{d.name}` | {d.description} | {', '.join(d.choices) or d.pattern or ''} |\n"
        for d in catalogue.dimensions.values()
    )
    return f"{_OPENING}{_METRICS}{metrics}{_DIMENSIONS}{dimensions}"


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
            dimension.is_of_time
            and _is_of_other_year(metric)
            and not dimension.is_same_a_year_later
        )
    ]


def _is_of_other_year(metric: Metric) -> bool:
    return "@previous_year" in (metric.formula or "")
