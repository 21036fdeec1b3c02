"""The registrations of a deployment in a directory, as infra/ describes them."""

from dataclasses import dataclass
from typing import Any

from tests.infra.azd import made

APP_ID = "99999999-0000-4000-8000-000000000000"
CLIENTS_ID = "99999999-0000-4000-8000-000000000001"
NAME = "func-sample"
RESOURCE = f"https://{NAME}.azurewebsites.net/mcp"


@dataclass(frozen=True)
class Registered:
    """An application of a directory; `authorized` maps a client's id to the scopes it may have."""

    client_id: str
    identifiers: tuple[str, ...] = ()
    scopes: tuple[str, ...] = ()
    authorized: tuple[tuple[str, tuple[str, ...]], ...] = ()
    public_redirects: tuple[str, ...] = ()
    web_redirects: tuple[str, ...] = ()
    single_page_redirects: tuple[str, ...] = ()
    secret: str | None = None
    trusts: str | None = None
    """The managed identity whose token proves to be this application, in place of a secret."""

    def may(self, client_id: str, scope: str) -> bool:
        return scope in dict(self.authorized).get(client_id, ())


def app(resource: str = RESOURCE, **parameters: Any) -> Registered:
    """Return the registration of the app; `resource` is called in the place of its URL."""
    given = {"functionAppName": NAME} | parameters
    body = made("registration", "application", {}, **given)
    exposed = {scope["id"]: scope["value"] for scope in body["api"]["oauth2PermissionScopes"]}
    authorized = {
        one["appId"]: tuple(exposed[found] for found in one["delegatedPermissionIds"])
        for one in body["api"]["preAuthorizedApplications"]
    }
    # The id of the clients is known to the directory alone.
    authorized[CLIENTS_ID] = authorized.pop("clients-applicationId")
    return Registered(
        APP_ID,
        identifiers=tuple(
            resource if uri == RESOURCE else uri for uri in (*body["identifierUris"], APP_ID)
        ),
        scopes=tuple(exposed.values()),
        authorized=tuple(authorized.items()),
        web_redirects=tuple(
            redirect.replace(RESOURCE.removesuffix("/mcp"), resource.removesuffix("/mcp"))
            for redirect in body["web"]["redirectUris"]
        ),
        trusts=trusted_identity() if body["web"]["redirectUris"] else None,
    )


def trusted_identity() -> str:
    """Return the managed identity that the registration of the app trusts."""
    name = {"application": {"uniqueName": "zava-sample"}}
    subject: str = made("registration", "federation", name)["subject"]
    return subject


def clients(**parameters: Any) -> Registered:
    """Return the registration for clients."""
    body = made("clients", "application", {}, **parameters)
    return Registered(
        CLIENTS_ID,
        public_redirects=tuple(body["publicClient"]["redirectUris"]),
        web_redirects=tuple(body["web"]["redirectUris"]),
        secret="the-secret-of-the-clients",  # of a directory on loopback
    )
