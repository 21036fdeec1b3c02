"""The registrations in the directory and the app agree on resource, scopes and clients."""

from typing import Any
from uuid import UUID

import orjson
import pytest

from tests.infra.azd import made, outputs
from tests.infra.evaluation import TENANT
from zava.app import Application, compose
from zava.protocol.auth.permissions import scopes_of
from zava.retail.access_rules import PERMISSIONS
from zava.settings import Settings

SCOPES = scopes_of(PERMISSIONS)
HOST = "func-sample.azurewebsites.net"
OWN_HOST = "mcp.contoso.com"
SITE = {"app": {"properties": {"defaultHostName": HOST}, "name": "func-sample"}}
VISUAL_STUDIO_CODE = "aebc6443-996d-45c2-90f0-388ff96faa56"
PRM = "/.well-known/oauth-protected-resource/mcp"


def registration(**given: Any) -> Any:
    named = {"functionAppName": "func-sample"}
    return made("registration", "application", {}, **(named | given))


def clients(**given: Any) -> Any:
    return made("clients", "application", {}, **given)


def app_settings(**given: Any) -> dict[str, str]:
    written: dict[str, str] = made("app", "settings", SITE, **given)["properties"]
    return {name: value for name, value in written.items() if value}


def deployed(context_keys: list[str], **given: Any) -> Application:
    """Return the app under the settings that Bicep writes about identity."""
    uri = {"applicationIdUri": registration()["identifierUris"][0]}
    written = made("app", "settings", SITE | uri, **given)["properties"]
    about = {
        name: value
        for name, value in written.items()
        if name.startswith(("ZAVA_IDENTITY_", "ZAVA_ALLOWED_", "ZAVA_SCOPE_"))
    }
    return compose(Settings.model_validate(about), conninfo="", context_keys=context_keys)


def test_application_can_be_given_each_permission_as_a_role() -> None:
    registered = registration()
    roles = registered["appRoles"]
    assert [role["value"] for role in roles] == list(PERMISSIONS.all)
    assert all(role["allowedMemberTypes"] == ["Application"] for role in roles)
    scopes = registered["api"]["oauth2PermissionScopes"]
    ids = [each["id"] for each in (*roles, *scopes)]
    assert len(set(ids)) == len(ids), "the directory refuses an id that comes twice"


@pytest.mark.parametrize("own", ["", OWN_HOST])
@pytest.mark.parametrize("style", ["url", "api"])
async def test_registration_has_every_resource_and_scope_that_the_app_names(
    context_keys: list[str], own: str, style: str
) -> None:
    given = {"customHostname": own, "scopeStyle": style}
    registered = registration(**given)
    names = [scope["value"] for scope in registered["api"]["oauth2PermissionScopes"]]
    assert names == list(SCOPES)
    app = deployed(context_keys, **given)
    hosts = app_settings(**given)["ZAVA_ALLOWED_HOSTS"].split(",")
    assert hosts == [HOST, own] if own else [HOST]
    for host in hosts:
        resource = f"https://{host}/mcp"
        identifier = resource if style == "url" else f"api://{TENANT}/{registered['uniqueName']}"
        assert {resource, identifier} <= set(registered["identifierUris"])
        document = await app.endpoint.handle("GET", PRM, {"host": host}, b"")
        metadata = orjson.loads(document.body)
        assert metadata["resource"] == resource
        assert metadata["scopes_supported"] == [f"{identifier}/{name}" for name in names]
        issuer = f"https://login.microsoftonline.com/{TENANT}/v2.0"
        assert metadata["authorization_servers"] == [issuer]
        challenge = await app.endpoint.handle("POST", "/mcp", {"host": host}, b"")
        assert f'scope="{identifier}/{names[0]}"' in challenge.headers["www-authenticate"]
    await app.close()


@pytest.mark.parametrize("own", ["", OWN_HOST])
def test_directory_accepts_the_identifiers_and_compares_them(own: str) -> None:
    registered = registration(customHostname=own)
    identifiers = registered["identifierUris"]
    # The directory compares `resource` byte for byte, and never finds one that ends in a slash.
    assert not [identifier for identifier in identifiers if identifier.endswith("/")]
    assert len(identifiers) == len(set(identifiers)) == (3 if own else 2)
    # It accepts a URL of a domain that it has not verified from such an application alone.
    assert registered["signInAudience"] == "AzureADMyOrg"
    assert registered["api"]["requestedAccessTokenVersion"] == 2


def test_every_scope_has_its_own_id_which_a_second_deployment_keeps() -> None:
    first, again = (registration()["api"]["oauth2PermissionScopes"] for _ in range(2))
    assert first == again
    assert len({UUID(scope["id"]) for scope in first}) == len(SCOPES)
    for text in ("adminConsentDisplayName", "adminConsentDescription", "userConsentDescription"):
        assert len({scope[text] for scope in first}) == len(SCOPES)


