"""Commands about people who are signed in: sign-ins, end-sign-in."""

from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

import typer

from zava.cli.terminal import Requester, administered, console, operator
from zava.infrastructure.postgres import sign_in_list


def sign_ins() -> None:
    """List who is signed in at this server: who, client, since, last use, id."""
    with administered() as database, database.administration() as connection:
        listed = sign_in_list.list_sign_ins(connection)
    for each in listed:
        console.print(
            f"{each.who}: {each.client}, since {_moment(each.since)}, "
            f"last used {_moment(each.last_used)}, until {_moment(each.until)}; {each.sign_in_id}",
            highlight=False,
            markup=False,
            soft_wrap=True,
        )
    if not listed:
        console.print("No one is signed in at this server.")


def end_sign_in(
    sign_in: Annotated[UUID, typer.Argument(metavar="ID", help="Its id, as sign-ins lists it.")],
    by: Requester = None,
) -> None:
    """End a sign-in: its client needs a new one within ten minutes."""
    with administered() as database, database.administration() as connection:
        sign_in_list.end_sign_in(connection, sign_in, actor=by or operator())
    console.print(f"Ended: {sign_in}. Its last access token expires within ten minutes.")


def _moment(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M}Z"
