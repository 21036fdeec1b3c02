"""One server over each adopted database, for the tests that change nothing in it."""

from collections.abc import AsyncIterator

import pytest

from tests.adoption.foreign import Foreign
from tests.adoption.serving.served import Served


@pytest.fixture
async def served(
    billing: Foreign, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Served]:
    """Billing: ana reads Alder's rows, bo Birch's, cy two organizations, dot all of them."""
    found = Served(billing, tmp_path_factory.mktemp("home"))
    found.grant("ana", "member", "Alder")
    found.grant("bo", "desk", "Birch")
    found.grant("cy", "member", "Cedar", "Damson")
    found.grant("dot", "auditor")
    yield found
    await found.app.close()


@pytest.fixture
async def served_rentals(
    rentals: Foreign, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Served]:
    """Rentals: a manager of the first store, and a region of two."""
    found = Served(rentals, tmp_path_factory.mktemp("home"))
    found.grant("mo", "manager", "Store 1")
    found.grant("ray", "region", "Store 2", "Store 3")
    yield found
    await found.app.close()
