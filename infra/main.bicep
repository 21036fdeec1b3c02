targetScope = 'subscription'

@minLength(1)
@maxLength(64)
@description('Name of the azd environment; every name below is derived from it.')
param environmentName string

@minLength(1)
// Regions of Flex Consumption: az functionapp list-flexconsumption-locations --output table
@description('Region of everything but, where another one is given, Azure OpenAI.')
@allowed([
  'australiaeast'
  'brazilsouth'
  'canadacentral'
  'centralindia'
  'centralus'
  'eastasia'
  'eastus'
  'eastus2'
  'francecentral'
  'germanywestcentral'
  'italynorth'
  'japaneast'
  'koreacentral'
  'northcentralus'
  'northeurope'
  'norwayeast'
  'southafricanorth'
  'southcentralus'
  'southeastasia'
  'southindia'
  'spaincentral'
  'swedencentral'
  'switzerlandnorth'
  'uaenorth'
  'uksouth'
  'ukwest'
  'westcentralus'
  'westeurope'
  'westus'
  'westus2'
  'westus3'
])
@metadata({
  azd: {
    type: 'location'
  }
})
param location string

@description('Object id of the deployer: may write the context keys, and administers the database unless another is named.')
param deployerObjectId string

@description('Kind of that principal.')
@allowed([
  'User'
  'ServicePrincipal'
])
param deployerType string = 'User'

@description('Public address from which the deployer prepares the database; empty for none, and for a private network.')
param deployerIpAddress string = ''

@description('Object id of the database administrator, a group if several people migrate; empty for the deployer.')
param databaseAdministratorObjectId string = ''

@description('Login name of that administrator: of the group, of the service principal, or the user principal name.')
param databaseAdministratorName string = ''

@description('Kind of that administrator; empty for the kind of the deployer.')
@allowed([
  ''
  'Group'
  'User'
  'ServicePrincipal'
])
param databaseAdministratorType string = ''

@description('Compute of the database. Burstable sizes are for trials.')
@allowed([
  'Standard_B2s'
  'Standard_B2ms'
  'Standard_D2ds_v5'
  'Standard_D4ds_v5'
  'Standard_D8ds_v5'
  'Standard_D16ds_v5'
  'Standard_E2ds_v5'
  'Standard_E4ds_v5'
])
param databaseSku string = 'Standard_D2ds_v5'

@minValue(32)
@maxValue(32767)
@description('Storage of the database. It grows by itself and never shrinks: a later deployment gives the grown size.')
param databaseStorageGB int = 32

@minValue(7)
@maxValue(35)
@description('Days that a point-in-time restore reaches back.')
param backupRetentionDays int = 7

@description('Keep backups in the paired region too. Cannot be changed later.')
param geoRedundantBackup bool = false

@minValue(0)
@maxValue(6)
@description('Day of the maintenance of the database: 0 is Sunday.')
param maintenanceDay int = 0

@minValue(0)
@maxValue(23)
@description('Hour at which that maintenance begins, in UTC.')
param maintenanceHour int = 3

@description('Standby of the database; not for Burstable sizes.')
@allowed([
  'Disabled'
  'SameZone'
  'ZoneRedundant'
])
param highAvailability string = 'Disabled'

@description('Connect through the PgBouncer of the server; not for Burstable sizes.')
param usePgBouncer bool = false

@description('A second server that replays the database and answers reads; not for Burstable sizes.')
param useReadReplica bool = false

@description('Reach the database only from a virtual network. Cannot be changed later.')
param usePrivateNetwork bool = false

@minValue(1)
@maxValue(100)
@description('Most instances on demand.')
param maximumInstanceCount int = 40

@minValue(0)
@maxValue(20)
@description('Instances that are kept warm and are billed all the time; no more than the most instances.')
param alwaysReadyInstances int = 0

@description('Spread the app over the zones of the region, with at least two warm instances. Cannot be changed later.')
param zoneRedundant bool = false

@description('Memory of one instance.')
@allowed([
  2048
  4096
])
param instanceMemoryMB int = 2048

@description('Create Azure OpenAI with the embedding deployment, for search by meaning.')
param useEmbeddings bool = true

