"""`zava embed`: what changed and nothing else, whatever interrupts it."""

import random
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import psycopg
import pytest

from tests.embedders.stand_in import StandIn
from tests.support.servers.database import Database
from zava.cli import commands
from zava.errors import EmbeddingsUnavailable, ZavaError
from zava.infrastructure.local.database import LocalDatabase
from zava.retail.data import index_job
from zava.retail.data.index_job import (
    BATCH,
    EmbedRefused,
    EmbedReport,
    build_index,
    embed_catalogue,
)
from zava.settings import SettingsError

pytestmark = pytest.mark.slow  # each test embeds a catalogue of its own

VECTORS = "SELECT count(*) FROM retail.product_embeddings JOIN retail.embedding_models USING (model_id) WHERE name = %s"
ACTIVE = "SELECT name FROM retail.embedding_models WHERE active"


@pytest.fixture
def admin(seeded_clone: Database) -> Any:
    with psycopg.connect(seeded_clone.admin, autocommit=True) as connection:
        yield connection


def loaded(connection: psycopg.Connection, query: str, *values: Any) -> Any:
    with connection.transaction():
        connection.execute("SET LOCAL ROLE zava_loader")
        cursor = connection.execute(query, values)
        return (cursor.fetchone() or (None,))[0] if cursor.description else None


