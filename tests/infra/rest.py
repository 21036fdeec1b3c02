"""Property names and values of resources, held against the types of the REST interface.

The azure-mgmt packages are generated from the service's own description. Their `types` modules
spell each property as the wire does, their `models` the values that an enumeration takes. Older
ones have a map of names in each model instead.
"""

import enum
import types
import typing
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from typing import Any

from typing_extensions import is_typeddict

from tests.infra.bicep import Choice, Each, Fields, Items, Name, Text

_POSTGRESQL, _WEB = "azure.mgmt.postgresqlflexibleservers", "azure.mgmt.web"
_STORAGE, _VAULT = "azure.mgmt.storage", "azure.mgmt.keyvault"
_MONITOR = "azure.mgmt.monitor"
TYPES = {
    "Microsoft.DBforPostgreSQL/flexibleServers": (_POSTGRESQL, "Server"),
    "Microsoft.DBforPostgreSQL/flexibleServers/databases": (_POSTGRESQL, "Database"),
    "Microsoft.DBforPostgreSQL/flexibleServers/firewallRules": (_POSTGRESQL, "FirewallRule"),
    "Microsoft.DBforPostgreSQL/flexibleServers/configurations": (
        _POSTGRESQL,
        "ConfigurationForUpdate",
    ),
    "Microsoft.DBforPostgreSQL/flexibleServers/administrators": (
        _POSTGRESQL,
        "AdministratorMicrosoftEntraAdd",
    ),
    "Microsoft.Web/serverfarms": (_WEB, "AppServicePlan"),
    "Microsoft.Web/sites": (_WEB, "Site"),
    "Microsoft.Web/sites/config@appsettings": (_WEB, "StringDictionary"),
    "Microsoft.Web/sites/config@authsettingsV2": (_WEB, "SiteAuthSettingsV2"),
    "Microsoft.Web/sites/basicPublishingCredentialsPolicies": (
        _WEB,
        "CsmPublishingCredentialsPoliciesEntity",
    ),
    "Microsoft.Web/sites/hostNameBindings": (_WEB, "HostNameBinding"),
    "Microsoft.Storage/storageAccounts": (_STORAGE, "StorageAccountCreateParameters"),
    "Microsoft.Storage/storageAccounts/blobServices": (_STORAGE, "BlobServiceProperties"),
    "Microsoft.Storage/storageAccounts/blobServices/containers": (_STORAGE, "BlobContainer"),
    "Microsoft.KeyVault/vaults": (_VAULT, "VaultCreateOrUpdateParameters"),
    "Microsoft.Insights/actionGroups": (_MONITOR, "ActionGroupResource"),
    "Microsoft.Insights/scheduledQueryRules": (_MONITOR, "ScheduledQueryRuleResource"),
}
# Of services whose packages spell names their own way: what infra/ sets, as the service's
# reference of Bicep types has it.
PROPERTIES: dict[str, set[str]] = {
    "Microsoft.Resources/resourceGroups": set(),
    "Microsoft.ManagedIdentity/userAssignedIdentities": set(),
    "Microsoft.OperationalInsights/workspaces": {"sku", "retentionInDays", "features"},
    "Microsoft.Insights/components": {
        "Application_Type",
        "WorkspaceResourceId",
        "DisableLocalAuth",
    },
    "Microsoft.Insights/diagnosticSettings": {"workspaceId", "logs", "metrics"},
    "Microsoft.Authorization/roleAssignments": {"roleDefinitionId", "principalId", "principalType"},
    "Microsoft.CognitiveServices/accounts": {
        "customSubDomainName",
        "disableLocalAuth",
        "publicNetworkAccess",
    },
    "Microsoft.CognitiveServices/accounts/deployments": {"model"},
    "Microsoft.Network/virtualNetworks": {"addressSpace", "subnets"},
    "Microsoft.Network/publicIPAddresses": {"publicIPAllocationMethod"},
    "Microsoft.Network/natGateways": {"publicIpAddresses"},
    "Microsoft.Network/privateDnsZones": set(),
    "Microsoft.Network/privateDnsZones/virtualNetworkLinks": {
        "registrationEnabled",
        "virtualNetwork",
    },
}
# Of the directory: what infra/ sets of each resource, as the Graph extension's types have it
# (microsoftgraph/msgraph-bicep-types); None is a value without names of its own.
DIRECTORY: dict[str, Any] = {
    "Microsoft.Graph/applications": {
        "uniqueName": None,
        "displayName": None,
        "signInAudience": None,
        "identifierUris": None,
        "api": {
            "requestedAccessTokenVersion": None,
            "oauth2PermissionScopes": {
                "id": None,
                "value": None,
                "type": None,
                "isEnabled": None,
                "adminConsentDisplayName": None,
                "adminConsentDescription": None,
                "userConsentDisplayName": None,
                "userConsentDescription": None,
            },
            "preAuthorizedApplications": {"appId": None, "delegatedPermissionIds": None},
        },
        "appRoles": {
            "id": None,
            "value": None,
            "isEnabled": None,
            "displayName": None,
            "description": None,
            "allowedMemberTypes": None,
        },
        "publicClient": {"redirectUris": None},
        "web": {
            "redirectUris": None,
            "implicitGrantSettings": {"enableIdTokenIssuance": None},
        },
    },
    "Microsoft.Graph/applications/federatedIdentityCredentials": {
        "name": None,
        "description": None,
        "audiences": None,
        "issuer": None,
        "subject": None,
    },
    "Microsoft.Graph/servicePrincipals": {"appId": None},
}
_OF_BICEP = {"name", "parent", "scope", "dependsOn", "location", "tags", "kind", "sku", "identity"}


