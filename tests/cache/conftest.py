"""Fixtures of the cache: one that keeps in memory, and a real server."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.cache.cached import Asking, asking
from tests.cache.redis_server import RedisServer, redis_server
from tests.support.servers.database import Database
from zava.data.session.signed_context import ContextSigner
from zava.infrastructure.cache_backends import MemoryStore


@pytest.fixture
async def ask(database: Database, signer: ContextSigner) -> AsyncIterator[Asking]:
    async with asking(database.server, signer, MemoryStore(300)) as ask:
        yield ask


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RedisServer]:
    with redis_server(tmp_path) as server:
        yield server