// Regions of the model as GlobalStandard: az cognitiveservices model list --location <region>
@description('Region of Azure OpenAI; empty for the region of everything else.')
@allowed([
  ''
  'australiaeast'
  'brazilsouth'
  'canadaeast'
  'centralus'
  'eastus'
  'eastus2'
  'francecentral'
  'germanywestcentral'
  'italynorth'
  'japaneast'
  'koreacentral'
  'northcentralus'
  'norwayeast'
  'polandcentral'
  'southafricanorth'
  'southcentralus'
  'southindia'
  'spaincentral'
  'swedencentral'
  'switzerlandnorth'
  'uaenorth'
  'uksouth'
  'westeurope'
  'westus'
  'westus3'
])
param openAiLocation string = ''

@minValue(1)
@maxValue(10000)
@description('Thousands of tokens a minute of the embedding deployment.')
param embeddingCapacity int = 30

@description('Client id of an app registration that exists; empty to have one made.')
param applicationId string = ''

@description('Application ID URI of that registration; empty for api:// and its client id.')
param applicationIdUri string = ''

@description('What clients request scopes under: url, the URL that they call, or api, the Application ID URI.')
@allowed([
  'url'
  'api'
])
param scopeStyle string = 'url'

@description('Client ids of the MCP clients that people use, comma-separated. The first one is Visual Studio Code. The registration for clients is added.')
param clientIds string = 'aebc6443-996d-45c2-90f0-388ff96faa56'

@minValue(0)
@maxValue(8760)
@description('Hours without any order of the chain after which readiness is degraded and an alert fires; 0: not watched.')
param lateOrdersHours int = 0

@description('Client ids that the app itself lets in, comma-separated; empty for any that the directory lets in.')
param allowedClients string = ''

@description('More redirects of the registration for clients, comma-separated, of clients without a secret.')
param clientRedirects string = ''

@description('More redirects of that registration, comma-separated, of clients with a secret, such as a connection of Copilot Studio.')
param webClientRedirects string = ''

@description('Put the built-in authentication of the platform in front of our own check.')
param builtInAuthentication bool = false

@description('Let clients sign in by the URL alone, at the app itself. Not together with the built-in authentication.')
param signIn bool = false

@description('Host name of your own, which the app accepts; see docs/how-to/deploy.md for the order of steps.')
param customHostname string = ''

@description('Thumbprint of its certificate in the resource group, with which the name is bound; empty for none.')
param customHostnameThumbprint string = ''

@minValue(30)
@maxValue(730)
@description('Days that logs are kept.')
param logRetentionDays int = 30

@description('Mail address that gets the alerts; empty for none: they show in the portal.')
param alertEmail string = ''

@description('Keep a deleted key vault for its seven days, without exception. Cannot be turned off later.')
param vaultPurgeProtection bool = true

var abbreviations = loadJsonContent('./abbreviations.json')
var token = toLower(uniqueString(subscription().id, environmentName, location))
var tags = {
  'azd-env-name': environmentName
}
var functionAppName = '${abbreviations.functionApp}${token}'
var administratorObjectId = empty(databaseAdministratorObjectId) ? deployerObjectId : databaseAdministratorObjectId
var administratorType = empty(databaseAdministratorType) ? deployerType : databaseAdministratorType
// A service principal has no user principal name. PostgreSQL accepts any name for a login, as the
// object id decides who it is.
var deployerName = deployerType == 'User' ? deployer().userPrincipalName : deployerObjectId
var administratorName = empty(databaseAdministratorName) ? deployerName : databaseAdministratorName
// Azure refuses a resource group whose name ends with a period, which azd allows.
var groupSuffix = endsWith(environmentName, '.') ? '_' : ''

