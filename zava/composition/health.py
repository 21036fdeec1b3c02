"""Whether this process can answer, part by part, as `/health/ready` reports it."""

import asyncio
from typing import TYPE_CHECKING, Any

from zava.data.order_watch import OrderWatch
from zava.data.session.isolation_check import CANARIES, IsolationBroken, IsolationCheck
from zava.errors import ZavaError
from zava.infrastructure.telemetry.app_insights import Telemetry
from zava.retail.service.use_cases import RetailAnalytics

if TYPE_CHECKING:
    from zava.data.session.standby.standby_watch import StandbyWatch

# The contract says under two; giving up on a silent server takes a part of a second more.
_SECONDS = 1.2


async def readiness(
    verification: IsolationCheck,
    analytics: RetailAnalytics,
    telemetry: Telemetry | None,
    watch: OrderWatch,
    standby: "StandbyWatch | None" = None,
) -> tuple[int, dict[str, Any]]:
    """Return which parts work, in words that reveal no more to an anonymous caller."""
    database = isolation = "healthy"
    embeddings = "unknown"
    deadline = asyncio.get_running_loop().time() + _SECONDS
    try:
        async with asyncio.timeout_at(deadline):
            await verification.refresh()
    except IsolationBroken:
        isolation = "unhealthy"
    except (ZavaError, TimeoutError):
        database, isolation = "unhealthy", "unknown"
    is_ready = database == isolation == "healthy"
    standby_state = "unknown"
    if is_ready:
        if standby is not None:
            standby_state = await standby.state(deadline)
        embeddings = await _embeddings(analytics, deadline)
    checks = {"database": database, "isolation": isolation, "embeddings": embeddings}
    is_whole = embeddings == "healthy"
    if standby is not None:
        # Without it the primary answers: fewer servers, the same answers.
        checks["standby"] = standby_state
        is_whole = is_whole and standby_state == "healthy"
    if watch.is_on:
        checks["orders"] = await _orders(watch, deadline) if is_ready else "unknown"
        is_whole = is_whole and checks["orders"] == "healthy"
    if telemetry is not None:
        checks["telemetry"] = "failing" if telemetry.is_failing else "healthy"
        is_whole = is_whole and not telemetry.is_failing
    status = "unhealthy" if not is_ready else "healthy" if is_whole else "degraded"
    return (200 if is_ready else 503), {"status": status, "checks": checks}


async def _orders(watch: OrderWatch, deadline: float) -> str:
    try:
        async with asyncio.timeout_at(deadline):
            return "late" if await watch.is_late() else "healthy"
    except (ZavaError, TimeoutError):
        return "unknown"


async def _embeddings(analytics: RetailAnalytics, deadline: float) -> str:
    left = deadline - asyncio.get_running_loop().time()
    try:
        async with asyncio.timeout_at(deadline):
            # The registry is the same for everybody: a canary, who sees no store, may read it.
            is_answering = await analytics.products.is_answering(CANARIES[0], within_seconds=left)
    except (ZavaError, TimeoutError):
        is_answering = False
    return "healthy" if is_answering else "degraded"
