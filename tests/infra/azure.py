"""Checks of what the files mean to Azure, to azd and to the settings of the code."""

import json
import re
from collections.abc import Iterator
from itertools import product
from typing import Any

import yaml

from tests.infra.bicep import Call, Fields, Member, Name, Text, walk
from tests.infra.evaluation import Scope
from tests.infra.infrastructure import Infrastructure
from tests.infra.rest import problems_in_directory, problems_of_properties
from zava.settings import Settings, SettingsError

# https://learn.microsoft.com/azure/role-based-access-control/built-in-roles
ROLES = {
    "cognitiveServicesOpenAiUser": "5e0bd9bd-7b93-4f28-af87-19fc36ad61bd",
    "keyVaultSecretsOfficer": "b86a8fe4-44ce-4948-aee5-eccb2c155cd7",
    "keyVaultSecretsUser": "4633458b-17de-408a-b874-0445c86b69e6",
    "storageBlobDataContributor": "ba92f5b4-2d11-453d-a403-e96b0029c9fe",
    "monitoringMetricsPublisher": "3913510d-42f4-4e42-8a64-420c390055eb",
    "storageBlobDataOwner": "b7e6dc6d-f1e8-4753-8033-0f276bb0955b",
}
# Read by the Functions host or by the platform in front of it, not by Zava.
OF_AZURE = {"WEBSITE_SKU": "FlexConsumption"}
OF_THE_HOST = {
    "APPLICATIONINSIGHTS_AUTHENTICATION_STRING",
    "APPLICATIONINSIGHTS_CONNECTION_STRING",
    "AzureWebJobsDisableHomepage",
    "AzureWebJobsStorage__accountName",
    "AzureWebJobsStorage__clientId",
    "AzureWebJobsStorage__credential",
    "FUNCTIONS_REQUEST_BODY_SIZE_LIMIT",
    "OVERRIDE_USE_MI_FIC_ASSERTION_CLIENTID",
    "WEBSITE_AUTH_AAD_ALLOWED_TENANTS",
    "WEBSITE_AUTH_PRM_DEFAULT_WITH_SCOPES",
}
# Without these the app does not start on Azure, or lets nobody in.
NEEDED = {
    "AZURE_CLIENT_ID",
    "PGHOST",
    "PGUSER",
    "ZAVA_ALLOWED_HOSTS",
    "ZAVA_ALLOWED_TENANTS",
    "ZAVA_CONTEXT_KEYS",
    "ZAVA_DATABASE_AUTH",
    "ZAVA_IDENTITY_AUDIENCE",
    "ZAVA_IDENTITY_ISSUER",
    "ZAVA_POOL_MAX",
}
# The settings of the command line on the deployer's machine.
NEEDED_OUTPUTS = {"AZURE_FUNCTION_APP_ID", "PGDATABASE", "PGHOST", "PGUSER", "ZAVA_DATABASE_AUTH"}
SETTINGS = {str(field.validation_alias): name for name, field in Settings.model_fields.items()}
SAMPLES = {"bool": False, "int": 1, "array": ["a-client"], "object": {}, "string": "sample"}
# What gives away a secret, or is one.
SECRETIVE = re.compile(
    r"^list[A-Z]\w*$|key$|keys$|secret$|password$|^connectionstring|instrumentationkey|sastoken",
    re.IGNORECASE,
)
# What azd itself keeps in its environment.
OF_AZD = {"AZURE_ENV_NAME", "AZURE_LOCATION", "AZURE_SUBSCRIPTION_ID"}
# Read by the hooks alone, where `azd env set` made them; all others are parameters.
OF_THE_HOOKS = {"ZAVA_FIND_DEPLOYER_IP", "ZAVA_PREPARE_DATABASE", "ZAVA_SEED"}


