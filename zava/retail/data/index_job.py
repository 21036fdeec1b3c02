"""Embed the changed products of the catalogue, batch by batch, each committed.

The job runs on an administrator's connection as the loader role. Each run reads from the database
which products are still to embed. So the next run resumes an interrupted one, and repeats at most
one batch.
"""

import asyncio
import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple
from uuid import UUID

import psycopg
from psycopg import sql

from zava.infrastructure.embeddings.embedder import (
    Embedder,
    EmbeddingModel,
    TextRefused,
    Vector,
    vector_text,
)
from zava.sql_files import SQL

logger = logging.getLogger(__name__)

INDEX_FROM_PRODUCTS = 20_000
"""Below this an exact scan of all vectors is as fast as an index, and misses nothing."""

BATCH = 64
_BATCH_SECONDS = 300.0  # room for a service that says "later" for minutes
_DIRECTORY = SQL / "embed"
# Any constant does; two runs on one database must not pay for the same texts.
_ADVISORY_LOCK = 7_261_941_208

Progress = Callable[[int, int], None]


class EmbedRefused(Exception):
    """The catalogue cannot be embedded at present; the message states what to do."""


@dataclass(frozen=True, slots=True)
class EmbedReport:
    """What one run did; `failed` are the SKUs whose text the model refused."""

    model: EmbeddingModel
    embedded: int
    total: int
    failed: tuple[str, ...]
    active_model: str | None

    def __str__(self) -> str:
        """Return it as one line."""
        done = f"Embedded {self.embedded:,} of" if self.embedded else "Up to date:"
        text = f"{done} {self.total:,} products with {self.model.name}"
        if self.active_model != self.model.name:
            text += f"; search still uses {self.active_model or 'no model'}"
        return text


class _Item(NamedTuple):
    product_id: UUID
    sku: str
    text: str
    content_hash: bytes


def embed_catalogue(
    connection: psycopg.Connection,
    embedder: Embedder,
    *,
    progress: Progress = lambda _done, _total: None,
    activate: bool = False,
) -> EmbedReport:
    """Embed every product whose text has changed since it was embedded with this model.

    `connection` is an administrator's, in autocommit. The first model becomes the active one; a
    later one only when `activate` is true and no vector is missing. The embedder is closed
    afterwards, with the event loop that it was used on.

    Raises:
        EmbedRefused: another run is under way, or the registry has other values for this model.
        EmbeddingsUnavailable: the model does not answer; what was committed stays.
    """
    with _as_loader(connection), _loop_of(embedder) as runner:
        model_id = _registered(connection, embedder.model)
        total, pending = _counts(connection, model_id)
        done, failed = 0, list[str]()
        for batch in _pending(connection, model_id):
            for items, vectors in _embedded(runner, embedder, batch, failed):
                _store(connection, model_id, items, vectors)
                done += len(items)
            progress(done + len(failed), pending)
        active = _activated(connection, model_id, flip=activate and not failed)
    for sku in failed:
        logger.warning("not embedded: %s refuses the text of %s", embedder.model.name, sku)
    if done:
        with connection.transaction():
            connection.execute("SET LOCAL ROLE zava_owner")
            connection.execute("ANALYZE retail.product_embeddings, retail.product_words")
    return EmbedReport(embedder.model, done, total, tuple(failed), active)


def build_index(connection: psycopg.Connection, model: EmbeddingModel) -> str:
    """Build the approximate index of a model if its size is worth one; return what was done.

    Readers and writers go on meanwhile. An index that an interrupted build left half done is
    built anew.
    """
    with _as_loader(connection):
        model_id = _registered(connection, model)
        (vectors,) = _one(
            connection,
            "SELECT count(*) FROM retail.product_embeddings WHERE model_id = %s",
            [model_id],
        )
    if vectors < INDEX_FROM_PRODUCTS:
        return (
            f"No index: {vectors:,} vectors are scanned exactly and fast enough "
            f"up to {INDEX_FROM_PRODUCTS:,}"
        )
    name = f"product_embeddings_{model_id.hex}_idx"
    connection.execute("SET ROLE zava_owner")
    try:
        connection.execute("SET maintenance_work_mem = '512MB'")
        if _is_invalid(connection, name):
            connection.execute(
                sql.SQL("DROP INDEX CONCURRENTLY retail.{}").format(sql.Identifier(name))
            )
        connection.execute(
            sql.SQL(
                "CREATE INDEX CONCURRENTLY IF NOT EXISTS {} ON retail.product_embeddings USING"
                " hnsw ((embedding::extensions.halfvec({})) extensions.halfvec_cosine_ops)"
                " WITH (m = 16, ef_construction = 64) WHERE model_id = {}"
            ).format(sql.Identifier(name), sql.Literal(model.dimensions), sql.Literal(model_id))
        )
    finally:
        connection.execute("RESET maintenance_work_mem")
        connection.execute("RESET ROLE")
    return f"Indexed {vectors:,} vectors of {model.name}"


