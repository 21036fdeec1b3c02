"""Finds what Bicep cannot: the size that the disk has grown to, and the deployer's address."""

from __future__ import annotations

import json
import re
import sys
from ipaddress import AddressValueError, IPv4Address
from typing import Mapping
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from deployment import Refused, azd, main, remember, switch
from preparation import prepares

FINDER = "https://api.ipify.org"
MANAGEMENT = "https://management.azure.com"
ANSWER_SECONDS = 20.0
QUESTION = (
    "The firewall of the database lets in one address beside Azure's own.\n"
    f"Public IPv4 address of this machine; `find` to get it from {FINDER} now and at each\n"
    "deployment; empty for none: "
)


def preprovision(environment: Mapping[str, str]) -> None:
    """Keep in the environment of azd what the next deployment has to be given."""
    keep_grown_disk(environment)
    is_private = switch(environment, "ZAVA_USE_PRIVATE_NETWORK", default=False)
    if not is_private and prepares(environment):
        let_in(environment)


def keep_grown_disk(environment: Mapping[str, str]) -> None:
    """Keep the present size of the database's disk where it has grown: Azure refuses a smaller."""
    server = environment.get("AZURE_POSTGRESQL_SERVER_ID", "")
    if not re.fullmatch(r"/subscriptions/[\w./()-]+", server):
        return
    wanted = environment.get("ZAVA_DATABASE_STORAGE_GB", "").strip() or "32"
    try:
        size = _present_size(server)
    except (Refused, OSError, ValueError, KeyError, TypeError) as error:
        print(f"The present size of the database's disk could not be read ({error}).")
        return
    if size and wanted.isdigit() and size > int(wanted):
        remember("ZAVA_DATABASE_STORAGE_GB", str(size))
        print(f"The database's disk has grown: ZAVA_DATABASE_STORAGE_GB is {size} from here on.")


def _present_size(server: str) -> int:
    """Return the gigabytes of the server's disk; 0 if there is no such server."""
    scope = f"{MANAGEMENT}/.default"
    token = json.loads(azd("auth", "token", "--output", "json", "--scope", scope))["token"]
    url = f"{MANAGEMENT}{server}?api-version=2025-08-01"
    request = Request(url, headers={"Authorization": f"Bearer {token}"})  # noqa: S310  # https above
    try:
        with urlopen(request, timeout=ANSWER_SECONDS) as answer:  # noqa: S310  # https above
            return int(json.load(answer)["properties"]["storage"]["storageSizeGB"])
    except HTTPError as error:
        if error.code == 404:  # noqa: PLR2004  # HTTP's own number
            return 0
        raise


def let_in(environment: Mapping[str, str]) -> None:
    """Keep an address for the firewall: the one that is set, or one that is found on request.

    Without the request nothing goes to a third party. The address is found anew at each
    deployment, as the machine may be in another network than before.
    """
    if switch(environment, "ZAVA_FIND_DEPLOYER_IP", default=False):
        remember("ZAVA_DEPLOYER_IP", _found())
        return
    named = environment.get("ZAVA_DEPLOYER_IP", "").strip()
    if named:
        _checked(named, "ZAVA_DEPLOYER_IP")
        return
    if environment.get("ZAVA_FIND_DEPLOYER_IP", "").strip() or not sys.stdin.isatty():
        print(
            "The firewall of the database lets in Azure only: name an address with `azd env set "
            "ZAVA_DEPLOYER_IP <address>`, or have it found with `azd env set "
            "ZAVA_FIND_DEPLOYER_IP true`."
        )
        return
    answer = _answer()
    if answer == "find":
        remember("ZAVA_DEPLOYER_IP", _found())
    elif answer:
        remember("ZAVA_DEPLOYER_IP", _checked(answer, "The address"))
    if not answer or answer == "find":
        remember("ZAVA_FIND_DEPLOYER_IP", "true" if answer else "false")


def _answer() -> str:
    try:
        return input(QUESTION).strip().lower()
    except EOFError:
        return ""


def _checked(address: str, what: str) -> str:
    try:
        return str(IPv4Address(address))
    except AddressValueError as error:
        raise Refused(f"{what} is {address!r}, not an IPv4 address.") from error


def _found() -> str:
    try:
        with urlopen(FINDER, timeout=ANSWER_SECONDS) as answer:
            found = answer.read(64).decode("ascii", "replace").strip()
    except OSError as error:
        raise Refused(
            f"{FINDER} gave no address ({error}): name one with `azd env set ZAVA_DEPLOYER_IP`."
        ) from error
    return _checked(found, f"The answer of {FINDER}")


if __name__ == "__main__":
    main(preprovision)
