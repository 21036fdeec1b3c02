"""What a subject is: a server, or a pattern, that runs one tenant's statements."""

import importlib
import pkgutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from bench.isolation.databases import Databases

Tenant = Literal["attacker", "neighbour"]
TENANTS: tuple[Tenant, ...] = ("attacker", "neighbour")

# Classes whose harm PostgreSQL's own documentation describes, for any login with SELECT: catalogs
# and statistics that PUBLIC reads, EXPLAIN, advisory locks, and statements without a time limit.
DOCUMENTED = frozenset({"catalog", "estimates", "memory", "neighbours", "time", "traces"})


@dataclass(frozen=True, slots=True)
class Answer:
    """The text that the model reads, and whether it is an error."""

    text: str
    is_error: bool = False


class Session(Protocol):
    """A started subject."""

    def run(self, tenant: Tenant, sql: str) -> Answer:
        """Run a statement as a caller of this tenant.

        Raises:
            NoAnswer: the subject ended, or returned nothing in time.
        """
        ...

    def tools(self) -> str | None:
        """Return the answer to tools/list as JSON; None where the subject is no MCP server."""
        ...


class NoAnswer(Exception):
    """A subject ended, or did not answer in time."""


class NotRunnable(Exception):
    """A subject cannot run on this machine; the message is the reason."""


@dataclass(frozen=True)
class Subject:
    """One server or pattern, as its documentation has it deployed for several tenants."""

    name: str
    version: str
    deployment: str
    start: "Callable[[Databases], AbstractContextManager[Session]]"
    neighbour_login: "Callable[[Databases], str]"
    """The connection string of the login on which the neighbour's calls run."""
    domain: str = "retail"
    database: str = "shared"
    next_caller: Tenant = "neighbour"
    """Whose call gets the connection next: the neighbour's, where tenants share one process."""
    is_ours: bool = False
    """Whether this project wrote it: its harmful cases are described one by one."""
    facts: Mapping[str, str] = field(default_factory=dict)
    """What an attacker reads in the source: `context` (the setting that holds the tenant),
    `forged` (its value for the other tenant), `role` (a role with more rights)."""

    def is_described(self, kind: str) -> bool:
        """Whether a harmful case of this class may be described.

        Of other projects' servers, only what PostgreSQL's documentation states is.
        """
        return self.is_ours or kind in DOCUMENTED


def all_subjects() -> dict[str, Subject]:
    """Return every subject of `bench.isolation.subjects` by name, other projects' first."""
    package = importlib.import_module("bench.isolation.subjects")
    names = sorted(each.name for each in pkgutil.iter_modules(package.__path__))
    modules = [importlib.import_module(f"{package.__name__}.{name}") for name in names]
    found: list[Subject] = [subject for module in modules for subject in module.SUBJECTS]
    return {each.name: each for each in sorted(found, key=lambda subject: subject.is_ours)}


@contextmanager
def started(subject: Subject, databases: "Databases") -> Iterator[Session]:
    """Start a subject.

    Raises:
        NotRunnable: it cannot be installed or started here.
    """
    with subject.start(databases) as session:
        yield session
