// Blob Storage for the pictures: one private container, reached with Entra ID only.

param location string
param suffix string
param containerName string
param iotHubPrincipalId string
param apiPrincipalId string
param workspaceId string

@description('Pictures are deleted this many days after they were last written; 0 keeps them.')
@minValue(0)
param deleteAfterDays int = 0

resource account 'Microsoft.Storage/storageAccounts@2025-06-01' = {
  name: 'st${suffix}'
  location: location
  kind: 'StorageV2'
  sku: { name: 'Standard_LRS' }
  properties: {
    accessTier: 'Hot'
    allowBlobPublicAccess: false
    allowSharedKeyAccess: false
    defaultToOAuthAuthentication: true
    minimumTlsVersion: 'TLS1_2'
    supportsHttpsTrafficOnly: true
    // Devices upload from anywhere, each with a link of its own that the hub signs for one blob and a short time.
    publicNetworkAccess: 'Enabled'
  }
}

resource blobs 'Microsoft.Storage/storageAccounts/blobServices@2025-06-01' = {
  parent: account
  name: 'default'
  properties: {
    deleteRetentionPolicy: { enabled: true, days: 7 }
  }
}

resource container 'Microsoft.Storage/storageAccounts/blobServices/containers@2025-06-01' = {
  parent: blobs
  name: containerName
  properties: { publicAccess: 'None' }
}

resource lifecycle 'Microsoft.Storage/storageAccounts/managementPolicies@2025-06-01' = if (deleteAfterDays > 0) {
  parent: account
  name: 'default'
  properties: {
    policy: {
      rules: [
        {
          name: 'delete-old-pictures'
          enabled: true
          type: 'Lifecycle'
          definition: {
            filters: { blobTypes: ['blockBlob'], prefixMatch: ['${containerName}/'] }
            actions: { baseBlob: { delete: { daysAfterModificationGreaterThan: deleteAfterDays } } }
          }
        }
      ]
    }
  }
}

// Storage Blob Data Contributor for the hub: it signs upload links with a user delegation key, which belongs to the
// account and not to a container. https://learn.microsoft.com/azure/iot-hub/iot-hub-managed-identity
resource hubSignsUploads 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(account.id, iotHubPrincipalId, 'Storage Blob Data Contributor')
  scope: account
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', 'ba92f5b4-2d11-453d-a403-e96b0029c9fe')
    principalId: iotHubPrincipalId
    principalType: 'ServicePrincipal'
  }
}

// Storage Blob Data Contributor for the API, on its container alone: it lists, reads, writes and deletes pictures.
// https://learn.microsoft.com/azure/role-based-access-control/built-in-roles/storage
resource apiUsesContainer 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(container.id, apiPrincipalId, 'Storage Blob Data Contributor')
  scope: container
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', 'ba92f5b4-2d11-453d-a403-e96b0029c9fe')
    principalId: apiPrincipalId
    principalType: 'ServicePrincipal'
  }
}

resource diagnostics 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'to-log-analytics'
  scope: blobs
  properties: {
    workspaceId: workspaceId
    logs: [{ category: 'StorageWrite', enabled: true }, { category: 'StorageDelete', enabled: true }]
    metrics: [{ category: 'Transaction', enabled: true }]
  }
}

output accountName string = account.name
output containerName string = container.name
