param name string
param planName string
param location string
param tags object
param identityId string
param identityClientId string

@description('The identity that reads and writes the package.')
param packageIdentityId string
param storageAccountName string

@description('Address of the container that holds the package.')
param packageContainer string
param insightsConnectionString string

@description('Address of the secret with the context keys.')
param contextKeysUri string
param databaseHost string
param databasePort int
param databaseName string

@description('Address of the standby that reads run on; empty for none.')
param replicaUrl string
param usePgBouncer bool

@description('Connections of one instance: instances times this stays under what the database accepts.')
param poolMax int

@description('Subnet to reach a private database through; empty for none.')
param subnetId string
param openAiEndpoint string
param embeddingDeployment string
param applicationId string
param applicationIdUri string

@description('What clients request scopes under: the URL that they call, or the Application ID URI.')
param scopeStyle string
param builtInAuthentication bool

@description('Whether clients sign in by the URL alone, at the app itself.')
param signIn bool

@description('Client ids that the built-in authentication lets in.')
param clientIds array

@description('Client ids that the app itself lets in, comma-separated; empty for any.')
param allowedClients string
param lateOrdersHours int
param customHostname string
param customHostnameThumbprint string
param maximumInstanceCount int
param alwaysReadyInstances int
param zoneRedundant bool
param instanceMemoryMB int
param concurrencyPerInstance int

var issuer = '${environment().authentication.loginEndpoint}${tenant().tenantId}/v2.0'

var hostSettings = {
  AzureWebJobsStorage__accountName: storageAccountName
  AzureWebJobsStorage__credential: 'managedidentity'
  AzureWebJobsStorage__clientId: identityClientId
  AzureWebJobsDisableHomepage: 'true'
  // One byte over the app's own limit: the host would take 100 MB into memory before the app sees it.
  FUNCTIONS_REQUEST_BODY_SIZE_LIMIT: '1048577'
  APPLICATIONINSIGHTS_CONNECTION_STRING: insightsConnectionString
  APPLICATIONINSIGHTS_AUTHENTICATION_STRING: 'Authorization=AAD;ClientId=${identityClientId}'
}
var zavaSettings = {
  AZURE_CLIENT_ID: identityClientId
  PGHOST: databaseHost
  PGPORT: string(databasePort)
  PGDATABASE: databaseName
  PGUSER: 'zava_server'
  ZAVA_REPLICA_URL: replicaUrl
  ZAVA_DATABASE_AUTH: 'entra'
  ZAVA_POOL_MAX: string(poolMax)
  ZAVA_PREPARED_STATEMENTS: usePgBouncer ? 'false' : 'true'
  ZAVA_CONTEXT_KEYS: '@Microsoft.KeyVault(SecretUri=${contextKeysUri})'
  ZAVA_IDENTITY_ISSUER: issuer
  ZAVA_IDENTITY_AUDIENCE: '${applicationIdUri},${applicationId}'
  ZAVA_SCOPE_STYLE: scopeStyle
  ZAVA_ALLOWED_TENANTS: tenant().tenantId
  ZAVA_ALLOWED_CLIENTS: allowedClients
  ZAVA_LATE_ORDERS_HOURS: string(lateOrdersHours)
  ZAVA_ALLOWED_HOSTS: empty(customHostname) ? app.properties.defaultHostName : '${app.properties.defaultHostName},${customHostname}'
  AZURE_OPENAI_ENDPOINT: openAiEndpoint
  EMBEDDING_MODEL_DEPLOYMENT_NAME: embeddingDeployment
}
var mcpUrl = 'https://${empty(customHostname) ? app.properties.defaultHostName : customHostname}/mcp'
// The identity proves that the app is the registration, so there is no client secret.
var signInSettings = signIn ? {
  ZAVA_SIGN_IN: 'true'
  ZAVA_SIGN_IN_URL: 'https://${empty(customHostname) ? app.properties.defaultHostName : customHostname}'
  ZAVA_SIGN_IN_CLIENT_ID: applicationId
} : {}
var authenticationSettings = builtInAuthentication ? {
  WEBSITE_AUTH_PRM_DEFAULT_WITH_SCOPES: '${scopeStyle == 'api' ? applicationIdUri : mcpUrl}/user_impersonation'
  WEBSITE_AUTH_AAD_ALLOWED_TENANTS: tenant().tenantId
  OVERRIDE_USE_MI_FIC_ASSERTION_CLIENTID: identityClientId
} : {}

