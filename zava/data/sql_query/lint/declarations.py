"""What a domain declares of its tables, so that the lint can judge a statement's figures."""

from collections.abc import Mapping
from dataclasses import dataclass

Column = tuple[str, str]
"""A table and one of its columns."""


@dataclass(frozen=True, slots=True)
class TableFacts:
    """What is known of one table.

    Each of `keys` determines one row, or so few that sums are not distorted. `totals` are amounts
    of one row, which may be added up over rows. `counted` is the column that stands for the row in
    a count. `names` name a row to people and may repeat; `identities` distinguish
    two such rows. `personal` are columns with data of persons.
    """

    row: str
    keys: tuple[frozenset[str], ...]
    totals: frozenset[str] = frozenset()
    counted: str = ""
    names: tuple[str, ...] = ()
    identities: frozenset[str] = frozenset()
    personal: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class StatusFacts:
    """The column that decides whether a row counts, and the tables whose amounts it decides.

    `usual` is the status of most rows that count: a statement without it is about other rows.
    """

    column: Column
    values: frozenset[str]
    usual: str
    excluded: tuple[str, ...]
    tables: frozenset[str]


@dataclass(frozen=True, slots=True)
class CertifiedForm:
    """A certified metric that an output of this form recomputes, from the rows of one table.

    `excluded` are the statuses that the metric leaves out, None for those of the others. `counts`
    is what the form counts and the metric does not.
    """

    metric: str
    table: str
    excluded: tuple[str, ...] | None = None
    counts: str = ""


@dataclass(frozen=True, slots=True)
class CertifiedFacts:
    """The certified metrics that a statement may recompute, by the forms of its outputs.

    A form is written as `forms_of` returns it: `sum(orders.total_amount)`. `label` names the main
    metric. `moment` is the column of periods. `dimensions` are the columns whose values are filters
    of a metric, `of_lines` those of them that only its finest table has. `tables` are those that a
    join by keys may add, `lines` the finest one, `stores` the one of the tenants.
    """

    label: str
    forms: Mapping[str, CertifiedForm]
    moment: Column
    dimensions: Mapping[Column, str]
    of_lines: frozenset[str]
    tables: frozenset[str]
    lines: str
    stores: str


@dataclass(frozen=True, slots=True)
class LintFacts:
    """Everything that a domain declares for the lint; `tenant` is the key of a caller's stores.

    `zone` is that of a statement's days. `amounts` are the columns of money, which add up within a
    currency; a statement with one of `currency_words` heeds it. The remedies end a note.
    """

    tables: Mapping[str, TableFacts]
    status: StatusFacts
    certified: CertifiedFacts
    zone: str
    tenant: str
    amounts: frozenset[str] = frozenset()
    currency_words: tuple[str, ...] = ()
    currency_remedy: str = ""
    zone_remedy: str = ""
