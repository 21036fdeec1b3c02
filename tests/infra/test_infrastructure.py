"""The infrastructure holds together, as far as that can be known without Azure."""

import re
import shutil
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from pycep import BicepParser

from tests.infra.alerts import rules_of
from tests.infra.checks import CHECKS, READING, findings, problems
from tests.infra.infrastructure import Infrastructure

ROOT = Path(__file__).parents[2]

MAIN, APP, DATABASE = "infra/main.bicep", "infra/modules/app.bicep", "infra/modules/database.bicep"
STORAGE, VAULT = "infra/modules/storage.bicep", "infra/modules/vault.bicep"
ALERTS = "infra/modules/alerts.bicep"
REGISTRATION, CLIENTS = "infra/modules/registration.bicep", "infra/modules/clients.bicep"
PARAMETERS = "infra/main.parameters.json"

# What is broken where, and what has to be said of it.
BREAKS = {
    "a brace is missing": (APP, "    reserved: true\n", "    reserved: {\n", "line"),
    "a string does not end": (MAIN, "param environmentName string", "param e string = 'x", "line"),
    "a name is misspelt": (
        MAIN,
        "map(split(clientIds,",
        "map(split(clientId,",
        "names clientId,",
    ),
    "a function is unknown": (MAIN, "toLower(uniqueString", "lower(uniqueString", "calls lower"),
    "a parameter is not used": (
        MAIN,
        "var tags =",
        "param idle string = ''\nvar tags =",
        "idle and does not use it",
    ),
    "a module is elsewhere": (
        MAIN,
        "'modules/vault.bicep'",
        "'modules/safe.bicep'",
        "there is no modules/safe.bicep",
    ),
    "a module is forgotten": (
        MAIN,
        "module network 'modules/network.bicep' = if (usePrivateNetwork)",
        "module network 'modules/identity.bicep' = if (usePrivateNetwork)",
        "modules/network.bicep is used by nothing",
    ),
    "a module lacks a parameter": (MAIN, "    poolMax: poolMax\n", "", "is not given poolMax"),
    "a module gets one too many": (
        MAIN,
        "    poolMax: poolMax\n",
        "    poolMax: poolMax\n    poolMin: 0\n",
        "given poolMin",
    ),
    "a parameter has another type": (
        MAIN,
        "    poolMax: poolMax\n",
        "    poolMax: '${poolMax}'\n",
        "poolMax is string",
    ),
    "an output does not exist": (
        MAIN,
        "vault.outputs.endpoint",
        "vault.outputs.uri",
        "asks vault for uri",
    ),
    "a conditional module is taken for granted": (
        MAIN,
        "useEmbeddings ? embeddings!.outputs.endpoint : ''",
        "embeddings!.outputs.endpoint",
        "which may not be there",
    ),
    "a parameter is not in the file": (
        PARAMETERS,
        '"location"',
        '"place"',
        "does not give location",
    ),
    "a default is another": (
        PARAMETERS,
        "COUNT=40",
        "COUNT=30",
        "maximumInstanceCount has the default 30",
    ),
    "a default is not allowed": (
        MAIN,
        "  'Standard_D2ds_v5'\n  'Standard_D4ds_v5'\n",
        "  'Standard_D4ds_v5'\n",
        "databaseSku does not allow its default",
    ),
    "a parameter is not described": (
        MAIN,
        "@description('Kind of that principal.')\n",
        "",
        "deployerType is not described",
    ),
    "a value is fixed in the file": (
        PARAMETERS,
        "${AZURE_LOCATION}",
        "westeurope",
        "location is not a variable",
    ),
    "a resource has no version": (
        STORAGE,
        "storageAccounts@2023-05-01' = {\n  name: name",
        "storageAccounts' = {\n  name: name",
        "account has no version",
    ),
    "a property of the server is misspelt": (
        DATABASE,
        "storageSizeGB: storageGB",
        "storageSizeGb: storageGB",
        "storageSizeGb, which Storage does not have",
    ),
    "a value of the server is none": (
        DATABASE,
        "passwordAuth: 'Disabled'",
        "passwordAuth: 'Off'",
        "passwordAuth is Off, no PasswordBasedAuth",
    ),
    "a property of the app is misspelt": (
        APP,
        "maximumInstanceCount: maximumInstanceCount\n        always",
        "maxInstanceCount: maximumInstanceCount\n        always",
        "maxInstanceCount, which FunctionsScaleAndConcurrency",
    ),
    "a property has another type": (
        APP,
        "httpsOnly: true",
        "httpsOnly: 'true'",
        "properties.httpsOnly is",
    ),
    "a rule lacks its end": (
        DATABASE,
        "    endIpAddress: '0.0.0.0'\n",
        "",
        "properties lacks endIpAddress",
    ),
    "authentication is misspelt": (
        APP,
        "unauthenticatedClientAction: 'Return401'",
        "unauthenticatedClientAction: 'Return400'",
        "Return400, no UnauthenticatedClientActionV2",
    ),
    "storage accepts keys by a misspelt name": (
        STORAGE,
        "allowSharedKeyAccess",
        "allowSharedKeys",
        "allowSharedKeys, which",
    ),
    "the vault is misspelt": (
        VAULT,
        "enableRbacAuthorization",
        "enableRbac",
        "enableRbac, which VaultProperties",
    ),
    "a resource is of an unknown type": (
        VAULT,
        "diagnosticSettings@",
        "diagnosticSetting@",
        "of which nothing is known",
    ),
    "a redirect is misspelt": (
        CLIENTS,
        "  publicClient: {\n    redirectUris",
        "  publicClient: {\n    redirectUrls",
        "redirectUrls, which is not known of Microsoft.Graph/applications.publicClient",
    ),
    "a scope is misspelt": (
        REGISTRATION,
        "      value: scope.value\n",
        "      name: scope.value\n",
        "has name, which is not known of",
    ),
    "a resource of the directory is of an unknown type": (
        CLIENTS,
        "Microsoft.Graph/servicePrincipals@",
        "Microsoft.Graph/servicePrincipal@",
        "of which nothing is known",
    ),
    "a parent does not exist": (
        STORAGE,
        "  parent: packageBlobs\n",
        "  parent: packageBlob\n",
        "no parent packageBlob",
    ),
    "the extension is not configured": (
        "infra/bicepconfig.json",
        "microsoftGraphV1",
        "graph",
        "bicepconfig.json does not name",
    ),
    "two children of the server start at once": (
        DATABASE,
        "  dependsOn: [\n    temporaryFiles\n    statementTexts\n  ]\n",
        "",
        "may be made at once",
    ),
    "two children wait only for one that may be absent": (
        DATABASE,
        "    database\n    azureServices\n    deployer\n",
        "    deployer\n",
        "database and extensions may be made at once",
    ),
    "the administrator is made before a parameter": (
        DATABASE,
        "    statementTexts\n    pgBouncer\n  ]",
        "    database\n  ]",
        "administrator is not the last one",
    ),
    "two children of the site start at once": (
        APP,
        "    noScmPassword\n    authentication\n",
        "    authentication\n",
        "hostname and noFtpPassword may be made at once",
    ),
    "a role is another": (
        VAULT,
        "'4633458b-17de-408a-b874-0445c86b69e6'",
        "'00482a5a-887f-4fb3-b363-3b7fe8e74483'",
        "is not the one it says",
    ),
    "an output is a key": (
        STORAGE,
        "output name string = account.name",
        "output name string = account.listKeys().keys[0].value",
        "listKeys",
    ),
    "an output is a secret parameter": (
        VAULT,
        "param deployerType string",
        "@secure()\nparam deployerType string\noutput d string = deployerType",
        "gives away deployerType",
    ),
    "the connection string leaves": (
        MAIN,
        "output AZURE_LOCATION string = location",
        "output AZURE_LOCATION string = monitoring.outputs.connectionString",
        "gives away connectionString",
    ),
    "the server has a password": (
        DATABASE,
        "    version: '18'\n",
        "    version: '18'\n    administratorLoginPassword: 'x'\n",
        "has a password",
    ),
    "a setting is misspelt": (
        APP,
        "ZAVA_POOL_MAX:",
        "ZAVA_POOL_SIZE:",
        "ZAVA_POOL_SIZE, which nothing reads",
    ),
    "a setting is missing": (
        APP,
        "  ZAVA_ALLOWED_TENANTS: tenant().tenantId\n",
        "",
        "ZAVA_ALLOWED_TENANTS",
    ),
    "a setting has a wrong value": (APP, "string(databasePort)", "databaseName", "PGPORT"),
    "a setting is no string": (APP, "string(poolMax)", "poolMax", "ZAVA_POOL_MAX is not a string"),
    "the login is another": (APP, "'zava_server'", "'zava_admin'", "does not log in as the server"),
    "a hook misses its setting": (MAIN, "output PGUSER", "output PG_USER", "no output PGUSER"),
    "a hook reads what azd keeps to itself": (
        MAIN,
        "output AZURE_PRINCIPAL_ID",
        "output AZURE_PRINCIPAL",
        "preparation.py reads AZURE_PRINCIPAL_ID, which is no output",
    ),
    "the service has another tag": (
        APP,
        "'azd-service-name': 'mcp'",
        "'azd-service-name': 'api'",
        "the tags say",
    ),
    "a hook is elsewhere": (
        "azure.yaml",
        "infra/hooks/postdeploy.py",
        "infra/postdeploy.py",
        "postdeploy has no script",
    ),
    "azd is too old for the hooks": ("azure.yaml", "1.23.15", "1.17.0", "runs no hooks in Python"),
    "a pipeline lacks a setting": (
        "azure.yaml",
        "    - ZAVA_DATABASE_SKU\n",
        "",
        "pipeline's variable ZAVA_DATABASE_SKU",
    ),
    "the service is no function app": (
        "azure.yaml",
        "host: function",
        "host: appservice",
        "no function app",
    ),
    "a small server has many connections": (
        MAIN,
        "    userConnections: 414\n",
        "    userConnections: 41\n",
        "gives 0 connections",
    ),
    "pools outgrow the server": (
        MAIN,
        "/ (maximumInstanceCount + warmInstances)",
        "/ maximumInstanceCount",
        "take more than",
    ),
    "more instances than connections": (
        MAIN,
        "@maxValue(100)\n@description('Most",
        "@maxValue(1000)\n@description('Most",
        "gives 0 connections",
    ),
    "a rule names no metric": (
        ALERTS,
        'name == "slow_query"',
        'name == "slow_queries"',
        "slow-statements names slow_queries, no metric",
    ),
    "a rule has a label that its metric has not": (
        ALERTS,
        "customDimensions.reason",
        "customDimensions.type",
        "wants type bad_token, which request_refused never has",
    ),
    "a rule wants a value that there never is": (
        ALERTS,
        '"unexpected"',
        '"crash"',
        "wants type crash, which operation_error never has",
    ),
    "a rule reads no column": (
        ALERTS,
        "sum(valueCount)",
        "sum(itemCount)",
        "pool-waits names itemCount, no column",
    ),
    "a rule reads no table": (
        ALERTS,
        'customMetrics | where name == "slow_query"',
        'logs | where name == "slow_query"',
        "reads logs, no table",
    ),
    "a rule cannot be run": (
        ALERTS,
        "sum(valueCount)",
        "sum(valueCount",
        "has no ) where one is due",
    ),
    "a rule measures what it does not compute": (
        ALERTS,
        "metricMeasureColumn: 'measured'",
        "metricMeasureColumn: 'total'",
        "measures total, which is not there",
    ),
    "a rule is silent at its incident": (
        ALERTS,
        "threshold: 50\n",
        "threshold: 5000\n",
        "bad tokens is told by no rule",
    ),
    "a rule tells of a good day": (
        ALERTS,
        "threshold: 10\n",
        "threshold: 1\n",
        "ordinary is told by slow-statements",
    ),
    "a rule counts something else": (
        ALERTS,
        'name == "database_given_up"',
        'name == "query_retry"',
        "given up is told by no rule",
    ),
    "a rule counts another kind of statement": (
        ALERTS,
        '"own"',
        '"free"',
        "own statements is told by no rule",
    ),
    "a rule compares the other way": (
        ALERTS,
        "'GreaterThan'",
        "'LessThan'",
        "compared in a way that is not known here",
    ),
    "a rule tells nobody": (ALERTS, "        group.id\n", "", "tells nobody"),
    "a rule's property is misspelt": (
        ALERTS,
        "evaluationFrequency",
        "evaluateEvery",
        "has evaluateEvery, which properties does not have",
    ),
    "a criterion is misspelt": (
        ALERTS,
        "failingPeriods",
        "failingPeriod",
        "has failingPeriod, which Condition does not have",
    ),
    "a receiver has no address": (
        ALERTS,
        "        emailAddress: email\n",
        "",
        "lacks emailAddress",
    ),
}


