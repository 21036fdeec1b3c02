param name string
param location string
param tags object
param skuName string
param skuTier string
param storageGB int
param backupRetentionDays int
param geoRedundantBackup bool
param maintenanceDay int
param maintenanceHour int
param highAvailability string
param usePgBouncer bool

@description('Delegated subnet; empty for public access behind the firewall.')
param subnetId string
param privateDnsZoneId string

@description('Address that the firewall lets in beside Azure; empty for none.')
param deployerIpAddress string
param administratorObjectId string
param administratorName string
param administratorType string
param workspaceId string

var isPrivate = !empty(subnetId)
var databaseName = 'zava'

resource server 'Microsoft.DBforPostgreSQL/flexibleServers@2025-08-01' = {
  name: name
  location: location
  tags: tags
  sku: {
    name: skuName
    tier: skuTier
  }
  properties: {
    version: '18'
    createMode: 'Default'
    authConfig: {
      activeDirectoryAuth: 'Enabled'
      passwordAuth: 'Disabled'
      tenantId: tenant().tenantId
    }
    storage: {
      storageSizeGB: storageGB
      autoGrow: 'Enabled'
    }
    backup: {
      backupRetentionDays: backupRetentionDays
      geoRedundantBackup: geoRedundantBackup ? 'Enabled' : 'Disabled'
    }
    highAvailability: {
      mode: highAvailability
    }
    maintenanceWindow: {
      customWindow: 'Enabled'
      dayOfWeek: maintenanceDay
      startHour: maintenanceHour
      startMinute: 0
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

// One after the other: the server refuses a second change while it makes the first (ServerIsBusy).
// Azure drops a link to a resource whose condition is false, and adds none in its place. So a child
// names every child that may be the last one before it. The administrator is last: one that is made
// with the server still starting is refused.
resource database 'Microsoft.DBforPostgreSQL/flexibleServers/databases@2025-08-01' = {
  parent: server
  name: databaseName
  properties: {
    charset: 'UTF8'
    collation: 'en_US.utf8'
  }
}

resource azureServices 'Microsoft.DBforPostgreSQL/flexibleServers/firewallRules@2025-08-01' = if (!isPrivate) {
  parent: server
  name: 'azure-services'
  properties: {
    // The address that stands for whatever runs in Azure: the app has none of its own.
    startIpAddress: '0.0.0.0'
    endIpAddress: '0.0.0.0'
  }
  dependsOn: [
    database
  ]
}

resource deployer 'Microsoft.DBforPostgreSQL/flexibleServers/firewallRules@2025-08-01' = if (!isPrivate && !empty(deployerIpAddress)) {
  parent: server
  name: 'deployer'
  properties: {
    startIpAddress: deployerIpAddress
    endIpAddress: deployerIpAddress
  }
  dependsOn: [
    database
    azureServices
  ]
}

resource extensions 'Microsoft.DBforPostgreSQL/flexibleServers/configurations@2025-08-01' = {
  parent: server
  name: 'azure.extensions'
  properties: {
    value: 'VECTOR'
    source: 'user-override'
  }
  dependsOn: [
    database
    azureServices
    deployer
  ]
}

// One statement that sorts or joins too much ends before it fills the disk. The unit is kB.
resource temporaryFiles 'Microsoft.DBforPostgreSQL/flexibleServers/configurations@2025-08-01' = {
  parent: server
  name: 'temp_file_limit'
  properties: {
    value: '1048576'
    source: 'user-override'
  }
  dependsOn: [
    extensions
  ]
}

// What people asked for and what it found stay out of PostgreSQLLogs. The server's defaults hold
// for the other settings of zava/infrastructure/local/embedded/server_log.py. Two at once are ServerIsBusy.
var logSettings = [
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
resource statementTexts 'Microsoft.DBforPostgreSQL/flexibleServers/configurations@2025-08-01' = [for setting in logSettings: {
  parent: server
  name: setting.name
  properties: {
    value: setting.value
    source: 'user-override'
  }
  dependsOn: [
    temporaryFiles
  ]
}]

resource pgBouncer 'Microsoft.DBforPostgreSQL/flexibleServers/configurations@2025-08-01' = if (usePgBouncer) {
  parent: server
  name: 'pgbouncer.enabled'
  properties: {
    value: 'true'
    source: 'user-override'
  }
  // A list of settings that is empty makes nothing, and so hands on no order: both are named.
  dependsOn: [
    temporaryFiles
    statementTexts
  ]
}

resource administrator 'Microsoft.DBforPostgreSQL/flexibleServers/administrators@2025-08-01' = {
  parent: server
  name: administratorObjectId
  properties: {
    principalType: administratorType
    principalName: administratorName
    tenantId: tenant().tenantId
  }
  dependsOn: [
    temporaryFiles
    statementTexts
    pgBouncer
  ]
}

resource diagnostics 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'to-log-analytics'
  scope: server
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
    administrator
  ]
}

output id string = server.id
output host string = server.properties.fullyQualifiedDomainName
output port int = usePgBouncer ? 6432 : 5432
output databaseName string = databaseName
