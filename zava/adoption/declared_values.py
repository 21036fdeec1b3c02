"""What a declaration contains about another application's database, as frozen values."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from uuid import UUID

from zava.adoption.metrics.declared_metrics import DeclaredMeaning

MAX_NAME = 24
"""The longest name of a database or an audience: a role's name holds both, in 63 bytes."""

CONTEXT, SERVER = "_context", "_server"
"""How the names of the seal's own two roles end; no audience's role ends like them."""


class AudienceScope(StrEnum):
    """Whose rows an audience reads: of one tenant, of those that a grant lists, or all rows."""

    ONE = "one"
    MANY = "many"
    ALL = "all"


@dataclass(frozen=True, slots=True)
class DeclaredAudience:
    """A kind of caller, and the database role in which its statements run."""

    name: str
    role: str
    scope: AudienceScope

    @property
    def runner(self) -> str:
        """Return the name of the function that runs its statements."""
        return f"run_{self.role}"

    @property
    def weigher(self) -> str:
        """Return the name of the function that plans a statement of it."""
        return f"weigh_{self.role}"

    @property
    def policy(self) -> str:
        """Return the name of its policies."""
        return f"zava_{self.name}"


@dataclass(frozen=True, slots=True)
class DeclaredTenant:
    """The table of the tenants. `table` is `schema.name`; `label` is a tenant's name for people.

    `attributes` are columns to filter by; `tell_count` shows how many tenants there are.
    """

    table: str
    key: str
    label: str
    word: str
    words: str
    attributes: tuple[str, ...] = ()
    tell_count: bool = False


@dataclass(frozen=True, slots=True)
class Via:
    """The way from a row to its tenant: `column` equals `key` of a row of `parent`."""

    column: str
    parent: str
    key: str


@dataclass(frozen=True, slots=True)
class TableRule:
    """How one table is read. Exactly one of `tenant`, `via` and `shared` is set.

    `null_is_shared`: a row without a tenant is every tenant's. `hidden` names columns by audience;
    under '' are those that no audience reads. `filter` is a condition in SQL that every row meets.
    """

    name: str
    tenant: str | None = None
    via: Via | None = None
    shared: bool = False
    null_is_shared: bool = False
    hidden: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    filter: str | None = None
    values: tuple[str, ...] = ()
    outside_text: tuple[str, ...] = ()

    def hides(self, column: str, audience: str) -> bool:
        """Return whether an audience does not read a column."""
        return column in self.hidden.get("", ()) or column in self.hidden.get(audience, ())


@dataclass(frozen=True, slots=True)
class DeclaredMembers:
    """Grants that the application keeps: each row of `table` gives a person a tenant.

    With `directory` the column `person` has the object ids of that directory. With `issuer` it has
    the subjects of that OpenID provider. One of both is set. `filter` is a condition that a row
    meets while it is a membership.
    """

    audience: str
    table: str
    person: str
    tenant: str
    directory: UUID | None = None
    issuer: str | None = None
    filter: str | None = None


@dataclass(frozen=True, slots=True)
class AdoptionDeclaration:
    """One declaration: the database, its tenants, its audiences and its tables.

    `schemas` have the tables; `support_schemas` have types and operators that they use. `currency`
    is that of metrics of money. `text` is the file's, which the database keeps.
    """

    name: str
    title: str
    schemas: tuple[str, ...]
    support_schemas: tuple[str, ...]
    time_zone: str
    trusted_functions: tuple[str, ...]
    tenant: DeclaredTenant
    audiences: tuple[DeclaredAudience, ...]
    tables: Mapping[str, TableRule]
    members: DeclaredMembers | None = None
    currency: str = ""
    meaning: DeclaredMeaning = field(default_factory=DeclaredMeaning)
    text: str = ""

    @property
    def context_role(self) -> str:
        """Return the role that owns the keys and the context functions."""
        return f"zava_{self.name}{CONTEXT}"

    @property
    def server_role(self) -> str:
        """Return the login of the server, which may call the runners and nothing else."""
        return f"zava_{self.name}{SERVER}"

    @property
    def roles(self) -> tuple[str, ...]:
        """Return every role of the adoption."""
        audiences = (audience.role for audience in self.audiences)
        return (self.context_role, self.server_role, *audiences)

    @property
    def sealed_audiences(self) -> tuple[DeclaredAudience, ...]:
        """Return the audiences that do not read every row."""
        return tuple(each for each in self.audiences if each.scope is not AudienceScope.ALL)

    @property
    def search_path(self) -> tuple[str, ...]:
        """Return the schemas in which a caller's names are looked up."""
        return ("pg_catalog", *self.schemas, *self.support_schemas, "pg_temp")


def default_role(database: str, audience: str) -> str:
    """Return the name of an audience's role where the declaration has none."""
    return f"zava_{database}_{audience}"


def printable(text: str) -> str:
    """Return a text on one line: a control character, as a name may have, appears as its escape."""
    return "".join(each if each.isprintable() else ascii(each)[1:-1] for each in text)


def quoted(name: str) -> str:
    """Return a name as SQL spells it, in quotes."""
    return '"' + name.replace('"', '""') + '"'


def quoted_table(name: str) -> str:
    """Return `schema.table` as SQL spells it; the first dot ends the schema."""
    schema, _, table = name.partition(".")
    return f"{quoted(schema)}.{quoted(table)}"


def literal(text: str) -> str:
    """Return a text as a constant of SQL."""
    constant = "'" + text.replace("'", "''") + "'"
    return "E" + constant.replace("\\", "\\\\") if "\\" in text else constant
