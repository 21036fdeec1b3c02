"""Limits how many codes are redeemed at the provider at once, by the network that they come from.

Anyone can begin a sign-in and come back with a code that no provider gave. Each one costs a request
to the provider. So no network holds the places that the others need.
"""

import threading
from collections import Counter
from ipaddress import IPv4Address, IPv6Network, ip_address
from urllib.parse import urlsplit

MAX_AT_ONCE = 16
_NETWORK_BITS = 64  # of IPv6: a household and each rented machine hold so many addresses


class TooManySignIns(Exception):
    """No place is free for this network; its code was not sent and may come again."""


class RedemptionLimit:
    """The redemptions under way. A network holds at most as many as are left for the others.

    Alone it holds half of them, a second one a quarter, and so on.
    """

    def __init__(self) -> None:
        # A place may be given back on the thread that used it.
        self._changing = threading.Lock()
        self._held: Counter[str] = Counter()

    def enter(self, network: str) -> None:
        """Take one of the places.

        Raises:
            TooManySignIns: the network holds as many as it may.
        """
        with self._changing:
            if self._held[network] >= MAX_AT_ONCE - self._held.total():
                raise TooManySignIns
            self._held[network] += 1

    def leave(self, network: str) -> None:
        """Give one of the network's places back."""
        with self._changing:
            self._held[network] -= 1
            if not self._held[network]:
                del self._held[network]


def network_of(forwarded: str) -> str | None:
    """Return the network of a request, as the host in front appends it to `X-Forwarded-For`.

    None where no host in front states one. What stands before the last address a client can write.
    """
    written = forwarded.rpartition(",")[2].strip()
    try:
        address = ip_address(_without_port(written))
    except ValueError:
        return None
    if isinstance(address, IPv4Address):
        return str(address)
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(IPv6Network((address, _NETWORK_BITS), strict=False))


def _without_port(written: str) -> str:
    is_bare = written.count(":") > 1 and not written.startswith("[")
    return written if is_bare else urlsplit(f"//{written}").hostname or ""
