"""What main.bicep makes of the settings that people give, the odd ones included."""

from pathlib import Path
from typing import Any

import pytest
from pathspec import GitIgnoreSpec

from tests.infra.azd import DEPLOYER, ROOT, main_scope, outputs
from tests.infra.evaluation import DeploymentRefused, Scope
from tests.infra.infrastructure import Infrastructure
from tests.infra.order import configurations, unordered
from zava.protocol.mcp.jsonrpc import MAX_BODY_BYTES

INFRASTRUCTURE = Infrastructure(ROOT)
MADE = "clients-applicationId"
CODE = "aebc6443-996d-45c2-90f0-388ff96faa56"
OTHER = "11111111-aaaa-4bbb-8ccc-555555555555"


def of_module(module: str, parameter: str, **given: Any) -> Any:
    """Return what main.bicep gives to a parameter of a module."""
    body = INFRASTRUCTURE.main.of("module")[module].value
    return main_scope(**given).value(body.get("params").get(parameter))


def resource(module: str, name: str, part: str, **given: Any) -> Any:
    """Return a part of a resource of a module, where the module is given these values."""
    file = INFRASTRUCTURE.files[f"modules/{module}.bicep"]
    return Scope(file, given).value(file.of("resource")[name].value.get(part))


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (CODE, [CODE]),
        (f"{CODE}, {OTHER}", [CODE, OTHER]),
        (f" {CODE} ,,{OTHER}, ", [CODE, OTHER]),
        ("", []),
        (" , ", []),
    ],
)
def test_client_ids_may_have_blanks_and_gaps(given: str, expected: list[str]) -> None:
    for module in ("registration", "app"):
        assert of_module(module, "clientIds", clientIds=given) == [MADE, *expected]
    assert of_module("app", "clientIds", clientIds=given, applicationId=OTHER) == expected


def test_built_in_authentication_without_a_client_is_refused() -> None:
    with pytest.raises(DeploymentRefused, match="ZAVA_CLIENT_IDS"):
        of_module("app", "clientIds", clientIds=" ", builtInAuthentication=True)


@pytest.mark.parametrize("given", ["", f"{CODE}, {OTHER}"])
def test_clients_that_the_app_lets_in_reach_its_settings(given: str) -> None:
    assert of_module("app", "allowedClients", allowedClients=given) == given
    written = INFRASTRUCTURE.files["modules/app.bicep"].of("var")["zavaSettings"].value
    allowed = Scope(INFRASTRUCTURE.files["modules/app.bicep"], {"allowedClients": given})
    assert allowed.value(written.get("ZAVA_ALLOWED_CLIENTS")) == given


def test_hours_without_orders_reach_the_app_s_settings() -> None:
    assert of_module("app", "lateOrdersHours", lateOrdersHours=30) == 30
    written = INFRASTRUCTURE.files["modules/app.bicep"].of("var")["zavaSettings"].value
    scope = Scope(INFRASTRUCTURE.files["modules/app.bicep"], {"lateOrdersHours": 30})
    assert scope.value(written.get("ZAVA_LATE_ORDERS_HOURS")) == "30"


def test_application_id_alone_names_its_audience_and_scope() -> None:
    assert of_module("app", "applicationIdUri", applicationId=OTHER) == f"api://{OTHER}"
    found = outputs(applicationId=OTHER, scopeStyle="api")
    assert found["ZAVA_SCOPE"] == f"api://{OTHER}/user_impersonation"
    assert found["ZAVA_CLIENT_ID"] == ""
    given = {"applicationId": OTHER, "applicationIdUri": "api://sample"}
    assert of_module("app", "applicationIdUri", **given) == "api://sample"


def test_application_uri_alone_is_refused() -> None:
    with pytest.raises(DeploymentRefused, match="it needs ZAVA_APPLICATION_ID"):
        of_module("app", "applicationIdUri", applicationIdUri="api://sample")


@pytest.mark.parametrize(
    ("environment", "group"),
    [("a", "rg-a"), ("Ä-b" * 21 + "c", "rg-" + "Ä-b" * 21 + "c"), ("prod.", "rg-prod._")],
)
def test_every_name_that_azd_accepts_makes_a_resource_group(environment: str, group: str) -> None:
    name = INFRASTRUCTURE.main.of("resource")["group"].value.get("name")
    scope = main_scope(environmentName=environment, abbreviations={"resourceGroup": "rg-"})
    assert scope.value(name) == group
    (longest,) = INFRASTRUCTURE.main.of("param")["environmentName"].decorators["maxLength"]
    assert longest == 64
    assert len(environment) <= longest


