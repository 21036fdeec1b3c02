"""The demo comes in as files of each format, and every answer over them is the demo's."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from tests.importing.files import export
from tests.importing.round_trip import (
    WRITERS,
    Answers,
    import_twice,
    on_the_day_of_the_demo,
    rewrite,
)
from tests.support.servers.database import Cluster, Database
from zava.infrastructure.local.state_dir import StateDirectory

SEARCH, SQL = "semantic_search_products", "execute_sales_query"


@pytest.fixture(scope="module")
def demo_files(database: Database, tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("demo")
    export(database.owner, directory)
    return directory


@pytest.fixture(scope="module")
def answers_over(
    home: StateDirectory, context_keys: list[str], tokens: dict[str, str]
) -> Callable[[Database], Awaitable[Answers]]:
    """Ask every question of the scenarios over a database, as three people."""

    async def ask(database: Database) -> Answers:
        return await on_the_day_of_the_demo(database.server, home, context_keys, tokens)

    return ask


@pytest.fixture(scope="module")
async def demo_answers(
    searchable: Database, answers_over: Callable[[Database], Awaitable[Answers]]
) -> Answers:
    return await answers_over(searchable)


@pytest.mark.parametrize(
    "form", ["csv", *(pytest.param(form, marks=pytest.mark.outside) for form in WRITERS)]
)
async def test_every_answer_over_imported_files_is_the_demo_s(
    cluster: Cluster,
    demo_files: Path,
    demo_answers: Answers,
    answers_over: Callable[[Database], Awaitable[Answers]],
    vectors: Path,
    tmp_path: Path,
    form: str,
) -> None:
    files = demo_files if form == "csv" else rewrite(demo_files, tmp_path / "files", form)
    with cluster.database("round_trip") as imported:
        # Embedding has a loop of its own.
        await asyncio.to_thread(import_twice, imported, files, vectors)
        found = await answers_over(imported)
    assert len(found) > 100
    products = 0
    for asked, answer in demo_answers.items():
        if asked[2] == SEARCH:
            # Of products that equal words find the id decides the order, and an imported one has
            # another id.
            before, after = stocks(answer), stocks(found[asked])
            shared = before.keys() & after.keys()
            products += len(shared)
            assert {sku: before[sku] for sku in shared} == {sku: after[sku] for sku in shared}
        elif asked[2] == SQL:
            # Rows that a statement's order leaves equal come in any order.
            assert without_names(found[asked]) == without_names(answer), asked
        else:
            assert found[asked] == answer, asked
    assert products > 20


def without_names(answer: Any) -> list[str]:
    """Return the rows of free SQL in one order, without the names of customers."""
    _, content = answer
    names = [column["name"] for column in content["columns"]]
    kept = [place for place, name in enumerate(names) if name not in {"first_name", "last_name"}]
    return sorted(str([row[place] for place in kept]) for row in content["rows"])


def stocks(answer: Any) -> dict[str, Any]:
    """Return the stock of each product that a search found."""
    _, content = answer
    return {product["sku"]: product["stock"] for product in content["products"]}
