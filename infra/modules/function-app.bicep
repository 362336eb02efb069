// The API on Azure Functions (Flex Consumption), as the custom handler of its host. `npm run functions:package` makes
// what is deployed into it.

param location string
param suffix string
param identityId string
param apiPrincipalId string
param apiClientId string
param workspaceId string
param applicationInsightsName string
param maxInstances int

@description('Settings of the API that are the same on every host.')
param settings object

@description('Web pages that may call. The front end answers their preflight requests, so that it must know them as well.')
param corsOrigins array

@secure()
param apiKeys string

var packages = 'packages'
var environmentOfApi = union(settings, {
  ALLOWED_HOSTS: app.properties.defaultHostName
  // What a request to Azure Functions may be long at most, less room for the form around the file.
  BLOB_STORAGE_MAX_UPLOAD_BYTES: '99614720'
})

resource insights 'Microsoft.Insights/components@2020-02-02' existing = {
  name: applicationInsightsName
}

// The host's own account: it keeps its locks and the package here. The pictures are elsewhere.
resource hostStorage 'Microsoft.Storage/storageAccounts@2025-06-01' = {
  name: 'stfn${suffix}'
  location: location
  kind: 'StorageV2'
  sku: { name: 'Standard_LRS' }
  properties: {
    allowBlobPublicAccess: false
    allowSharedKeyAccess: false
    minimumTlsVersion: 'TLS1_2'
    supportsHttpsTrafficOnly: true
  }
}

resource hostBlobs 'Microsoft.Storage/storageAccounts/blobServices@2025-06-01' = {
  parent: hostStorage
  name: 'default'
}

resource packageContainer 'Microsoft.Storage/storageAccounts/blobServices/containers@2025-06-01' = {
  parent: hostBlobs
  name: packages
  properties: { publicAccess: 'None' }
}

// Storage Blob Data Owner for the identity of the host, on the host's own account: its locks are leases on blobs.
// https://learn.microsoft.com/azure/azure-functions/functions-reference#connecting-to-host-storage-with-an-identity
resource hostKeepsState 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(hostStorage.id, apiPrincipalId, 'Storage Blob Data Owner')
  scope: hostStorage
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', 'b7e6dc6d-f1e8-4753-8033-0f276bb0955b')
    principalId: apiPrincipalId
    principalType: 'ServicePrincipal'
  }
}

resource plan 'Microsoft.Web/serverfarms@2024-11-01' = {
  name: 'plan-${suffix}'
  location: location
  kind: 'functionapp'
  sku: { name: 'FC1', tier: 'FlexConsumption' }
  properties: { reserved: true }
}

resource app 'Microsoft.Web/sites@2024-11-01' = {
  name: 'func-api-${suffix}'
  location: location
  kind: 'functionapp,linux'
  dependsOn: [hostKeepsState]
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: { '${identityId}': {} }
  }
  properties: {
    serverFarmId: plan.id
    httpsOnly: true
    functionAppConfig: {
      deployment: {
        storage: {
          type: 'blobContainer'
          value: '${hostStorage.properties.primaryEndpoints.blob}${packageContainer.name}'
          authentication: { type: 'UserAssignedIdentity', userAssignedIdentityResourceId: identityId }
        }
      }
      runtime: { name: 'custom', version: '1.0' }
      scaleAndConcurrency: { instanceMemoryMB: 2048, maximumInstanceCount: maxInstances }
    }
    siteConfig: {
      minTlsVersion: '1.2'
      cors: { allowedOrigins: corsOrigins, supportCredentials: false }
    }
  }

  resource appSettings 'config' = {
    name: 'appsettings'
    properties: union(environmentOfApi, {
      API_KEYS: apiKeys
      AzureWebJobsStorage__accountName: hostStorage.name
      AzureWebJobsStorage__credential: 'managedidentity'
      AzureWebJobsStorage__clientId: apiClientId
      // Else the host shows a page of its own at / instead of the API's.
      AzureWebJobsDisableHomepage: 'true'
      APPLICATIONINSIGHTS_CONNECTION_STRING: insights.properties.ConnectionString
      APPLICATIONINSIGHTS_AUTHENTICATION_STRING: 'ClientId=${apiClientId};Authorization=AAD'
    })
  }
}

resource diagnostics 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'to-log-analytics'
  scope: app
  properties: {
    workspaceId: workspaceId
    metrics: [{ category: 'AllMetrics', enabled: true }]
  }
}

output url string = 'https://${app.properties.defaultHostName}'
output environment object = environmentOfApi
output functionAppName string = app.name
