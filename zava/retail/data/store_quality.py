"""Reads, as a caller, how fresh and whole the orders of the visible stores are."""

from dataclasses import dataclass
from typing import Any

from zava.data.session.tenant_database import TenantDatabase
from zava.model.audiences import Breadth
from zava.model.core import Caller, Scope
from zava.sql_files import SQL

DAYS = 90
"""How many days back gaps and totals are looked at."""

_DIRECTORY = SQL / "quality"


@dataclass(frozen=True, slots=True)
class DataQuality:
    """Stores by name; `imports` are those of the whole chain, None for other audiences."""

    stores: list[dict[str, Any]]
    imports: list[dict[str, Any]] | None
    scope: Scope


async def read_data_quality(tenancy: TenantDatabase, caller: Caller) -> DataQuality:
    """Read the report of the caller's stores; the head office also sees the last imports.

    Raises:
        ZavaError: it could not be read now, or the caller has no access.
    """
    text = (_DIRECTORY / "stores.sql").read_text(encoding="utf-8")
    stores, scope = await tenancy.read(caller, text, {"days": DAYS})
    imports = None
    if scope.audience.breadth is Breadth.ALL:
        text = (_DIRECTORY / "imports.sql").read_text(encoding="utf-8")
        imports, _ = await tenancy.read(caller, text)
    return DataQuality(stores, imports, scope)