def problems_of_properties(kind: str, resource: Fields) -> Iterator[str]:
    """Yield what the service would not understand of one resource."""
    name = resource.get("name")
    key = f"{kind}@{name.parts[0]}" if kind.endswith("/config") and name else kind
    for found, _ in resource.items:
        if found not in _OF_BICEP | {"properties"}:
            yield f"has {found}, which no resource has"
    if key in TYPES:
        package, type_name = TYPES[key]
        for found, value in resource.items:
            if found in {"properties", "sku", "identity", "kind"}:
                known = _named(package, type_name).__annotations__
                if found not in known:
                    yield f"has {found}, which {type_name} does not have"
                else:
                    yield from _value(package, found, known[found], value)
    elif kind in PROPERTIES:
        properties = resource.get("properties")
        for found in dict(properties.items) if properties else ():
            if found not in PROPERTIES[kind]:
                yield f"has {found}, which is not known of {kind}"
    else:
        yield f"is of the type {kind}, of which nothing is known here"


def problems_in_directory(kind: str, resource: Fields) -> Iterator[str]:
    """Yield what the directory would not understand of one resource."""
    if kind not in DIRECTORY:
        yield f"is of the type {kind}, of which nothing is known here"
    else:
        yield from _names(kind, DIRECTORY[kind], resource)


def _names(where: str, known: Any, value: Any) -> Iterator[str]:
    match value:
        case Fields(found):
            for name, inner in found:
                if name not in (known or {}):
                    yield f"has {name}, which is not known of {where}"
                else:
                    yield from _names(f"{where}.{name}", known[name], inner)
        case Each(_, _, body):
            yield from _names(where, known, body)
        case Items(found):
            for inner in found:
                yield from _names(where, known, inner)


