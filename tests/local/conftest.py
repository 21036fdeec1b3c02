"""One laptop for all tests of what its user sees."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.local.console_page import site_of
from tests.support.embedding.vectors import keep_vectors
from tests.support.products.laptop import Laptop, free_port
from tests.support.servers.homes import open_directory
from zava.app import Application
from zava.infrastructure.local.embedded.postgres_server import DATABASE, EmbeddedServer
from zava.infrastructure.local.state_dir import StateDirectory
from zava.infrastructure.local.token_issuer import LocalIssuer
from zava.protocol.console.console import Console
from zava.retail.demo.principals import demo_callers
from zava.settings import Settings


@pytest.fixture(scope="session")
def laptop(vectors: Path) -> Iterator[Laptop]:
    """A laptop on which `zava run` serves; its start leaves the vectors to those after it."""
    with open_directory() as directory:
        laptop = Laptop(directory / "laptop", free_port())
        laptop.start()
        keep_vectors(EmbeddedServer(StateDirectory(laptop.home)).superuser_url(DATABASE), vectors)
        yield laptop
        laptop.stop()


@pytest.fixture(scope="session")
def laptop_tokens(laptop: Laptop) -> dict[str, str]:
    """A bearer token of the laptop's issuer for each demo principal."""
    issuer = LocalIssuer(StateDirectory(laptop.home), laptop.port)
    return {
        name: issuer.token(tenant_id=caller.tenant_id, object_id=caller.object_id, name=name)
        for name, caller in demo_callers().items()
    }


@pytest.fixture
def console(application: Application, home: StateDirectory) -> Console:
    """The console in front of the application of the tests."""
    site = site_of(application, Settings.model_validate({"ZAVA_HOME": home.path}))
    assert isinstance(site, Console)
    return site
