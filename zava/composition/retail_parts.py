"""The retail parts that app.py joins, each loaded with the first call that needs it."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

from zava import __version__
from zava.data.metrics.result_cache import ResultCache
from zava.data.session.audit_writer import AuditWriter
from zava.data.session.tenant_database import TenantDatabase
from zava.infrastructure.embeddings.query_cache import QueryVectors
from zava.model.core import Caller
from zava.retail.declaration import RETAIL
from zava.retail.service.use_cases import RetailAnalytics
from zava.retail.tools.registry import TOOLS
from zava.settings import Settings

if TYPE_CHECKING:
    from mcp.server.lowlevel.server import Server

    from zava.data.sql_query.lint.linter import Linter
    from zava.data.sql_query.lint.query_tree import Tables
    from zava.data.sums_refresh import SumsRefresh
    from zava.retail.data.store_quality import DataQuality
    from zava.retail.service.product_search import ProductSearch
    from zava.retail.service.sales_analytics import SalesAnalytics


def make_linter(tables: "Tables") -> "Linter":
    """Return what reads a statement for facts about its figures."""
    # Loaded with the first statement that computes anything.
    from zava.data.sql_query.lint.linter import Linter
    from zava.retail.data.sql_facts import FACTS

    return Linter(FACTS, tables)


def stores_today(settings: Settings, time_zone: str = RETAIL.time_zone) -> date:
    """Return the day of the stores in a time zone."""
    from zava.service.metrics.periods import business_day

    return business_day(settings.today, time_zone)


def make_sales(
    tenancy: TenantDatabase, cache: ResultCache, settings: Settings, sums: "SumsRefresh"
) -> "SalesAnalytics":
    """Return the use cases on sales."""
    # Loaded when the first figure is asked for.
    from zava.model.fiscal_calendar import fiscal_calendar
    from zava.retail.data.metric_catalogue import catalogue
    from zava.retail.data.sales_reader import SalesReader
    from zava.retail.service.sales_analytics import SalesAnalytics

    reader = SalesReader(
        tenancy,
        cache,
        catalogue(),
        offer_refresh=sums.offer,
        day_in=lambda zone: stores_today(settings, zone),
    )
    fiscal = fiscal_calendar(settings.fiscal_year_start, settings.retail_calendar)
    return SalesAnalytics(reader, lambda: stores_today(settings), fiscal)


def make_products(tenancy: TenantDatabase, vectors: QueryVectors) -> "ProductSearch":
    """Return the use case of product search."""
    # Loaded when the first product is searched for.
    from zava.retail.data.search_statement import ProductData
    from zava.retail.service.product_search import ProductSearch

    return ProductSearch(ProductData(tenancy), vectors)


async def read_quality(tenancy: TenantDatabase, caller: Caller) -> "DataQuality":
    """Read the report on the data of a caller's stores.

    Raises:
        ZavaError: it could not be read now, or the caller has no access.
    """
    # Loaded when the first report is read.
    from zava.retail.data.store_quality import read_data_quality

    return await read_data_quality(tenancy, caller)


def make_server(
    analytics: RetailAnalytics, trail: AuditWriter, website: str | None
) -> "Server[Any]":
    """Return the SDK's server over the retail features."""
    # Imported with the SDK, at the first request that needs it.
    from zava.protocol.mcp.features import ServerFeatures
    from zava.protocol.mcp.server import build_server
    from zava.retail.prompts import PROMPTS
    from zava.retail.resources import RESOURCES

    features = ServerFeatures(RETAIL, TOOLS, RESOURCES, PROMPTS)
    return build_server(analytics, features, version=__version__, trail=trail, website=website)


def clock_of(settings: Settings) -> Callable[[], datetime]:
    """Return the clock; ZAVA_TODAY moves its day."""

    def now() -> datetime:
        moment = datetime.now(UTC)
        if settings.today is None:
            return moment
        from zoneinfo import ZoneInfo

        # The stores' day is moved, not that of UTC, which begins earlier.
        local = moment.astimezone(ZoneInfo(RETAIL.time_zone)).timetz()
        return datetime.combine(settings.today, local).astimezone(UTC)

    return now