@pytest.mark.parametrize("sku", ["Standard_B2s", "Standard_B2ms"])
def test_burstable_sizes_refuse_what_they_cannot_do(sku: str) -> None:
    for mode in ("SameZone", "ZoneRedundant"):
        with pytest.raises(DeploymentRefused, match="has no standby"):
            of_module("database", "highAvailability", databaseSku=sku, highAvailability=mode)
    for module in ("database", "app"):
        with pytest.raises(DeploymentRefused, match="has no PgBouncer"):
            of_module(module, "usePgBouncer", databaseSku=sku, usePgBouncer=True)
        assert of_module(module, "usePgBouncer", databaseSku=sku) is False
    with pytest.raises(DeploymentRefused, match="has no read replica"):
        of_module("app", "replicaUrl", databaseSku=sku, useReadReplica=True)
    assert of_module("app", "replicaUrl", databaseSku=sku) == ""
    assert of_module("database", "highAvailability", databaseSku=sku) == "Disabled"


def test_larger_sizes_get_what_is_asked() -> None:
    assert of_module("database", "highAvailability", highAvailability="SameZone") == "SameZone"
    assert of_module("app", "usePgBouncer", usePgBouncer=True) is True


def test_more_warm_instances_than_instances_are_refused() -> None:
    given = {"maximumInstanceCount": 3}
    assert of_module("app", "alwaysReadyInstances", alwaysReadyInstances=3, **given) == 3
    with pytest.raises(DeploymentRefused, match="ZAVA_ALWAYS_READY_INSTANCES"):
        of_module("app", "alwaysReadyInstances", alwaysReadyInstances=4, **given)


def test_person_who_deploys_administers_by_their_own_name() -> None:
    assert outputs()["PGUSER"] == "ann@contoso.com"
    assert of_module("database", "administratorType") == "User"
    assert of_module("database", "administratorObjectId") == DEPLOYER


def test_service_principal_deploys_without_any_other_setting() -> None:
    given = {"deployerType": "ServicePrincipal"}
    found = outputs(**given)
    assert found["PGUSER"] == DEPLOYER
    assert (found["AZURE_PRINCIPAL_ID"], found["AZURE_PRINCIPAL_TYPE"]) == (
        DEPLOYER,
        "ServicePrincipal",
    )
    assert of_module("database", "administratorName", **given) == DEPLOYER
    assert of_module("database", "administratorType", **given) == "ServicePrincipal"


def test_group_administers_where_one_is_named() -> None:
    given = {
        "deployerType": "ServicePrincipal",
        "databaseAdministratorObjectId": OTHER,
        "databaseAdministratorName": "Zava administrators",
        "databaseAdministratorType": "Group",
    }
    assert outputs(**given)["PGUSER"] == "Zava administrators"
    assert of_module("database", "administratorObjectId", **given) == OTHER
    assert of_module("database", "administratorType", **given) == "Group"


@pytest.mark.parametrize(
    ("by_platform", "hostname", "redirects"),
    [
        (False, "", []),
        (True, "", ["https://func-sample.azurewebsites.net/.auth/login/aad/callback"]),
        (False, "zava.example", ["https://zava.example/oauth/callback"]),
    ],
)
def test_registration_has_a_redirect_only_where_people_sign_in_at_the_app(
    *, by_platform: bool, hostname: str, redirects: list[str]
) -> None:
    file = INFRASTRUCTURE.files["modules/registration.bicep"]
    given = {"builtInAuthentication": by_platform, "signInHostname": hostname}
    scope = Scope(file, {"functionAppName": "func-sample"} | given)
    web = scope.value(file.of("resource")["application"].value.get("web"))
    assert web["redirectUris"] == redirects
    assert web["implicitGrantSettings"]["enableIdTokenIssuance"] is by_platform
    assert scope.value(file.of("resource")["federation"].condition) is bool(redirects)


def test_sign_in_of_the_app_beside_that_of_the_platform_is_refused() -> None:
    with pytest.raises(DeploymentRefused, match="ZAVA_SIGN_IN"):
        of_module("app", "signIn", signIn=True, builtInAuthentication=True)


