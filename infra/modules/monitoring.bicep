// Where every resource sends its logs and metrics.

param location string
param suffix string

@description('Whether the Azure Functions host reports its requests to Application Insights; Container Apps writes to the workspace itself.')
param applicationInsights bool

@description('The identity under which the Functions host reports.')
param apiPrincipalId string

@minValue(30)
@maxValue(730)
param retentionInDays int = 30

resource workspace 'Microsoft.OperationalInsights/workspaces@2025-07-01' = {
  name: 'log-${suffix}'
  location: location
  properties: {
    sku: { name: 'PerGB2018' }
    retentionInDays: retentionInDays
    features: { disableLocalAuth: true }
  }
}

resource insights 'Microsoft.Insights/components@2020-02-02' = if (applicationInsights) {
  name: 'appi-${suffix}'
  location: location
  kind: 'web'
  properties: {
    Application_Type: 'web'
    WorkspaceResourceId: workspace.id
    DisableLocalAuth: true
  }
}

// Monitoring Metrics Publisher for the identity of the Functions host: with local authentication off, only who holds this
// role may send telemetry.
// https://learn.microsoft.com/azure/azure-monitor/app/azure-ad-authentication
resource publishesTelemetry 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (applicationInsights) {
  name: guid(insights.id, apiPrincipalId, 'Monitoring Metrics Publisher')
  scope: insights
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', '3913510d-42f4-4e42-8a64-420c390055eb')
    principalId: apiPrincipalId
    principalType: 'ServicePrincipal'
  }
}

output workspaceId string = workspace.id
output applicationInsightsName string = applicationInsights ? insights.name : ''