// User connections by size: max_connections less the 15 that the service keeps for itself.
var databaseTiers = {
  Standard_B2s: {
    tier: 'Burstable'
    userConnections: 414
  }
  Standard_B2ms: {
    tier: 'Burstable'
    userConnections: 844
  }
  Standard_D2ds_v5: {
    tier: 'GeneralPurpose'
    userConnections: 844
  }
  Standard_D4ds_v5: {
    tier: 'GeneralPurpose'
    userConnections: 1703
  }
  Standard_D8ds_v5: {
    tier: 'GeneralPurpose'
    userConnections: 3422
  }
  Standard_D16ds_v5: {
    tier: 'GeneralPurpose'
    userConnections: 4985
  }
  Standard_E2ds_v5: {
    tier: 'MemoryOptimized'
    userConnections: 1703
  }
  Standard_E4ds_v5: {
    tier: 'MemoryOptimized'
    userConnections: 3422
  }
}
// Requests that one instance serves at once; more connections than that would never be used.
var concurrencyPerInstance = 16
// Connections that migrations, a rotation of keys and an administrator find free.
var administrativeConnections = 7
// A plan over zones keeps two instances warm, even if none is configured.
var warmInstances = zoneRedundant ? max(alwaysReadyInstances, 2) : alwaysReadyInstances
// Each instance opens one more than this for principals who hold none.
var poolMax = min(concurrencyPerInstance, (databaseTiers[databaseSku].userConnections - administrativeConnections) / (maximumInstanceCount + warmInstances) - 1)

// What Azure would refuse late, or would drop without a word.
var isBurstable = databaseTiers[databaseSku].tier == 'Burstable'
var checkedHighAvailability = (isBurstable && highAvailability != 'Disabled') ? fail('ZAVA_HIGH_AVAILABILITY: a Burstable size has no standby; choose another ZAVA_DATABASE_SKU, or Disabled.') : highAvailability
var checkedPgBouncer = (isBurstable && usePgBouncer) ? fail('ZAVA_USE_PGBOUNCER: a Burstable size has no PgBouncer; choose another ZAVA_DATABASE_SKU, or false.') : usePgBouncer
var checkedReadReplica = (isBurstable && useReadReplica) ? fail('ZAVA_USE_READ_REPLICA: a Burstable size has no read replica; choose another ZAVA_DATABASE_SKU, or false.') : useReadReplica
var checkedAlwaysReady = (alwaysReadyInstances > maximumInstanceCount) ? fail('ZAVA_ALWAYS_READY_INSTANCES: it is more than ZAVA_MAXIMUM_INSTANCE_COUNT.') : alwaysReadyInstances
var givenClientIds = filter(map(split(clientIds, ','), id => trim(id)), id => !empty(id))
var checkedClientIds = (builtInAuthentication && empty(givenClientIds)) ? fail('ZAVA_CLIENT_IDS: the built-in authentication needs at least one client id.') : givenClientIds
var checkedSignIn = (builtInAuthentication && signIn) ? fail('ZAVA_SIGN_IN: the built-in authentication refuses the tokens of the app; use one of them.') : signIn
var checkedApplicationId = (empty(applicationId) && !empty(applicationIdUri)) ? fail('ZAVA_APPLICATION_ID_URI: it needs ZAVA_APPLICATION_ID.') : applicationId
var givenRedirects = filter(map(split(clientRedirects, ','), redirect => trim(redirect)), redirect => !empty(redirect))
var givenWebRedirects = filter(map(split(webClientRedirects, ','), redirect => trim(redirect)), redirect => !empty(redirect))
// Without a domain label in the properties of the site, Azure names it so; the registration has to
// name the host before the site exists.
var defaultHostname = '${functionAppName}.azurewebsites.net'
var hostnames = empty(customHostname) ? [
  defaultHostname
] : [
  defaultHostname
  customHostname
]
var existingApplicationUri = empty(applicationIdUri) ? 'api://${checkedApplicationId}' : applicationIdUri

resource group 'Microsoft.Resources/resourceGroups@2024-03-01' = {
  name: '${abbreviations.resourceGroup}${environmentName}${groupSuffix}'
  location: location
  tags: tags
}

module identity 'modules/identity.bicep' = {
  name: 'identity'
  scope: group
  params: {
    name: '${abbreviations.managedIdentity}${token}'
    location: location
    tags: tags
  }
}

// Reads and writes the package, which the identity of the app may not.
module packageIdentity 'modules/identity.bicep' = {
  name: 'package-identity'
  scope: group
  params: {
    name: '${abbreviations.managedIdentity}${token}-package'
    location: location
    tags: tags
  }
}

module monitoring 'modules/monitoring.bicep' = {
  name: 'monitoring'
  scope: group
  params: {
    workspaceName: '${abbreviations.logAnalyticsWorkspace}${token}'
    insightsName: '${abbreviations.applicationInsights}${token}'
    location: location
    tags: tags
    retentionDays: logRetentionDays
    identityPrincipalId: identity.outputs.principalId
  }
}