def test_clients_that_people_use_are_authorized_for_every_scope() -> None:
    api = registration()["api"]
    ids = [scope["id"] for scope in api["oauth2PermissionScopes"]]
    allowed = {
        one["appId"]: one["delegatedPermissionIds"] for one in api["preAuthorizedApplications"]
    }
    assert allowed == {"clients-applicationId": ids, VISUAL_STUDIO_CODE: ids}
    assert outputs()["ZAVA_CLIENT_ID"] == "clients-applicationId"


@pytest.mark.parametrize(
    "redirect",
    [
        "https://claude.ai/api/mcp/auth_callback",
        "https://claude.com/api/mcp/auth_callback",
        "https://chatgpt.com/connector_platform_oauth_redirect",
        "https://vscode.dev/redirect",
        "cursor://anysphere.cursor-mcp/oauth/callback",
        "https://www.cursor.com/agents/mcp/oauth/callback",
        *(
            f"http://{name}{path}"
            for name in ("localhost", "127.0.0.1")
            for path in ("/", "/callback", "/oauth/callback")
        ),
    ],
)
def test_client_without_a_secret_has_its_redirect(redirect: str) -> None:
    assert redirect in clients()["publicClient"]["redirectUris"]
    assert redirect not in clients()["web"]["redirectUris"]


def test_registration_for_clients_is_not_that_of_the_app() -> None:
    app, found = registration(), clients()
    assert found["uniqueName"] != app["uniqueName"]
    assert found["signInAudience"] == "AzureADMyOrg"
    assert "publicClient" not in app
    assert found["web"]["redirectUris"] == ["https://global.consent.azure-apim.net/redirect"]


def test_redirects_of_ones_own_are_added() -> None:
    connection = "https://chatgpt.com/connector/oauth/sample"
    copilot = "https://global.consent.azure-apim.net/redirect/sample"
    found = clients(clientRedirects=f" {connection},,", webClientRedirects=f"{copilot}, ")
    assert found["publicClient"]["redirectUris"] == [
        *clients()["publicClient"]["redirectUris"],
        connection,
    ]
    assert found["web"]["redirectUris"][1:] == [copilot]


def test_platform_names_the_scope_that_the_app_names() -> None:
    for given, identifier in (
        ({}, f"https://{HOST}/mcp"),
        ({"customHostname": OWN_HOST}, f"https://{OWN_HOST}/mcp"),
        ({"scopeStyle": "api"}, "registration-applicationIdUri"),
    ):
        written = app_settings(builtInAuthentication=True, **given)
        named = written["WEBSITE_AUTH_PRM_DEFAULT_WITH_SCOPES"]
        assert named == f"{identifier}/user_impersonation"
    assert "WEBSITE_AUTH_PRM_DEFAULT_WITH_SCOPES" not in app_settings()


@pytest.mark.parametrize(
    ("given", "scope"),
    [
        ({}, "https://app-hostname/mcp/user_impersonation"),
        ({"customHostname": OWN_HOST}, f"https://{OWN_HOST}/mcp/user_impersonation"),
        ({"scopeStyle": "api"}, "registration-applicationIdUri/user_impersonation"),
    ],
)
def test_output_names_the_scope_of_the_url(given: dict[str, str], scope: str) -> None:
    found = outputs(**given)
    assert found["ZAVA_SCOPE"] == scope
    if "scopeStyle" not in given:
        assert scope == f"{found['ZAVA_MCP_URL']}/user_impersonation"


def test_site_has_the_name_that_the_registration_gives_it() -> None:
    """A domain label would put a part of Azure's own between the name and azurewebsites.net."""
    body = made("app", "app", {"plan": {"id": "plan"}})
    assert "autoGeneratedDomainNameLabelScope" not in body["properties"]
    assert (
        f"https://{body['name']}.azurewebsites.net/mcp"
        in registration(functionAppName=body["name"])["identifierUris"]
    )


@pytest.mark.parametrize(
    ("custom", "host"), [("", HOST), (OWN_HOST, OWN_HOST)], ids=["default", "custom"]
)
def test_sign_in_of_the_app_is_at_the_host_that_clients_call(custom: str, host: str) -> None:
    given = {"customHostname": custom, "functionAppName": "func-sample"}
    assert registration(**given)["web"]["redirectUris"] == []
    redirects = registration(**given, signIn=True)["web"]["redirectUris"]
    assert redirects == [f"https://{host}/oauth/callback"]
    written = app_settings(**given, signIn=True)
    assert written["ZAVA_SIGN_IN"] == "true"
    assert written["ZAVA_SIGN_IN_URL"] == f"https://{host}"
    assert written["ZAVA_SIGN_IN_CLIENT_ID"] == written["ZAVA_IDENTITY_AUDIENCE"].split(",")[1]
    assert not any(name.startswith("ZAVA_SIGN_IN") for name in app_settings(**given))
