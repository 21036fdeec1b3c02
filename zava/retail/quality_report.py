"""The resource `retail://data-quality`: how fresh and whole the data of the caller's stores are."""

from collections.abc import Mapping
from typing import Any

from zava.model.core import Caller
from zava.protocol.rendering.scope import scope_text
from zava.retail.data.store_quality import DAYS, DataQuality
from zava.retail.service.use_cases import RetailAnalytics

URI = "retail://data-quality"
_HEADER = (
    "store | orders | first day | last day | days without an order | totals unlike their lines"
    " | orders of the last 14 days"
)
_IMPORTS = "import ended | source | mode | rows written | rows rejected"


async def read(analytics: RetailAnalytics, caller: Caller, _values: Mapping[str, str]) -> str:
    """Return the report as text, a store a line; the head office's ends with the imports."""
    return quality_text(await analytics.quality(caller))


def quality_text(quality: DataQuality) -> str:
    """Return the tables, cells divided by bars."""
    lines = [
        scope_text(quality.scope),
        f"Days without an order and totals are those of each store's last {DAYS} days.",
        "",
        _HEADER,
        *map(_store, quality.stores),
    ]
    if quality.imports is not None:
        lines += ["", _IMPORTS]
        lines += [
            f"{run['finished']} UTC | {run['source']} | {run['mode']}"
            f" | {run['written'] or 0} | {run['rejected'] or 0}"
            for run in quality.imports
        ] or ["none"]
    return "\n".join(lines)


def _store(row: Mapping[str, Any]) -> str:
    recent = " ".join(map(str, row["recent"] or ()))
    return (
        f"{row['store']} | {row['orders']} | {row['first_day'] or 'none'}"
        f" | {row['last_day'] or 'none'} | {row['gaps']} | {row['differing']} | {recent or 'none'}"
    )
