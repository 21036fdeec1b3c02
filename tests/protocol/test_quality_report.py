"""The resource `retail://data-quality`: each person's own stores, as `zava data` counts them."""

import psycopg
import pytest

from tests.protocol.test_performance import read
from tests.support.answers.rpc import ERAS
from tests.support.servers.database import Database
from zava.app import Application
from zava.retail.data.data_quality import read_quality
from zava.retail.quality_report import URI

STORES = {"seattle": 1, "eastside": 3, "head-office": 8}


def lines_of(text: str) -> dict[str, list[str]]:
    """Return the cells of each store's line by the store's name."""
    _, table, *_ = text.split("\n\n")
    rows = [line.split(" | ") for line in table.splitlines()[1:]]
    return {row[0]: row[1:] for row in rows}


@pytest.mark.parametrize("name", STORES)
async def test_each_person_reads_the_figures_of_their_own_stores(
    application: Application, tokens: dict[str, str], database: Database, name: str
) -> None:
    status, text = await read(application, tokens[name], ERAS[0], URI)
    assert status == 200
    with psycopg.connect(database.admin, autocommit=True) as admin:
        every = {store.store: store for store in read_quality(admin).stores}
    shown = lines_of(text)
    assert len(shown) == STORES[name]
    for store, cells in shown.items():
        counted = every[store]
        assert cells == [
            str(counted.orders),
            str(counted.first_day),
            str(counted.last_day),
            str(counted.gaps),
            str(counted.differing),
            " ".join(map(str, counted.recent or ())),
        ]
        assert counted.orders > 0
    assert ("import ended" in text) == (name == "head-office")


async def test_head_office_alone_sees_the_last_imports(
    application: Application, tokens: dict[str, str], database: Database
) -> None:
    with psycopg.connect(database.owner, autocommit=True) as owner:
        owner.execute(
            "INSERT INTO zava.import_runs (source_system, mode, manifest, files, state, result,"
            " finished_at) VALUES ('till', 'upsert', 'of this test', '[]', 'done',"
            """ '{"orders": {"added": 5, "changed": 1, "removed": 0, "rejected": 2}}',"""
            " '2026-11-28 03:00Z')"
        )
        try:
            _, office = await read(application, tokens["head-office"], ERAS[1], URI)
            _, manager = await read(application, tokens["seattle"], ERAS[1], URI)
        finally:
            owner.execute("DELETE FROM zava.import_runs WHERE manifest = 'of this test'")
    assert office.endswith("2026-11-28 03:00 UTC | till | upsert | 6 | 2")
    assert "till" not in manager
