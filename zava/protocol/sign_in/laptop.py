"""The parts of a laptop: a list of people to pick from, and a memory of what was used."""

from asyncio import Semaphore
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from cachetools import TTLCache

from zava.protocol.http_responses import HttpResponse
from zava.protocol.sign_in.page import Choice, choice_page
from zava.protocol.sign_in.parts import AuthorizationRequest, Person, SignInRefused

_MAX_REMEMBERED = 10_000
# A look-up holds a thread and a connection of the administrator. More at once would keep both from
# tool calls, and every page that is opened looks up.
_MAX_LOOKING_UP = 2
_ENDED = ""  # the id of no refresh token


class ListedPeople:
    """Everyone who is granted access; the person picks who they are, and proves nothing."""

    def __init__(self, listed: Callable[[], Awaitable[Sequence[Choice]]]) -> None:
        self._listed = listed
        self._room = Semaphore(_MAX_LOOKING_UP)

    async def welcome(
        self, authorization: AuthorizationRequest, ticket: str, headers: Mapping[str, str]
    ) -> HttpResponse:
        """Show the list."""
        del headers
        return choice_page(authorization, ticket, await self._look_up())

    async def person(self, choice: Mapping[str, Any], headers: Mapping[str, str]) -> Person | None:
        """Return the person of the list that was picked.

        Raises:
            SignInRefused: the list has no such person, or no longer.
        """
        del headers
        if choice.get("person") is None:
            return None
        for each in await self._look_up():
            if each.person.object_id == choice.get("person"):
                return each.person
        raise SignInRefused("This person is not on the list. Reload the page.")

    async def _look_up(self) -> Sequence[Choice]:
        async with self._room:
            return await self._listed()


class RememberedSignIns:
    """Used codes and refresh tokens of one process.

    A refresh token outlives the process; its history does not. After a restart the first token of a
    sign-in that comes is accepted, and any other one ends it. A code does not outlive the process.
    """

    def __init__(self, seconds: int) -> None:
        # By the sign-in: the id of the refresh token whose turn it is. Ids are drawn: were they
        # counted, a used token that comes first after a restart would leave the right one valid.
        self._next: TTLCache[str, str] = TTLCache(_MAX_REMEMBERED, seconds)

    async def begin(self, sign_in: str, following: str, person: Person, client_name: str) -> bool:
        """Redeem a code, once; end the sign-in where it was redeemed before."""
        del person, client_name
        is_first = sign_in not in self._next
        self._next[sign_in] = following if is_first else _ENDED
        return is_first

    async def turn(self, sign_in: str, given: str, following: str) -> bool:
        """Use a refresh token; end the sign-in where it is not the next one."""
        is_next = self._next.get(sign_in, given) == given
        self._next[sign_in] = following if is_next else _ENDED
        return is_next