def _value(package: str, where: str, wanted: Any, value: Any) -> Iterator[str]:  # noqa: C901  # one case for each form
    """Hold one value against one type; what only Azure will compute passes."""
    if isinstance(value, Choice):
        yield from _value(package, where, wanted, value.yes)
        yield from _value(package, where, wanted, value.no)
        return
    candidates = _alternatives(package, wanted)
    shapes = [one for one in candidates if is_typeddict(one)]
    lists = [one for one in candidates if typing.get_origin(one) is list]
    if isinstance(value, Fields) and shapes:
        known = shapes[0].__annotations__
        for name, inner in value.items:
            if name not in known:
                yield f"{where} has {name}, which {shapes[0].__name__} does not have"
            else:
                yield from _value(package, f"{where}.{name}", known[name], inner)
        for name in shapes[0].__required_keys__ - {key for key, _ in value.items}:
            yield f"{where} lacks {name}"
    elif isinstance(value, Items) and lists:
        for inner in value.items:
            yield from _value(package, where, typing.get_args(lists[0])[0], inner)
    elif isinstance(value, Each | Name) or not _is_literal(value):
        return
    elif (enums := [one for one in candidates if _is_enum(one)]) and isinstance(value, Text):
        if value.parts[0] not in {member.value for member in enums[0]}:
            yield f"{where} is {value.parts[0]}, no {enums[0].__name__}"
    elif not any(_fits(value, one) for one in candidates):
        yield f"{where} is {value}, no {' or '.join(map(str, candidates))}"


def _is_literal(value: Any) -> bool:
    if isinstance(value, Text):
        return all(isinstance(part, str) for part in value.parts)
    return isinstance(value, bool | int | None | Fields | Items)


def _is_enum(wanted: Any) -> bool:
    return isinstance(wanted, type) and issubclass(wanted, enum.Enum)


def _fits(value: Any, wanted: Any) -> bool:
    origin = typing.get_origin(wanted) or wanted
    if value is None:
        return True
    if isinstance(value, bool):
        return origin is bool
    if isinstance(value, int):
        return origin in {int, float}
    if isinstance(value, Text):
        return origin is str
    return origin is (dict if isinstance(value, Fields) else list)


def _alternatives(package: str, wanted: Any) -> list[Any]:
    """Return the types that a written one stands for; names are looked up in the package."""
    if isinstance(wanted, str):
        wanted = typing.ForwardRef(wanted)
    if isinstance(wanted, typing.ForwardRef):
        return _alternatives(package, _named(package, wanted.__forward_arg__))
    origin = typing.get_origin(wanted)
    if origin in {typing.Union, types.UnionType, typing.Required, typing.NotRequired}:
        return [found for one in typing.get_args(wanted) for found in _alternatives(package, one)]
    return [wanted]


_PLAIN: dict[str, Any] = {"str": str, "bool": bool, "int": int, "float": float, "duration": str}


def _mapped(model: Any) -> Any:
    """Return the shape of a model that maps its names to those of the wire."""
    # The SDK publishes the names on the wire nowhere else.
    rules = getattr(model, "_validation", {})
    outer: dict[str, Any] = {}
    inner: dict[str, Any] = {}
    # The SDK publishes the names on the wire nowhere else.
    for attribute, told in model._attribute_map.items():
        place, _, name = told["key"].rpartition(".")
        is_required = rules.get(attribute, {}).get("required", False)
        kind = _written(told["type"])
        (inner if place else outer)[name] = kind if is_required else typing.NotRequired[kind]
    if inner:
        outer["properties"] = typing.TypedDict("properties", inner)  # type: ignore[operator]  # types made at run time
    return typing.TypedDict(model.__name__, outer)  # type: ignore[operator]  # types made at run time


def _written(kind: str) -> Any:
    if kind.startswith("["):
        return list[_written(kind[1:-1])]  # type: ignore[misc]  # types made at run time
    if kind.startswith("{"):
        return dict[str, _written(kind[1:-1])]  # type: ignore[misc]  # types made at run time
    return _PLAIN.get(kind) or typing.ForwardRef(kind)


@cache
def _named(package: str, name: str) -> Any:
    models = import_module(f"{package}.models")
    if hasattr(model := getattr(models, name, None), "_attribute_map"):
        return _mapped(model)
    spelled = import_module(f"{package}.types")
    names = vars(models) | vars(spelled) | vars(typing) | {"list": list, "dict": dict}
    return eval(name, names)  # noqa: S307  # the package's own annotation
