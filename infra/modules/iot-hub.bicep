// The IoT Hub: uploads into Blob Storage and telemetry into Cosmos DB under its own identity, routed as everywhere else.

param location string
param suffix string

@description('S1 is the smallest paid size; F1 costs nothing, takes 8,000 messages a day and exists once a subscription.')
@allowed(['F1', 'S1'])
param skuName string

param identityId string
param apiPrincipalId string
param workspaceId string
param storageAccountName string
param storageContainerName string
param cosmosDbEndpoint string
param cosmosDbDatabaseName string
param cosmosDbContainerName string

@description('Shared access keys of the whole hub. Devices sign in with their own keys; only readers of the built-in endpoint need these.')
param hubKeys bool

// The same routes as the local stack has. Only the endpoints that they name are given for each environment.
var routing = loadJsonContent('../routing/routes.json')

resource hub 'Microsoft.Devices/IotHubs@2023-06-30' = {
  name: 'iot-${suffix}'
  location: location
  sku: { name: skuName, capacity: 1 }
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: { '${identityId}': {} }
  }
  properties: {
    minTlsVersion: '1.2'
    disableLocalAuth: !hubKeys
    eventHubEndpoints: {
      events: { partitionCount: 2, retentionTimeInDays: 1 }
    }
    enableFileUploadNotifications: true
    storageEndpoints: {
      '$default': {
        authenticationType: 'identityBased'
        identity: { userAssignedIdentity: identityId }
        // Names the account; without a key in it, since the identity signs.
        connectionString: 'DefaultEndpointsProtocol=https;EndpointSuffix=${environment().suffixes.storage};AccountName=${storageAccountName}'
        containerName: storageContainerName
        sasTtlAsIso8601: 'PT1H'
      }
    }
    messagingEndpoints: {
      fileNotifications: { lockDurationAsIso8601: 'PT1M', ttlAsIso8601: 'PT1H', maxDeliveryCount: 10 }
    }
    routing: {
      endpoints: {
        cosmosDBSqlContainers: [
          {
            name: 'telemetry'
            subscriptionId: subscription().subscriptionId
            resourceGroup: resourceGroup().name
            authenticationType: 'identityBased'
            identity: { userAssignedIdentity: identityId }
            endpointUri: cosmosDbEndpoint
            databaseName: cosmosDbDatabaseName
            containerName: cosmosDbContainerName
            partitionKeyName: 'partitionKey'
            partitionKeyTemplate: '{deviceid}-{YYYY}-{MM}'
          }
        ]
      }
      routes: routing.routes
      fallbackRoute: routing.fallbackRoute
    }
  }
}

// IoT Hub Data Contributor for the API: it registers and removes devices, reads and writes twins and invokes direct
// methods, and this is the only built-in role with directMethods/invoke/action (Twin Contributor and Registry
// Contributor lack it). https://learn.microsoft.com/azure/role-based-access-control/built-in-roles/internet-of-things
resource apiUsesHub 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(hub.id, apiPrincipalId, 'IoT Hub Data Contributor')
  scope: hub
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', '4fc6c259-987e-4a07-842e-c321cc9d413f')
    principalId: apiPrincipalId
    principalType: 'ServicePrincipal'
  }
}

resource diagnostics 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'to-log-analytics'
  scope: hub
  properties: {
    workspaceId: workspaceId
    logs: [{ categoryGroup: 'allLogs', enabled: true }]
    metrics: [{ category: 'AllMetrics', enabled: true }]
  }
}

output hostName string = hub.properties.hostName