resource plan 'Microsoft.Web/serverfarms@2024-04-01' = {
  name: planName
  location: location
  tags: tags
  kind: 'functionapp'
  sku: {
    name: 'FC1'
    tier: 'FlexConsumption'
  }
  properties: {
    reserved: true
    zoneRedundant: zoneRedundant
  }
}

resource app 'Microsoft.Web/sites@2024-04-01' = {
  name: name
  location: location
  tags: union(tags, {
    'azd-service-name': 'mcp'
  })
  kind: 'functionapp,linux'
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: {
      '${identityId}': {}
      '${packageIdentityId}': {}
    }
  }
  properties: {
    serverFarmId: plan.id
    httpsOnly: true
    clientAffinityEnabled: false
    keyVaultReferenceIdentity: identityId
    virtualNetworkSubnetId: empty(subnetId) ? null : subnetId
    siteConfig: {
      minTlsVersion: '1.2'
      http20Enabled: true
    }
    functionAppConfig: {
      deployment: {
        storage: {
          type: 'blobContainer'
          value: packageContainer
          authentication: {
            type: 'UserAssignedIdentity'
            userAssignedIdentityResourceId: packageIdentityId
          }
        }
      }
      runtime: {
        name: 'python'
        version: '3.13'
      }
      scaleAndConcurrency: {
        instanceMemoryMB: instanceMemoryMB
        maximumInstanceCount: maximumInstanceCount
        alwaysReady: (alwaysReadyInstances == 0) ? [] : [
          {
            name: 'http'
            instanceCount: alwaysReadyInstances
          }
        ]
        triggers: {
          http: {
            perInstanceConcurrency: concurrencyPerInstance
          }
        }
      }
    }
  }
}

// One after the other: the platform answers 409 to a second change of a site while it makes the
// first. As with the server of the database, a child names every child that may be the last one
// before it.
resource settings 'Microsoft.Web/sites/config@2024-04-01' = {
  parent: app
  name: 'appsettings'
  properties: union(hostSettings, zavaSettings, signInSettings, authenticationSettings)
}

// Packages come with a token of who deploys; there are no publishing passwords.
resource noFtpPassword 'Microsoft.Web/sites/basicPublishingCredentialsPolicies@2024-04-01' = {
  parent: app
  name: 'ftp'
  properties: {
    allow: false
  }
  dependsOn: [
    settings
  ]
}

resource noScmPassword 'Microsoft.Web/sites/basicPublishingCredentialsPolicies@2024-04-01' = {
  parent: app
  name: 'scm'
  properties: {
    allow: false
  }
  dependsOn: [
    noFtpPassword
  ]
}

resource authentication 'Microsoft.Web/sites/config@2024-04-01' = if (builtInAuthentication) {
  parent: app
  name: 'authsettingsV2'
  properties: {
    platform: {
      enabled: true
      runtimeVersion: '~1'
    }
    globalValidation: {
      requireAuthentication: true
      unauthenticatedClientAction: 'Return401'
      excludedPaths: [
        '/health/live'
        '/health/ready'
        '/.well-known/oauth-protected-resource/mcp'
      ]
    }
    httpSettings: {
      requireHttps: true
    }
    identityProviders: {
      azureActiveDirectory: {
        enabled: true
        registration: {
          clientId: applicationId
          openIdIssuer: issuer
          clientSecretSettingName: 'OVERRIDE_USE_MI_FIC_ASSERTION_CLIENTID'
        }
        validation: {
          allowedAudiences: [
            applicationIdUri
            applicationId
          ]
          defaultAuthorizationPolicy: {
            allowedApplications: clientIds
          }
        }
      }
    }
    login: {
      tokenStore: {
        enabled: false
      }
    }
  }
  dependsOn: [
    noScmPassword
  ]
}

resource hostname 'Microsoft.Web/sites/hostNameBindings@2024-04-01' = if (!empty(customHostname) && !empty(customHostnameThumbprint)) {
  parent: app
  name: empty(customHostname) ? 'none' : customHostname
  properties: {
    siteName: app.name
    hostNameType: 'Verified'
    customHostNameDnsRecordType: 'CName'
    // Never without its certificate: browsers that have seen the app's HSTS refuse such a name.
    sslState: 'SniEnabled'
    thumbprint: customHostnameThumbprint
  }
  dependsOn: [
    noScmPassword
    authentication
  ]
}

output id string = app.id
output hostname string = app.properties.defaultHostName
