// Azure OpenAI: one deployment of a model that takes pictures, reached with Entra ID only.

param location string
param suffix string
param apiPrincipalId string
param workspaceId string
param modelName string
param modelVersion string

@description('Standard keeps the data in the region, GlobalStandard has the most models and the highest limits.')
param deploymentType string

@description('Thousands of tokens a minute.')
@minValue(1)
param capacity int

resource account 'Microsoft.CognitiveServices/accounts@2025-12-01' = {
  name: 'oai-${suffix}'
  location: location
  kind: 'OpenAI'
  sku: { name: 'S0' }
  properties: {
    // Entra ID asks for a name of one's own in the address.
    customSubDomainName: 'oai-${suffix}'
    disableLocalAuth: true
    publicNetworkAccess: 'Enabled'
  }
}

resource model 'Microsoft.CognitiveServices/accounts/deployments@2025-12-01' = {
  parent: account
  name: modelName
  sku: { name: deploymentType, capacity: capacity }
  properties: {
    model: { format: 'OpenAI', name: modelName, version: modelVersion }
    versionUpgradeOption: 'OnceCurrentVersionExpired'
  }
}

// Cognitive Services OpenAI User for the API: it asks for completions, and can neither deploy models nor read keys.
// https://learn.microsoft.com/azure/ai-services/openai/how-to/role-based-access-control
resource apiAsksModel 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(account.id, apiPrincipalId, 'Cognitive Services OpenAI User')
  scope: account
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', '5e0bd9bd-7b93-4f28-af87-19fc36ad61bd')
    principalId: apiPrincipalId
    principalType: 'ServicePrincipal'
  }
}

resource diagnostics 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'to-log-analytics'
  scope: account
  properties: {
    workspaceId: workspaceId
    logs: [{ category: 'Audit', enabled: true }]
    metrics: [{ category: 'AllMetrics', enabled: true }]
  }
}

output endpoint string = account.properties.endpoint
output deploymentName string = model.name
