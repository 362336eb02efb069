// Cosmos DB for NoSQL: the hub writes telemetry into it, the API reads it, both with Entra ID only.

param location string
param suffix string
param databaseName string
param iotHubPrincipalId string
param apiPrincipalId string
param workspaceId string

@description('Serverless bills each request; freeTier is 1000 RU/s for nothing, once a subscription.')
@allowed(['serverless', 'freeTier'])
param capacity string

@description('Documents are deleted this many days after they were written.')
@minValue(1)
param telemetryRetentionDays int

resource account 'Microsoft.DocumentDB/databaseAccounts@2025-10-15' = {
  name: 'cosmos-${suffix}'
  location: location
  kind: 'GlobalDocumentDB'
  properties: {
    databaseAccountOfferType: 'Standard'
    locations: [{ locationName: location, failoverPriority: 0 }]
    capabilities: capacity == 'serverless' ? [{ name: 'EnableServerless' }] : []
    enableFreeTier: capacity == 'freeTier'
    consistencyPolicy: { defaultConsistencyLevel: 'Session' }
    disableLocalAuth: true
    minimalTlsVersion: 'Tls12'
    // The hub and the API have no network of their own that this could be narrowed to; their identities are checked.
    publicNetworkAccess: 'Enabled'
  }
}

resource database 'Microsoft.DocumentDB/databaseAccounts/sqlDatabases@2025-10-15' = {
  parent: account
  name: databaseName
  properties: {
    resource: { id: databaseName }
    options: capacity == 'freeTier' ? { throughput: 1000 } : {}
  }
}

// As libs/cosmos declares it: with Entra ID nobody can make containers through the data plane, so that it is made here.
// https://learn.microsoft.com/azure/cosmos-db/nosql/reference-data-plane-security
resource telemetry 'Microsoft.DocumentDB/databaseAccounts/sqlDatabases/containers@2025-10-15' = {
  parent: database
  name: 'telemetry'
  properties: {
    resource: {
      id: 'telemetry'
      partitionKey: { kind: 'Hash', version: 2, paths: ['/partitionKey'] }
      defaultTtl: telemetryRetentionDays * 86400
      indexingPolicy: {
        indexingMode: 'consistent'
        includedPaths: [{ path: '/*' }]
        excludedPaths: [{ path: '/Body/*' }, { path: '/"_etag"/?' }]
        compositeIndexes: [
          [
            { path: '/SystemProperties/"iothub-enqueuedtime"', order: 'descending' }
            { path: '/id', order: 'descending' }
          ]
        ]
      }
    }
  }
}

// Cosmos DB Built-in Data Contributor for the hub, on this database alone: routing creates and replaces documents.
// https://learn.microsoft.com/azure/cosmos-db/nosql/reference-data-plane-security
resource hubWritesTelemetry 'Microsoft.DocumentDB/databaseAccounts/sqlRoleAssignments@2025-10-15' = {
  parent: account
  name: guid(database.id, iotHubPrincipalId, 'Cosmos DB Built-in Data Contributor')
  properties: {
    roleDefinitionId: '${account.id}/sqlRoleDefinitions/00000000-0000-0000-0000-000000000002'
    principalId: iotHubPrincipalId
    scope: '${account.id}/dbs/${database.name}'
  }
}

// Cosmos DB Built-in Data Reader for the API, on this database alone: GET /telemetry queries, nothing of the API writes.
resource apiReadsTelemetry 'Microsoft.DocumentDB/databaseAccounts/sqlRoleAssignments@2025-10-15' = {
  parent: account
  name: guid(database.id, apiPrincipalId, 'Cosmos DB Built-in Data Reader')
  properties: {
    roleDefinitionId: '${account.id}/sqlRoleDefinitions/00000000-0000-0000-0000-000000000001'
    principalId: apiPrincipalId
    scope: '${account.id}/dbs/${database.name}'
  }
}

resource diagnostics 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'to-log-analytics'
  scope: account
  properties: {
    workspaceId: workspaceId
    logAnalyticsDestinationType: 'Dedicated'
    logs: [{ category: 'ControlPlaneRequests', enabled: true }]
    metrics: [{ category: 'Requests', enabled: true }]
  }
}

output endpoint string = account.properties.documentEndpoint
output databaseName string = database.name
output telemetryContainerName string = telemetry.name
