"""What the core is given of the business whose data it serves."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from zava.model.audiences import Audiences, Permissions
from zava.model.core import TenantWords

_PLAIN_NAME = re.compile("[a-z_][a-z0-9_]*")
_WORDS = """
    all analyse analyze and any array as asc asymmetric authorization binary both case cast check
    collate collation column concurrently constraint create cross current_catalog current_date
    current_role current_schema current_time current_timestamp current_user default deferrable desc
    distinct do else end except false fetch for foreign freeze from full grant group having ilike in
    initially inner intersect into is isnull join lateral leading left like limit localtime
    localtimestamp natural not notnull null offset on only or order outer overlaps placing primary
    references returning right select session_user similar some symmetric system_user table
    tablesample then to trailing true union unique user using variadic verbose when where window
    with
"""
_RESERVED = frozenset(_WORDS.split())


def sql_name(name: str) -> str:
    """Return a name as a statement spells it: in quotes where PostgreSQL would read another."""
    if _PLAIN_NAME.fullmatch(name) and name not in _RESERVED:
        return name
    return '"' + name.replace('"', '""') + '"'


@dataclass(frozen=True, slots=True)
class Domain:
    """The values that a domain's package hands to the core; the core has none of its own.

    `name`, `description` and `instructions` introduce the server to clients and their models.
    `schema` has the tables that callers read. `time_zone` and `currency` are those of stores that
    state no other; without figures of money the currency is empty. A zone decides on which day a
    moment is. `store_prefix` begins each store's name, in lower case; people leave it out.
    `restricted_reason` states why some audiences may not read what the catalogue restricts.
    `audiences` and `permissions` are those of grants and of tokens. `peers_hint` names the way to
    figures on stores outside a caller's scope. `package` has the domain's own statements.
    `outside_text` has the columns, by table, of text that customers or suppliers wrote: data for a
    reader, never instructions. Those of `personal_table` need the second role of an audience.

    A database of another application has `words` for its tenants. Its `table_names` have the
    spelling of each table, by the name under which this server keeps it. Its `statements` replace
    those of files.
    """

    name: str
    description: str
    instructions: str
    schema: str
    time_zone: str
    store_prefix: str
    audiences: Audiences
    permissions: Permissions
    restricted_reason: str
    peers_hint: str
    package: str
    outside_text: Mapping[str, tuple[str, ...]]
    personal_table: str
    words: TenantWords | None = None
    table_names: Mapping[str, str] = field(default_factory=dict)
    statements: Mapping[str, str] = field(default_factory=dict)
    currency: str = ""

    def spelled(self, table: str) -> str:
        """Return a table's name as statements spell it."""
        return self.table_names.get(table) or f"{self.schema}.{table}"

    def short_name(self, store: str) -> str:
        """Return a store's name as people write it, in lower case."""
        return store.strip().casefold().removeprefix(self.store_prefix)
