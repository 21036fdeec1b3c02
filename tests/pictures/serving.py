"""`zava serve` over a searchable database whose names try to be more than text."""

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from http import HTTPStatus
from pathlib import Path

import httpx
import psycopg

from tests.support.products.laptop import Laptop, free_port
from tests.support.servers.database import Database
from tests.support.suite.patience import patient
from zava.infrastructure.local.state_dir import StateDirectory
from zava.retail.demo.stores import store_id

_MAX_LOOKS = 30
HERE = Path(__file__).parent
ARTEFACTS = HERE / "artefacts"
CALLS_PER_MINUTE = 100_000  # a limit to show, and nobody meets it
HOSTILE = {
    "markup": '<img src=x onerror="window.hurt=1"><b class=hostile>free</b> <script>hurt=1</script>',
    "long": "Verylongname" * 16,
    "rtl": "\u202b\u05de\u05d1\u05e8\u05d2\u05d4 \u05d7\u05e9\u05de\u05dc\u05d9\u05ea 1/2 inch\u202c",
    "customer": "<svg onload=hurt=1>",
    "sku": "HOSTILE-1",
}


class Serving(Laptop):
    """A laptop whose server reads a database that is there."""

    def __init__(
        self, database: Database, home: StateDirectory, context_keys: Sequence[str], today: date
    ) -> None:
        super().__init__(home.path, free_port())
        self._settings = {
            "DATABASE_URL": database.server,
            "ZAVA_CONTEXT_KEYS": ",".join(context_keys),
            "ZAVA_TODAY": today.isoformat(),
            "ZAVA_BUDGET_CALLS_PER_MINUTE": str(CALLS_PER_MINUTE),
        }

    def variables(self) -> dict[str, str]:
        return super().variables() | self._settings


@contextmanager
def serving(
    database: Database, home: StateDirectory, context_keys: Sequence[str], today: date
) -> Iterator[str]:
    """Serve while the block runs; gives the address."""
    server = Serving(database, home, context_keys, today)
    server.start("serve", until=f"Serving {server.base_url}/mcp until Ctrl-C.")
    try:
        _until_ready(server.base_url)
        yield server.base_url
    finally:
        server.stop()


def _until_ready(url: str) -> None:
    """Return when the server is ready: a cold one on a busy machine says at first that it is not.

    A browser would tell that as an error of the page. Each answer comes within two seconds.
    """
    for _ in range(_MAX_LOOKS):
        if httpx.get(f"{url}/health/ready", timeout=patient(10)).status_code == HTTPStatus.OK:
            return
    raise AssertionError("the server does not become ready")


def make_hostile(database: Database) -> None:
    """Give the best-selling products and a customer names that a careless page would run."""
    with psycopg.connect(database.owner, autocommit=True) as owner:
        best = owner.execute(
            "SELECT product_id FROM retail.order_items JOIN retail.orders USING (store_id, order_id)"
            " WHERE order_date >= '2025-06-01' AND status NOT IN ('cancelled', 'refunded')"
            " GROUP BY product_id ORDER BY sum(order_items.total_amount) DESC LIMIT 3"
        ).fetchall()
        for (product,), kind in zip(best, ("markup", "long", "rtl"), strict=True):
            owner.execute(
                "UPDATE retail.products SET product_name = %s WHERE product_id = %s",
                [HOSTILE[kind], product],
            )
        # The first of them also speaks in its description, and is out of stock in one store.
        owner.execute(
            "UPDATE retail.products SET sku = %s, product_description = %s WHERE product_id = %s",
            [HOSTILE["sku"], HOSTILE["rtl"], best[0][0]],
        )
        owner.execute(
            "UPDATE retail.inventory SET stock_level = 0 WHERE product_id = %s AND store_id = %s",
            [best[0][0], store_id("Redmond")],
        )
        owner.execute(
            "UPDATE retail.customers SET last_name = %s WHERE customer_id ="
            " (SELECT customer_id FROM retail.customers LIMIT 1)",
            [HOSTILE["customer"]],
        )


def chromium() -> str:
    """Return the browser's program; CHROMIUM names another than Debian's."""
    named = os.environ.get("CHROMIUM")  # noqa: TID251  # the tests' own switch
    found = named or shutil.which("chromium") or shutil.which("chromium-browser")
    assert found, "no Chromium: `make tools` says how to get it, or set CHROMIUM"
    return found