module alerts 'modules/alerts.bicep' = {
  name: 'alerts'
  scope: group
  params: {
    actionGroupName: '${abbreviations.actionGroup}${token}'
    location: location
    tags: tags
    insightsId: monitoring.outputs.insightsId
    email: alertEmail
  }
}

module network 'modules/network.bicep' = if (usePrivateNetwork) {
  name: 'network'
  scope: group
  params: {
    name: '${abbreviations.virtualNetwork}${token}'
    serverName: '${abbreviations.flexibleServer}${token}'
    location: location
    tags: tags
  }
}

module storage 'modules/storage.bicep' = {
  name: 'storage'
  scope: group
  params: {
    name: '${abbreviations.storageAccount}${token}'
    packageAccountName: '${abbreviations.storageAccount}p${token}'
    location: location
    tags: tags
    zoneRedundant: zoneRedundant
    identityPrincipalId: identity.outputs.principalId
    packageIdentityPrincipalId: packageIdentity.outputs.principalId
  }
}

module vault 'modules/vault.bicep' = {
  name: 'vault'
  scope: group
  params: {
    name: '${abbreviations.keyVault}${token}'
    location: location
    tags: tags
    identityPrincipalId: identity.outputs.principalId
    deployerObjectId: deployerObjectId
    deployerType: deployerType
    purgeProtection: vaultPurgeProtection
    workspaceId: monitoring.outputs.workspaceId
  }
}

module database 'modules/database.bicep' = {
  name: 'database'
  scope: group
  params: {
    name: '${abbreviations.flexibleServer}${token}'
    location: location
    tags: tags
    skuName: databaseSku
    skuTier: databaseTiers[databaseSku].tier
    storageGB: databaseStorageGB
    backupRetentionDays: backupRetentionDays
    geoRedundantBackup: geoRedundantBackup
    maintenanceDay: maintenanceDay
    maintenanceHour: maintenanceHour
    highAvailability: checkedHighAvailability
    usePgBouncer: checkedPgBouncer
    subnetId: usePrivateNetwork ? network!.outputs.databaseSubnetId : ''
    privateDnsZoneId: usePrivateNetwork ? network!.outputs.privateDnsZoneId : ''
    deployerIpAddress: deployerIpAddress
    administratorObjectId: administratorObjectId
    administratorName: administratorName
    administratorType: administratorType
    workspaceId: monitoring.outputs.workspaceId
  }
}

// After all of the database: a replica of a server that changes is refused.
module replica 'modules/replica.bicep' = if (checkedReadReplica) {
  name: 'replica'
  scope: group
  params: {
    name: '${abbreviations.flexibleServer}${token}-replica'
    location: location
    tags: tags
    sourceServerId: database.outputs.id
    skuName: databaseSku
    skuTier: databaseTiers[databaseSku].tier
    usePgBouncer: checkedPgBouncer
    subnetId: usePrivateNetwork ? network!.outputs.databaseSubnetId : ''
    privateDnsZoneId: usePrivateNetwork ? network!.outputs.privateDnsZoneId : ''
    deployerIpAddress: deployerIpAddress
    workspaceId: monitoring.outputs.workspaceId
  }
}

module embeddings 'modules/embeddings.bicep' = if (useEmbeddings) {
  name: 'embeddings'
  scope: group
  params: {
    name: '${abbreviations.azureOpenAi}${token}'
    location: empty(openAiLocation) ? location : openAiLocation
    tags: tags
    capacity: embeddingCapacity
    identityPrincipalId: identity.outputs.principalId
    deployerObjectId: deployerObjectId
    deployerType: deployerType
    workspaceId: monitoring.outputs.workspaceId
  }
}

// Of the clients that people use, apart from that of the app.
module clients 'modules/clients.bicep' = if (empty(checkedApplicationId)) {
  name: 'clients'
  scope: group
  params: {
    uniqueName: 'zava-clients-${token}'
    displayName: 'Zava clients (${environmentName})'
    redirects: givenRedirects
    webRedirects: givenWebRedirects
  }
}

