"""What the core is given of the business whose data it serves."""

from collections.abc import Mapping
from dataclasses import dataclass

from zava.model.audiences import Audiences, Permissions


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
    currency: str = ""

    def short_name(self, store: str) -> str:
        """Return a store's name as people write it, in lower case."""
        return store.strip().casefold().removeprefix(self.store_prefix)
