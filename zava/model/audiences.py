"""Who reads what: audiences with their database roles, and the permissions of a token.

A domain's package declares the values; the core has none of its own but the two permissions that
the core itself checks.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NewType

Permission = NewType("Permission", str)
"""What a token may allow: each is a scope of people and a role of applications."""

SQL_QUERY = Permission("sql.query")
CUSTOMERS_READ = Permission("customers.read")

_ROLE_NAME = re.compile("[a-z][a-z0-9_]*")
_LONGEST_ROLE = 57  # PostgreSQL keeps 63 bytes of `weigh_…`
_LONGEST_WITH_PERSONAL = 46  # and of `weigh_…_personal`
_PERSONAL = "_personal"


class Breadth(StrEnum):
    """How many tenants a grant of an audience is for."""

    ONE = "one"
    MANY = "many"
    ALL = "all"


@dataclass(frozen=True, slots=True, eq=False)
class Audience:
    """The kind of caller in the database: which tenants and which columns a grant is for.

    `title` is how sentences name it. `reads_restricted`: also the metrics that the catalogue
    restricts. Each audience has two roles; the personal one also reads names, e-mail and phone of
    customers. Without `has_personal_role` both are the same one. Compared by identity: each is
    declared once, and looked up in every statement.

    Raises:
        ValueError: `name` cannot be a part of the names of roles and functions.
    """

    name: str
    title: str
    breadth: Breadth
    reads_restricted: bool = True
    has_personal_role: bool = True
    role: "ReadingRole" = field(init=False, repr=False)
    personal_role: "ReadingRole" = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Declare the two roles."""
        longest = _LONGEST_WITH_PERSONAL if self.has_personal_role else _LONGEST_ROLE
        if not _ROLE_NAME.fullmatch(self.name) or len(self.name) > longest:
            raise ValueError(f"{self.name!r} is no name of an audience: use a-z, 0-9 and _")
        role = personal = ReadingRole(self.name, self, reads_personal=False)
        if self.has_personal_role:
            personal = ReadingRole(f"{self.name}{_PERSONAL}", self, reads_personal=True)
        object.__setattr__(self, "role", role)
        object.__setattr__(self, "personal_role", personal)

    def __str__(self) -> str:
        """Return the name."""
        return self.name

    def reading_role(self, *, reads_personal: bool) -> "ReadingRole":
        """Return the role of a grant with or without personal data."""
        return self.personal_role if reads_personal else self.role


@dataclass(frozen=True, slots=True, eq=False)
class ReadingRole:
    """The database role in which a caller's statement runs, one of its audience's two."""

    name: str
    audience: Audience = field(repr=False)
    reads_personal: bool

    def __str__(self) -> str:
        """Return the name."""
        return self.name

    def of_token(self, permissions: frozenset[Permission]) -> "ReadingRole":
        """Return this role, or the audience's first one where the token lacks the permission."""
        return self if CUSTOMERS_READ in permissions else self.audience.role


class Audiences:
    """The audiences of a domain, the one that sees least first."""

    def __init__(self, first: Audience, *others: Audience) -> None:
        """Take the audiences in the order of what they see."""
        self.all = (first, *others)
        self.roles: Mapping[str, ReadingRole] = {
            role.name: role for each in self.all for role in (each.role, each.personal_role)
        }

    @property
    def first(self) -> Audience:
        """Return the audience that sees least."""
        return self.all[0]

    @property
    def widest(self) -> Audience:
        """Return the audience that sees most."""
        return self.all[-1]

    def named(self, name: str) -> Audience:
        """Return the audience of a name.

        Raises:
            ValueError: the domain has no such audience.
        """
        for each in self.all:
            if each.name == name:
                return each
        raise ValueError(f"{name} is no audience")

    def role(self, name: str) -> ReadingRole:
        """Return the role of a name.

        Raises:
            ValueError: no audience of the domain has such a role.
        """
        try:
            return self.roles[name]
        except KeyError:
            raise ValueError(f"{name} is no reading role") from None


@dataclass(frozen=True, slots=True)
class Permissions:
    """What tokens for a domain may allow, in the order in which they are offered.

    `included` gives the permissions that another one brings with it.
    """

    all: tuple[Permission, ...]
    included: Mapping[Permission, frozenset[Permission]]

    def of_names(self, names: frozenset[str]) -> frozenset[Permission]:
        """Return what these names allow; unknown ones allow nothing."""
        allowed = {permission for permission in self.all if permission in names}
        return frozenset(allowed.union(*(self.included.get(each, ()) for each in allowed)))