def resources(infrastructure: Infrastructure) -> Iterator[str]:
    """Types have a version, properties the names that the REST interface has."""
    for name, file in infrastructure.files.items():
        for resource in file.of("resource").values():
            kind, _, version = resource.type.partition("@")
            if not re.fullmatch(r"\d{4}-\d\d-\d\d(-preview)?|v1\.0", version):
                yield f"{name} {resource.name} has no version"
            if kind.startswith("Microsoft.Graph/"):
                if file.extensions != ["microsoftGraphV1"]:
                    yield f"{name} {resource.name} needs the Graph extension"
                for found in problems_in_directory(kind, resource.body):
                    yield f"{name} {resource.name} {found}"
            else:
                for found in problems_of_properties(kind, resource.body):
                    yield f"{name} {resource.name} {found}"
            parent = resource.body.get("parent")
            if isinstance(parent, Name) and parent.text not in file.of("resource"):
                yield f"{name} {resource.name} has no parent {parent.text}"


def extensions(infrastructure: Infrastructure) -> Iterator[str]:
    path = infrastructure.root / "infra" / "bicepconfig.json"
    configured = json.loads(path.read_text(encoding="utf-8"))["extensions"]
    for name, file in infrastructure.files.items():
        for extension in file.extensions:
            if extension not in configured:
                yield f"{name} uses {extension}, which bicepconfig.json does not name"


def roles(infrastructure: Infrastructure) -> Iterator[str]:
    for name, file in infrastructure.files.items():
        for declaration in file.declarations:
            for node in walk(declaration.value):
                if not isinstance(node, Call) or node.function != "subscriptionResourceId":
                    continue
                kind, role = node.arguments
                if kind != Text(("Microsoft.Authorization/roleDefinitions",)):
                    yield f"{name} {declaration.name} names {kind}"
                variable = file.of("var").get(role.text) if isinstance(role, Name) else None
                if variable is None or variable.value != Text((ROLES.get(variable.name, ""),)):
                    yield f"{name} {declaration.name} assigns a role that is not the one it says"


def no_secrets(infrastructure: Infrastructure) -> Iterator[str]:
    for name, file in infrastructure.files.items():
        secret = {found.name for found in file.of("param").values() if "secure" in found.decorators}
        for output in file.of("output").values():
            for node in walk(output.value):
                spoken = _spoken(node)
                # Of Application Insights without local authentication: an address, and it stays
                # between modules.
                if (name, output.name, spoken) == (
                    "modules/monitoring.bicep",
                    "connectionString",
                    "ConnectionString",
                ):
                    continue
                if SECRETIVE.search(spoken) or spoken in secret:
                    yield f"{name} output {output.name} gives away {spoken}"
        for declaration in file.declarations:
            for node in walk(declaration.value):
                if isinstance(node, Call) and re.match(r"list[A-Z]", node.function):
                    yield f"{name} {declaration.name} reads keys with {node.function}"
                if isinstance(node, Fields) and isinstance(
                    node.get("administratorLoginPassword"), Name | Text
                ):
                    yield f"{name} {declaration.name} has a password"


def _spoken(node: Any) -> str:
    match node:
        case Member(_, name) | Call(name, _) | Name(name):
            return name
    return ""


def app_settings(infrastructure: Infrastructure) -> Iterator[str]:
    """The settings that Bicep writes are those that the code reads, with values that it takes."""
    where = "modules/app.bicep"
    file = infrastructure.files[where]
    given = {found.name: SAMPLES[found.type] for found in file.of("param").values()}
    for with_authentication in (False, True):
        scope = Scope(
            file,
            given
            | {
                "builtInAuthentication": with_authentication,
                "signIn": not with_authentication,
                "contextKeysUri": "https://kv/secrets/k",
                "scopeStyle": "url",
                "openAiEndpoint": "https://openai.sample",
            }
            | {"app": {"properties": {"defaultHostName": "func-sample.azurewebsites.net"}}},
        )
        written = scope.value(file.of("resource")["settings"].value.get("properties"))
        for name in sorted(written.keys() - SETTINGS.keys() - OF_THE_HOST):
            yield f"{where} writes {name}, which nothing reads"
        for name in sorted(NEEDED - written.keys()):
            yield f"{where} does not write {name}"
        try:
            read = Settings.model_validate(
                {name: value for name, value in written.items() if value != ""} | OF_AZURE
            )
        except (ValueError, SettingsError) as error:
            yield f"{where} {error}"
            continue
        if read.pg_user != "zava_server" or read.database_auth != "entra":
            yield f"{where} does not log in as the server with a token"
        for name, value in written.items():
            if not isinstance(value, str):
                yield f"{where} {name} is not a string"


