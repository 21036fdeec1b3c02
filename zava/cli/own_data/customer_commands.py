"""`zava erase-customer` and `zava export-customer`: what a customer may request."""

import json
from typing import Annotated

import typer

from zava.cli.terminal import Requester, administered, console, operator
from zava.retail.data import customer_erasure as erasure
from zava.retail.importing.layout import ImportRefused

_Id = Annotated[str | None, typer.Option("--id", help="The customer's id in the database.")]
_Email = Annotated[str | None, typer.Option("--email", help="The customer's e-mail address.")]
_Key = Annotated[str | None, typer.Option("--key", help="The customer's key in the source.")]


def erase_customer(
    *,
    customer_id: _Id = None,
    email: _Email = None,
    key: _Key = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what is found, and erase nothing.")
    ] = False,
    by: Requester = None,
) -> None:
    """Erase a customer's name, address and phone everywhere; sales stay, under a pseudonym."""
    kind, value = _one_of(customer_id, email, key)
    with administered() as database, database.administration() as connection:
        erased = erasure.erase_customer(
            connection, kind, value, actor=by or operator(), dry_run=dry_run
        )
    for found in erased.found:
        console.print(
            f"{found.store}: customer {found.customer_id}, orders: {found.orders}",
            highlight=False,
        )
    for name, count in erased.removed.items():
        console.print(f"  {name}: {count}", highlight=False)
    if dry_run:
        console.print("A dry run: nothing was erased.")
        return
    console.print("Erased. The change log has the certificate. Backups and the files that were")
    console.print("imported still hold the customer, and their rejects files beside them.")


def export_customer(*, customer_id: _Id = None, email: _Email = None, key: _Key = None) -> None:
    """Print what is stored of a customer, with all orders, as JSON."""
    kind, value = _one_of(customer_id, email, key)
    with administered() as database, database.administration() as connection:
        stored = erasure.export_customer(connection, kind, value)
    console.print(json.dumps(stored, indent=2, ensure_ascii=False), highlight=False, markup=False)


def _one_of(customer_id: str | None, email: str | None, key: str | None) -> tuple[erasure.By, str]:
    given: list[tuple[erasure.By, str]] = []
    if customer_id:
        given.append(("id", customer_id))
    if email:
        given.append(("email", email))
    if key:
        given.append(("key", key))
    if len(given) != 1:
        raise ImportRefused("give one of --id, --email and --key")
    return given[0]
