"""`zava data` shows what is missing, late or unlike its lines."""

from datetime import date
from pathlib import Path

import psycopg

from tests.importing.files import CELLS, write_shop
from tests.support.servers.database import Cluster
from zava.retail.data.data_quality import read_quality
from zava.retail.importing.mapping import documented_layout
from zava.retail.importing.run import run_import


def test_gaps_totals_runs_and_rejects_are_counted(cluster: Cluster, tmp_path: Path) -> None:
    days = {"o1": "2026-05-01", "o2": "2026-05-02", "o3": "2026-05-06"}
    write_shop(
        tmp_path,
        stores=[{}, {"store_key": "s2", "store_name": "Closed", "closed_on": "2026-01-31"}],
        orders=[{"order_key": k, "order_date": f"{day} 12:00"} for k, day in days.items()],
        order_items=[{"order_key": k} for k in days],
        customers=[{}, {"customer_key": "c2", "store_key": "s9"}],
    )
    with (
        cluster.database("quality") as empty,
        psycopg.connect(empty.admin, autocommit=True) as admin,
    ):
        run_import(admin, tmp_path, documented_layout())
        with admin.transaction():
            admin.execute("SET LOCAL ROLE zava_loader")
            admin.execute(
                "UPDATE retail.orders SET total_amount = 1 WHERE order_date > '2026-05-05'"
            )
        report = read_quality(admin)
        admin.execute("SET ROLE zava_loader")
        closing = "SELECT store_name, closed_on FROM retail.stores ORDER BY store_name"
        assert admin.execute(closing).fetchall()[0] == ("Closed", date(2026, 1, 31))
    closed, main = report.stores
    assert (closed.store, closed.orders, closed.last_day, closed.gaps) == ("Closed", 0, None, 0)
    assert (main.orders, str(main.first_day), str(main.last_day)) == (3, "2026-05-01", "2026-05-06")
    assert (main.gaps, main.differing) == (3, 1)
    assert main.recent == [0] * 8 + [1, 1, 0, 0, 0, 1]
    assert closed.recent == [0] * 14
    (run,) = report.runs
    assert (run.source, run.mode, run.rejected) == ("import", "upsert", 1)
    assert run.written == 2 + 3 + 3 + sum(
        table not in {"stores", "orders", "order_items"} for table in CELLS
    )
    assert [(b.table, b.rule, b.rows) for b in report.broken] == [
        ("customers", "no store has this key", 1)
    ]