@pytest.mark.parametrize(
    ("file", "parent"), [("database", "server"), ("replica", "replica"), ("app", "app")]
)
def test_no_two_children_are_made_at_once_in_any_configuration(file: str, parent: str) -> None:
    found = INFRASTRUCTURE.files[f"modules/{file}.bicep"]
    counts = [len(unordered(found, parent, given)) for given in configurations(found)]
    assert counts == [0] * 8


def test_maintenance_has_a_window_of_its_own() -> None:
    file = INFRASTRUCTURE.files["modules/database.bicep"]
    window = file.of("resource")["server"].value.get("properties").get("maintenanceWindow")
    assert Scope(file, {"maintenanceDay": 6, "maintenanceHour": 2}).value(window) == {
        "customWindow": "Enabled",
        "dayOfWeek": 6,
        "startHour": 2,
        "startMinute": 0,
    }


def test_host_takes_no_body_that_the_app_would_refuse() -> None:
    file = INFRASTRUCTURE.files["modules/app.bicep"]
    given = dict.fromkeys(
        ("storageAccountName", "identityClientId", "insightsConnectionString"), "x"
    )
    limit = Scope(file, given).of("hostSettings")["FUNCTIONS_REQUEST_BODY_SIZE_LIMIT"]
    assert int(limit) == MAX_BODY_BYTES + 1


@pytest.mark.parametrize("name", ["", "mcp.contoso.com"])
@pytest.mark.parametrize("thumbprint", ["", "AB12"])
def test_name_is_bound_only_with_its_certificate(name: str, thumbprint: str) -> None:
    file = INFRASTRUCTURE.files["modules/app.bicep"]
    given = {"customHostname": name, "customHostnameThumbprint": thumbprint}
    binding = file.of("resource")["hostname"].condition
    assert Scope(file, given).value(binding) is bool(name and thumbprint)


@pytest.mark.parametrize("blobs", ["blobs", "packageBlobs"])
def test_deleted_blobs_and_containers_are_kept_for_days(blobs: str) -> None:
    kept = {"enabled": True, "days": 7}
    assert resource("storage", blobs, "properties") == {
        "deleteRetentionPolicy": kept,
        "containerDeleteRetentionPolicy": kept,
    }


@pytest.mark.parametrize(("asked", "expected"), [(True, True), (False, None)])
def test_purge_protection_is_on_or_absent(*, asked: bool, expected: bool | None) -> None:
    file = INFRASTRUCTURE.files["modules/vault.bicep"]
    properties = file.of("resource")["vault"].value.get("properties")
    found = Scope(file, {"purgeProtection": asked}).value(properties.get("enablePurgeProtection"))
    assert found is expected


def test_identity_of_the_app_has_no_role_where_its_package_is() -> None:
    file = INFRASTRUCTURE.files["modules/storage.bicep"]
    roles = {
        one.name: (one.value.get("scope").text, one.value.get("properties").get("principalId").text)
        for one in file.of("resource").values()
        if one.type.startswith("Microsoft.Authorization/roleAssignments")
    }
    assert roles == {
        "owns": ("account", "identityPrincipalId"),
        "deploys": ("packages", "packageIdentityPrincipalId"),
    }
    assert file.of("resource")["packages"].value.get("parent").text == "packageBlobs"
    assert file.of("resource")["packageBlobs"].value.get("parent").text == "packageAccount"


def test_app_of_a_private_network_has_a_way_out() -> None:
    file = INFRASTRUCTURE.files["modules/network.bicep"]
    scope = Scope(file, {"gateway": {"id": "the-gateway"}, "name": "vnet", "location": "x"})
    subnets = scope.value(file.of("resource")["network"].value.get("properties").get("subnets"))
    by_name = {subnet["name"]: subnet["properties"] for subnet in subnets}
    assert by_name["app"]["natGateway"] == {"id": "the-gateway"}
    assert "natGateway" not in by_name["database"]


@pytest.mark.parametrize(
    "path",
    [
        "venv/lib/x.py",
        "env/lib/x.py",
        "infra/hooks/hooks_env/lib/x.py",
        "zava_env/lib/x.py",
        "build/lib/zava/app.py",
        "dist/zava.whl",
        "zava.egg-info/PKG-INFO",
        ".venv/lib/x.py",
        ".azure/sample/.env",
    ],
)
def test_environments_and_leavings_of_builds_are_not_packed(path: str) -> None:
    ignored = GitIgnoreSpec.from_lines((ROOT / ".funcignore").read_text().splitlines())
    assert ignored.match_file(path)
    assert not ignored.match_file(str(Path("zava") / "app.py"))