@cache
def findings_of_broken(what: str) -> dict[str, list[str]]:
    """Return what each check finds in a copy that is broken in this way."""
    file, whole, broken, _ = BREAKS[what]
    with TemporaryDirectory() as directory:
        copy = Path(directory)
        shutil.copytree(
            ROOT / "infra", copy / "infra", ignore=shutil.ignore_patterns("*_env", "__pycache__")
        )
        shutil.copy(ROOT / "azure.yaml", copy)
        text = (copy / file).read_text(encoding="utf-8")
        assert text.count(whole) >= 1, "the text to break is not there"
        (copy / file).write_text(text.replace(whole, broken), encoding="utf-8")
        return findings(copy)


def finders(what: str) -> set[str]:
    said = BREAKS[what][-1]
    found = findings_of_broken(what)
    return {check for check in found if any(said in problem for problem in found[check])}


def test_nothing_is_wrong() -> None:
    assert problems(ROOT) == []


@pytest.mark.parametrize("what", BREAKS)
def test_broken_copy_is_found(what: str) -> None:
    assert finders(what), findings_of_broken(what)


def test_every_check_finds_a_break_that_no_other_finds() -> None:
    alone = {check for what in BREAKS for check in finders(what) if len(finders(what)) == 1}
    assert {READING, *(check.__name__ for check in CHECKS)} == alone


@pytest.fixture(scope="module")
def parser() -> BicepParser:
    return BicepParser()


def test_every_alert_is_told_of_in_the_operations_page() -> None:
    page = (ROOT / "docs" / "how-to" / "operations.md").read_text(encoding="utf-8")
    named = set(re.findall(r"^\| `(zava-[a-z-]+)` \|", page, re.MULTILINE))
    assert named == {rule["name"] for rule in rules_of(Infrastructure(ROOT))}


@pytest.mark.parametrize("file", sorted((ROOT / "infra").rglob("*.bicep")), ids=lambda f: f.name)
def test_grammar_that_is_not_ours_reads_it_too(file: Path, parser: BicepParser) -> None:
    assert parser.parse(text=file.read_text(encoding="utf-8"))