@pytest.mark.requirement("S66")
def test_every_product_is_embedded_once_and_a_second_run_asks_nothing(
    admin: psycopg.Connection,
) -> None:
    told: list[tuple[int, int]] = []
    first = StandIn()
    report = embed_catalogue(admin, first, progress=lambda *done: told.append(done))
    products = loaded(admin, "SELECT count(*) FROM retail.products")
    assert report == EmbedReport(first.model, products, products, (), "stand-in")
    assert len(first.embedded) == len(set(first.embedded)) == products
    assert told[-1] == (products, products)
    assert len(told) == -(-products // BATCH)
    again = StandIn()
    assert embed_catalogue(admin, again).embedded == 0
    assert again.embedded == []
    assert loaded(admin, VECTORS, "stand-in") == products


@pytest.mark.requirement("S66")
def test_only_what_changed_is_embedded_again(admin: psycopg.Connection) -> None:
    embed_catalogue(admin, StandIn())
    loaded(admin, "UPDATE retail.products SET synonyms = 'xylophone' WHERE sku = 'HND-0101'")
    loaded(admin, "UPDATE retail.products SET base_price = base_price + 1")
    again = StandIn()
    assert embed_catalogue(admin, again).embedded == 1
    assert again.embedded[0].endswith("xylophone")
    loaded(
        admin,
        "UPDATE retail.product_types SET type_name = 'Hammer' WHERE type_name = 'Claw Hammer'",
    )
    assert embed_catalogue(admin, StandIn()).embedded == 8


def test_text_is_everything_that_a_shopper_might_mean(admin: psycopg.Connection) -> None:
    embedder = StandIn()
    embed_catalogue(admin, embedder)
    (text,) = (text for text in embedder.embedded if "12 oz hickory" in text and "Claw" in text)
    for said in ("Hartwell", "Hand Tools", "Claw Hammer", "Drives nails", "framing hammer"):
        assert said in text


@pytest.mark.parametrize("where", ["before", "after"])
def test_run_interrupted_at_any_batch_is_resumed_and_repeats_nothing_committed(
    admin: psycopg.Connection, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    draw = random.Random(f"interrupts {where}")  # noqa: S311  # repeatable, not secret
    # The job is killed before, within and after its storing.
    store = index_job._store
    for _ in range(10):
        loaded(admin, "DELETE FROM retail.product_embeddings")
        products = loaded(admin, "SELECT count(*) FROM retail.products")
        fatal = draw.randrange(1, -(-products // BATCH) + 1)
        interrupt = interrupting(fatal)
        if where == "before":
            embedder = StandIn(before=interrupt)
        else:
            embedder = StandIn()

            def store_then_die(*arguments: Any, die: Callable[[], None] = interrupt) -> None:
                store(*arguments)
                die()

            monkeypatch.setattr(index_job, "_store", store_then_die)
        with pytest.raises(KeyboardInterrupt):
            embed_catalogue(admin, embedder)
        monkeypatch.setattr(index_job, "_store", store)
        kept = loaded(admin, VECTORS, "stand-in")
        assert kept == min(BATCH * (fatal - (where == "before")), products)
        rest = StandIn()
        report = embed_catalogue(admin, rest)
        assert report.embedded == products - kept
        assert sorted(embedder.embedded + rest.embedded) == sorted(
            set(embedder.embedded) | set(rest.embedded)
        )
        assert loaded(admin, VECTORS, "stand-in") == products


def interrupting(at: int) -> Callable[[], None]:
    calls = 0

    def interrupt() -> None:
        nonlocal calls
        calls += 1
        if calls == at:
            raise KeyboardInterrupt

    return interrupt


def test_service_that_goes_away_keeps_what_was_committed(admin: psycopg.Connection) -> None:
    left = iter([True, True, False])

    def go_away() -> None:
        if not next(left):
            raise EmbeddingsUnavailable("away")

    with pytest.raises(EmbeddingsUnavailable):
        embed_catalogue(admin, StandIn(before=go_away))
    assert loaded(admin, VECTORS, "stand-in") == 2 * BATCH
    assert loaded(admin, ACTIVE) is None


def test_refused_texts_are_named_and_the_others_of_their_batch_embedded(
    admin: psycopg.Connection,
) -> None:
    for sku in ("HND-0101", "HND-0102", "STO-0808"):
        loaded(admin, "UPDATE retail.products SET synonyms = 'unspeakable' WHERE sku = %s", sku)
    report = embed_catalogue(admin, StandIn())
    products = loaded(admin, "SELECT count(*) FROM retail.products")
    assert sorted(report.failed) == ["HND-0101", "HND-0102", "STO-0808"]
    assert report.embedded == loaded(admin, VECTORS, "stand-in") == products - 3
    assert sorted(embed_catalogue(admin, StandIn()).failed) == sorted(report.failed)


def test_command_tells_each_batch_and_fails_naming_what_was_refused(
    admin: psycopg.Connection,
    seeded_clone: Database,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    database = LocalDatabase(seeded_clone.admin, seeded_clone.server, is_embedded=False)
    monkeypatch.setattr(commands, "administered", lambda: nullcontext(database))
    monkeypatch.setattr(commands, "embedders", lambda _settings: (StandIn(),))
    loaded(admin, "UPDATE retail.products SET synonyms = 'unspeakable' WHERE sku = 'HND-0101'")
    with pytest.raises(ZavaError, match=r"1 products .*: HND-0101"):
        commands.embed()
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "64 of 576 embedded"
    assert lines[-1] == "Embedded 575 of 576 products with stand-in"
    loaded(admin, "UPDATE retail.products SET synonyms = '' WHERE sku = 'HND-0101'")
    commands.embed()
    monkeypatch.setattr(commands, "embedders", lambda _settings: ())
    with pytest.raises(SettingsError, match="no embedding model"):
        commands.embed()


def test_two_runs_at_once_do_not_pay_twice(
    admin: psycopg.Connection, seeded_clone: Database
) -> None:
    refused: list[bool] = []

    def second_run() -> None:
        if not refused:
            with psycopg.connect(seeded_clone.admin, autocommit=True) as other:
                with pytest.raises(EmbedRefused, match="another run"):
                    embed_catalogue(other, StandIn())
                refused.append(True)

    embed_catalogue(admin, StandIn(before=second_run))
    assert refused
    embed_catalogue(admin, StandIn())  # the lock was given back


def test_next_model_is_embedded_beside_and_used_when_told(admin: psycopg.Connection) -> None:
    embed_catalogue(admin, StandIn("old"))
    report = embed_catalogue(admin, StandIn("new", 16))
    assert report.active_model == "old"
    assert "search still uses old" in str(report)
    products = loaded(admin, "SELECT count(*) FROM retail.products")
    assert loaded(admin, VECTORS, "old") == loaded(admin, VECTORS, "new") == products
    assert embed_catalogue(admin, StandIn("new", 16), activate=True).active_model == "new"
    assert loaded(admin, "SELECT count(*) FROM retail.embedding_models WHERE active") == 1
    assert embed_catalogue(admin, StandIn("old"), activate=True).active_model == "old"


def test_model_with_refused_texts_does_not_replace_a_whole_one(admin: psycopg.Connection) -> None:
    embed_catalogue(admin, StandIn("old", refuses="nothing"))
    loaded(admin, "UPDATE retail.products SET synonyms = 'unspeakable' WHERE sku = 'HND-0101'")
    assert embed_catalogue(admin, StandIn("new"), activate=True).active_model == "old"


def test_other_dimensions_under_a_known_name_are_refused(admin: psycopg.Connection) -> None:
    embed_catalogue(admin, StandIn())
    with pytest.raises(EmbedRefused, match="registered with 8 dimensions"):
        embed_catalogue(admin, StandIn(dimensions=16))
    assert loaded(admin, VECTORS, "stand-in") > 0


def test_empty_catalogue_is_no_error_and_activates_nothing(empty_admin: psycopg.Connection) -> None:
    report = embed_catalogue(empty_admin, StandIn(), activate=True)
    assert (report.embedded, report.total, report.active_model) == (0, 0, None)


def test_job_reads_and_writes_as_the_loader(admin: psycopg.Connection) -> None:
    roles = set()

    def note() -> None:
        row = admin.execute("SELECT current_user").fetchone()
        roles.add(row[0] if row else None)

    embed_catalogue(admin, StandIn(before=note))
    assert roles == {"zava_loader"}
    assert admin.execute("SELECT current_user").fetchone() == ("zava_admin",)


@pytest.mark.requirement("S67")
def test_index_is_built_only_where_it_pays_and_over_what_an_interruption_left(
    admin: psycopg.Connection, seeded_clone: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    embedder = StandIn()
    embed_catalogue(admin, embedder)
    assert "No index" in build_index(admin, embedder.model)
    monkeypatch.setattr(index_job, "INDEX_FROM_PRODUCTS", 100)
    assert "Indexed" in build_index(admin, embedder.model)
    indexes = "SELECT indexdef FROM pg_indexes WHERE indexdef LIKE '%%hnsw%%'"
    with psycopg.connect(seeded_clone.owner, autocommit=True) as owner:
        (definition,) = owner.execute(indexes).fetchall()
        assert "halfvec(8)" in definition[0]
        owner.execute(
            "UPDATE pg_index SET indisvalid = false WHERE indexrelid = (SELECT c.oid FROM pg_class c WHERE relname LIKE 'product_embeddings_________________________________idx')"
        )
        build_index(admin, embedder.model)
        assert owner.execute("SELECT count(*) FROM pg_index WHERE NOT indisvalid").fetchone() == (
            0,
        )
        assert owner.execute(indexes).fetchall() == [definition]