def hook_settings(infrastructure: Infrastructure) -> Iterator[str]:
    """What the hooks and their commands read are outputs, or settings that `azd env set` makes."""
    outputs = infrastructure.main.of("output").keys()
    for name in sorted({"AZURE_KEY_VAULT_ENDPOINT", *NEEDED_OUTPUTS} - outputs):
        yield f"main.bicep has no output {name}"
    settable = settings_of_azd(infrastructure) | OF_THE_HOOKS
    for hook in sorted((infrastructure.root / "infra" / "hooks").glob("*.py")):
        read = set(re.findall(r'"((?:AZURE|ZAVA)_[A-Z_]+)"', hook.read_text(encoding="utf-8")))
        for name in sorted(read - outputs - settable - OF_AZD):
            yield f"{hook.name} reads {name}, which is no output and no setting"


def settings_of_azd(infrastructure: Infrastructure) -> set[str]:
    """Return the variables of the parameters that `azd env set` makes."""
    path = infrastructure.root / "infra" / "main.parameters.json"
    return set(re.findall(r"\$\{(ZAVA_[A-Z_]+)", path.read_text(encoding="utf-8")))


def azd(infrastructure: Infrastructure) -> Iterator[str]:
    azd = yaml.safe_load((infrastructure.root / "azure.yaml").read_text(encoding="utf-8"))
    tags = {
        value.parts[0]
        for file in infrastructure.files.values()
        for declaration in file.declarations
        for node in walk(declaration.value)
        if isinstance(node, Fields) and (value := node.get("azd-service-name"))
    }
    if set(azd["services"]) != tags:
        yield f"azure.yaml serves {set(azd['services'])}, the tags say {tags}"
    for service in azd["services"].values():
        if service["host"] != "function" or not (infrastructure.root / service["project"]).is_dir():
            yield "azure.yaml has a service that is no function app"
    for hook, how in azd["hooks"].items():
        if (
            how["run"] != f"./infra/hooks/{hook}.py"
            or not (infrastructure.root / how["run"]).is_file()
        ):
            yield f"azure.yaml {hook} has no script"
    if azd["requiredVersions"]["azd"] != ">= 1.23.15":
        yield "azure.yaml allows an azd that runs no hooks in Python"
    variables, known = azd["pipeline"]["variables"], settings_of_azd(infrastructure) | OF_THE_HOOKS
    for name in sorted(known.symmetric_difference(variables)):
        yield f"azure.yaml and the settings differ in the pipeline's variable {name}"


def connections(infrastructure: Infrastructure) -> Iterator[str]:
    """For every size and every allowed number of instances, all pools fit into the server."""
    main = infrastructure.main
    parameters = main.of("param")

    def values(name: str) -> list[int]:
        found = parameters[name]
        bounds = [found.decorators[bound][0] for bound in ("minValue", "maxValue")]
        return [found.value, *bounds]

    if "concurrencyPerInstance" not in main.of("var"):
        yield "main.bicep does not say how many requests an instance serves"
        return
    for sku in parameters["databaseSku"].decorators["allowed"][0].items:
        for most in values("maximumInstanceCount"):
            for warm, zones in product(values("alwaysReadyInstances"), (False, True)):
                scope = Scope(
                    main,
                    {
                        "databaseSku": sku.parts[0],
                        "maximumInstanceCount": most,
                        "alwaysReadyInstances": warm,
                        "zoneRedundant": zones,
                    },
                )
                pool, kept = scope.of("poolMax"), max(warm, 2 if zones else 0)
                users = scope.of("databaseTiers")[sku.parts[0]]["userConnections"]
                instances = f"{most} + {kept} instances on {sku.parts[0]}"
                if not 1 <= pool <= min(100, scope.of("concurrencyPerInstance")):
                    yield f"main.bicep gives {pool} connections to each of {instances}"
                if (most + kept) * (pool + 1) > users - scope.of("administrativeConnections"):
                    yield f"main.bicep lets {instances} take more than {users} connections"