@contextmanager
def _as_loader(connection: psycopg.Connection) -> Iterator[None]:
    row = connection.execute("SELECT pg_try_advisory_lock(%s)", [_ADVISORY_LOCK]).fetchone()
    if row != (True,):
        raise EmbedRefused("another run embeds this catalogue just now; let it end, then try again")
    try:
        connection.execute("SET statement_timeout = 0")
        connection.execute("SET ROLE zava_loader")
        yield
    finally:
        # A connection that broke has given both back by itself.
        if not connection.broken:
            connection.execute("RESET ROLE")
            connection.execute("SELECT pg_advisory_unlock(%s)", [_ADVISORY_LOCK])


@contextmanager
def _loop_of(embedder: Embedder) -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as runner:
        try:
            yield runner
        finally:
            runner.run(embedder.close())


def _registered(connection: psycopg.Connection, model: EmbeddingModel) -> UUID:
    """Return the model's id, registered at its first run; its thresholds are the registry's."""
    connection.execute(
        "INSERT INTO retail.embedding_models"
        " (name, dimensions, minimum_similarity, weak_similarity)"
        " VALUES (%s, %s, %s, %s) ON CONFLICT (name) DO NOTHING",
        [model.name, model.dimensions, model.minimum_similarity, model.weak_similarity],
    )
    model_id, dimensions = _one(
        connection,
        "SELECT model_id, dimensions FROM retail.embedding_models WHERE name = %s",
        [model.name],
    )
    if dimensions != model.dimensions:
        raise EmbedRefused(
            f"{model.name} is registered with {dimensions} dimensions and returns "
            f"{model.dimensions}; deploy the other model under another name"
        )
    return UUID(str(model_id))


def _counts(connection: psycopg.Connection, model_id: UUID) -> tuple[int, int]:
    """Return how many products there are, and how many are still to embed."""
    (total,) = _one(connection, "SELECT count(*) FROM retail.products")
    (pending,) = _one(
        connection,
        f"SELECT count(*) FROM ({_statement('pending')}) AS p",  # noqa: S608  # our own statement
        {"model_id": model_id, "after": None, "most": None},
    )
    return total, pending


def _pending(connection: psycopg.Connection, model_id: UUID) -> Iterator[list[_Item]]:
    # Each id is passed once, so that a refused text does not come back within one run.
    after: UUID | None = None
    while True:
        rows = connection.execute(
            _statement("pending"), {"model_id": model_id, "after": after, "most": BATCH}
        ).fetchall()
        if not rows:
            return
        batch = [_Item(*row) for row in rows]
        yield batch
        after = batch[-1].product_id


def _embedded(
    runner: asyncio.Runner, embedder: Embedder, items: Sequence[_Item], failed: list[str]
) -> Iterator[tuple[Sequence[_Item], Sequence[Vector]]]:
    """Embed a batch; where a text is refused, in halves, until it stands alone."""
    try:
        texts = [item.text for item in items]
        yield items, runner.run(embedder.embed(texts, within_seconds=_BATCH_SECONDS))
    except TextRefused:
        if len(items) == 1:
            failed.append(items[0].sku)
            return
        middle = len(items) // 2
        yield from _embedded(runner, embedder, items[:middle], failed)
        yield from _embedded(runner, embedder, items[middle:], failed)


def _store(
    connection: psycopg.Connection,
    model_id: UUID,
    items: Sequence[_Item],
    vectors: Sequence[Vector],
) -> None:
    connection.execute(
        _statement("store"),
        {
            "model_id": model_id,
            "product_ids": [item.product_id for item in items],
            "hashes": [item.content_hash for item in items],
            "vectors": [vector_text(vector) for vector in vectors],
        },
    )


def _activated(connection: psycopg.Connection, model_id: UUID, *, flip: bool) -> str | None:
    """Make the model the active one where it may be; return the name of the active one."""
    with connection.transaction():
        (has_vectors,) = _one(
            connection,
            "SELECT EXISTS (SELECT FROM retail.product_embeddings WHERE model_id = %s)",
            [model_id],
        )
        if has_vectors and flip:
            connection.execute(
                "UPDATE retail.embedding_models SET active = false WHERE active AND model_id <> %s",
                [model_id],
            )
        if has_vectors:
            connection.execute(
                "UPDATE retail.embedding_models SET active = true WHERE model_id = %s"
                " AND NOT EXISTS (SELECT FROM retail.embedding_models WHERE active)",
                [model_id],
            )
        (name,) = _one(connection, "SELECT max(name) FROM retail.embedding_models WHERE active")
    return None if name is None else str(name)


def _is_invalid(connection: psycopg.Connection, name: str) -> bool:
    found = connection.execute(
        "SELECT i.indisvalid FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indexrelid"
        " WHERE c.relname = %s",
        [name],
    ).fetchone()
    return found == (False,)


def _one(connection: psycopg.Connection, query: str, values: Any = None) -> tuple[Any, ...]:
    return connection.execute(query, values).fetchone() or ()


@cache
def _statement(name: str) -> str:
    return (_DIRECTORY / f"{name}.sql").read_text(encoding="utf-8")
