param name string
param location string
param tags object

@description('The server that this one replays.')
param sourceServerId string
param skuName string
param skuTier string
param usePgBouncer bool

@description('Delegated subnet; empty for public access behind the firewall.')
param subnetId string
param privateDnsZoneId string

@description('Address that the firewall lets in beside Azure; empty for none.')
param deployerIpAddress string
param workspaceId string

var isPrivate = !empty(subnetId)

// Version, storage, logins and databases come from the source. Firewall rules do not.
resource replica 'Microsoft.DBforPostgreSQL/flexibleServers@2025-08-01' = {
  name: name
  location: location
  tags: tags
  sku: {
    name: skuName
    tier: skuTier
  }
  properties: {
    createMode: 'Replica'
    sourceServerResourceId: sourceServerId
    authConfig: {
      activeDirectoryAuth: 'Enabled'
      passwordAuth: 'Disabled'
      tenantId: tenant().tenantId
    }
    network: isPrivate ? {
      delegatedSubnetResourceId: subnetId
      privateDnsZoneArmResourceId: privateDnsZoneId
      publicNetworkAccess: 'Disabled'
    } : {
      publicNetworkAccess: 'Enabled'
    }
  }
}

// One after the other, as the children of the source: a second change at once is ServerIsBusy.
resource azureServices 'Microsoft.DBforPostgreSQL/flexibleServers/firewallRules@2025-08-01' = if (!isPrivate) {
  parent: replica
  name: 'azure-services'
  properties: {
    startIpAddress: '0.0.0.0'
    endIpAddress: '0.0.0.0'
  }
}

resource deployer 'Microsoft.DBforPostgreSQL/flexibleServers/firewallRules@2025-08-01' = if (!isPrivate && !empty(deployerIpAddress)) {
  parent: replica
  name: 'deployer'
  properties: {
    startIpAddress: deployerIpAddress
    endIpAddress: deployerIpAddress
  }
  dependsOn: [
    azureServices
  ]
}

// The source keeps the rows that a statement here still reads, so that replay seldom ends one.
resource feedback 'Microsoft.DBforPostgreSQL/flexibleServers/configurations@2025-08-01' = {
  parent: replica
  name: 'hot_standby_feedback'
  properties: {
    value: 'on'
    source: 'user-override'
  }
  dependsOn: [
    azureServices
    deployer
  ]
}

// Where they differ all the same, replay waits no longer than half the bound of zava.standby_bound.
// Longer waits would make the whole server late. The unit is milliseconds.
resource replayDelay 'Microsoft.DBforPostgreSQL/flexibleServers/configurations@2025-08-01' = {
  parent: replica
  name: 'max_standby_streaming_delay'
  properties: {
    value: '2500'
    source: 'user-override'
  }
  dependsOn: [
    feedback
  ]
}

// As on the source: a statement that sorts too much ends, and the log holds no statement.
var settings = [
  {
    name: 'temp_file_limit'
    value: '1048576'
  }
  {
    name: 'log_error_verbosity'
    value: 'terse'
  }
  {
    name: 'log_min_messages'
    value: 'fatal'
  }
  {
    name: 'log_min_error_statement'
    value: 'panic'
  }
  {
    name: 'log_parameter_max_length'
    value: '0'
  }
]

@batchSize(1)
resource statements 'Microsoft.DBforPostgreSQL/flexibleServers/configurations@2025-08-01' = [for setting in settings: {
  parent: replica
  name: setting.name
  properties: {
    value: setting.value
    source: 'user-override'
  }
  dependsOn: [
    replayDelay
  ]
}]

resource pgBouncer 'Microsoft.DBforPostgreSQL/flexibleServers/configurations@2025-08-01' = if (usePgBouncer) {
  parent: replica
  name: 'pgbouncer.enabled'
  properties: {
    value: 'true'
    source: 'user-override'
  }
  dependsOn: [
    replayDelay
    statements
  ]
}

resource diagnostics 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'to-log-analytics'
  scope: replica
  properties: {
    workspaceId: workspaceId
    logs: [
      {
        category: 'PostgreSQLLogs'
        enabled: true
      }
    ]
    metrics: [
      {
        category: 'AllMetrics'
        enabled: true
      }
    ]
  }
  dependsOn: [
    replayDelay
    statements
    pgBouncer
  ]
}

output url string = 'postgresql://${replica.properties.fullyQualifiedDomainName}:${usePgBouncer ? 6432 : 5432}'