module registration 'modules/registration.bicep' = if (empty(checkedApplicationId)) {
  name: 'registration'
  scope: group
  params: {
    uniqueName: 'zava-${token}'
    displayName: 'Zava Retail Analytics (${environmentName})'
    functionAppName: functionAppName
    hostnames: hostnames
    clientIds: empty(checkedApplicationId) ? union([
      clients!.outputs.applicationId
    ], checkedClientIds) : checkedClientIds
    builtInAuthentication: builtInAuthentication
    signInHostname: !checkedSignIn ? '' : empty(customHostname) ? defaultHostname : customHostname
    identityPrincipalId: identity.outputs.principalId
  }
}

module app 'modules/app.bicep' = {
  name: 'app'
  scope: group
  params: {
    name: functionAppName
    planName: '${abbreviations.plan}${token}'
    location: location
    tags: tags
    identityId: identity.outputs.id
    identityClientId: identity.outputs.clientId
    packageIdentityId: packageIdentity.outputs.id
    storageAccountName: storage.outputs.name
    packageContainer: storage.outputs.packageContainer
    insightsConnectionString: monitoring.outputs.connectionString
    contextKeysUri: vault.outputs.contextKeysUri
    databaseHost: database.outputs.host
    databasePort: database.outputs.port
    databaseName: database.outputs.databaseName
    replicaUrl: checkedReadReplica ? replica!.outputs.url : ''
    usePgBouncer: checkedPgBouncer
    poolMax: poolMax
    subnetId: usePrivateNetwork ? network!.outputs.appSubnetId : ''
    openAiEndpoint: useEmbeddings ? embeddings!.outputs.endpoint : ''
    embeddingDeployment: useEmbeddings ? embeddings!.outputs.deploymentName : ''
    applicationId: empty(checkedApplicationId) ? registration!.outputs.applicationId : checkedApplicationId
    applicationIdUri: applicationUri
    scopeStyle: scopeStyle
    builtInAuthentication: builtInAuthentication
    signIn: checkedSignIn
    clientIds: empty(checkedApplicationId) ? union([
      clients!.outputs.applicationId
    ], checkedClientIds) : checkedClientIds
    allowedClients: allowedClients
    lateOrdersHours: lateOrdersHours
    customHostname: customHostname
    customHostnameThumbprint: customHostnameThumbprint
    maximumInstanceCount: maximumInstanceCount
    alwaysReadyInstances: checkedAlwaysReady
    zoneRedundant: zoneRedundant
    instanceMemoryMB: instanceMemoryMB
    concurrencyPerInstance: concurrencyPerInstance
  }
}

var applicationUri = empty(checkedApplicationId) ? registration!.outputs.applicationIdUri : existingApplicationUri
var mcpUrl = 'https://${empty(customHostname) ? app.outputs.hostname : customHostname}/mcp'

// azd keeps these in its environment and gives them to the hooks, where they are the settings of
// the command line. None is a secret.
output AZURE_LOCATION string = location
// azd gives these two to the parameters only, not to its hooks.
output AZURE_PRINCIPAL_ID string = deployerObjectId
output AZURE_PRINCIPAL_TYPE string = deployerType
output AZURE_TENANT_ID string = tenant().tenantId
output AZURE_RESOURCE_GROUP string = group.name
output AZURE_KEY_VAULT_ENDPOINT string = vault.outputs.endpoint
output AZURE_POSTGRESQL_SERVER_ID string = database.outputs.id
output AZURE_FUNCTION_APP_ID string = app.outputs.id
output AZURE_OPENAI_ENDPOINT string = useEmbeddings ? embeddings!.outputs.endpoint : ''
output EMBEDDING_MODEL_DEPLOYMENT_NAME string = useEmbeddings ? embeddings!.outputs.deploymentName : ''
output PGHOST string = database.outputs.host
output ZAVA_REPLICA_URL string = checkedReadReplica ? replica!.outputs.url : ''
output PGDATABASE string = database.outputs.databaseName
output PGUSER string = administratorName
output ZAVA_DATABASE_AUTH string = 'entra'
output ZAVA_SERVER_OBJECT_ID string = identity.outputs.principalId
output ZAVA_CLIENT_ID string = empty(checkedApplicationId) ? clients!.outputs.applicationId : ''
output ZAVA_SCOPE string = '${scopeStyle == 'api' ? applicationUri : mcpUrl}/user_impersonation'
output ZAVA_MCP_URL string = mcpUrl
output ZAVA_READY_URL string = 'https://${app.outputs.hostname}/health/ready'
