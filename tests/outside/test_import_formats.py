"""Parquet files and workbooks come in like CSV, with the packages of the extra `import`."""

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import psycopg
import pytest

from tests.importing.files import CELLS, write_shop
from tests.support.servers.database import Cluster
from zava.retail.importing.files.reading import open_rows
from zava.retail.importing.layout import ImportRefused
from zava.retail.importing.mapping import documented_layout
from zava.retail.importing.run import run_import

pytestmark = pytest.mark.outside


def test_parquet_and_workbook_make_what_csv_makes(cluster: Cluster, tmp_path: Path) -> None:
    import pyarrow as pa
    from openpyxl import Workbook
    from pyarrow import parquet

    write_shop(tmp_path)
    with (
        cluster.database("formats") as database,
        psycopg.connect(database.admin, autocommit=True) as admin,
    ):
        first = run_import(admin, tmp_path, documented_layout())
        for table, cells in CELLS.items():
            (tmp_path / f"{table}.csv").unlink()
            typed: dict[str, object] = dict(cells)
            if table == "orders":
                typed["order_date"] = datetime(2026, 5, 1, 10, tzinfo=UTC)
            if table == "order_items":
                typed |= {"quantity": 2.0, "unit_price": Decimal("3.50")}
            if table in {"orders", "order_items"}:
                rows = pa.Table.from_pylist([typed])
                parquet.write_table(rows, tmp_path / f"{table}.parquet")
            else:
                book = Workbook()
                book.worksheets[0].append(list(cells))
                book.worksheets[0].append(list(cells.values()))
                book.save(tmp_path / f"{table}.xlsx")
        again = run_import(admin, tmp_path, documented_layout())
    assert first.rejects == []
    assert again.rejects == []
    assert {name: counts.staged for name, counts in again.counts.items()} == dict.fromkeys(CELLS, 1)
    assert all(counts.written == 0 for counts in again.counts.values())


@pytest.mark.parametrize("end", ["parquet", "xlsx"])
def test_damaged_file_is_refused(tmp_path: Path, end: str) -> None:
    import pyarrow as pa
    from openpyxl import Workbook
    from pyarrow import parquet

    path = tmp_path / f"stores.{end}"
    keys = [f"s{number}" for number in range(5000)]
    if end == "parquet":
        table = pa.table({"store_key": keys})
        parquet.write_table(table, path, use_dictionary=False, compression="gzip")
    else:
        book = Workbook()
        for key in ("store_key", *keys):
            book.worksheets[0].append([key])
        book.save(path)
    content = bytearray(path.read_bytes())
    for place in range(len(content) // 3, len(content) // 2):
        content[place] ^= 0x5A
    path.write_bytes(content)
    with (
        pytest.raises(ImportRefused, match=f"stores.{end}: (the file is damaged|this is no)"),
        open_rows(path, documented_layout()) as (_, rows),
    ):
        list(rows)
