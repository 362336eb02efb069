// The API on Container Apps, which ends TLS and starts as many replicas as are asked for, down to none.

param location string
param suffix string
param image string

@description('An Azure Container Registry in this resource group that holds the image; empty when anybody may pull it.')
param registryName string

param identityId string
param apiPrincipalId string
param workspaceId string
param minReplicas int
param maxReplicas int

@description('Settings of the API that are the same on every host.')
param settings object

@secure()
param apiKeys string

var appName = 'ca-api-${suffix}'
var port = 8000
var hostName = '${appName}.${managedEnvironment.properties.defaultDomain}'
var environmentOfApi = union(settings, {
  API_HOST: '0.0.0.0'
  API_PORT: string(port)
  ALLOWED_HOSTS: hostName
})
// Probes come from inside, by address; the API answers only to its names.
var probedAs = [{ name: 'Host', value: hostName }]

resource managedEnvironment 'Microsoft.App/managedEnvironments@2025-07-01' = {
  name: 'cae-${suffix}'
  location: location
  properties: {
    appLogsConfiguration: { destination: 'azure-monitor' }
  }
}

resource diagnostics 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'to-log-analytics'
  scope: managedEnvironment
  properties: {
    workspaceId: workspaceId
    logs: [{ categoryGroup: 'allLogs', enabled: true }]
    metrics: [{ category: 'AllMetrics', enabled: true }]
  }
}

resource registry 'Microsoft.ContainerRegistry/registries@2025-11-01' existing = if (registryName != '') {
  name: registryName
}

// AcrPull for the API's identity: Container Apps pulls the image in its name, and only pulls.
// https://learn.microsoft.com/azure/container-apps/managed-identity-image-pull
resource apiPullsImage 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (registryName != '') {
  name: guid(registry.id, apiPrincipalId, 'AcrPull')
  scope: registry
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', '7f951dda-4ed3-4680-a7ca-43fe172d538d')
    principalId: apiPrincipalId
    principalType: 'ServicePrincipal'
  }
}

resource app 'Microsoft.App/containerApps@2025-07-01' = {
  name: appName
  location: location
  dependsOn: [apiPullsImage]
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: { '${identityId}': {} }
  }
  properties: {
    environmentId: managedEnvironment.id
    configuration: {
      activeRevisionsMode: 'Single'
      ingress: { external: true, targetPort: port, transport: 'auto', allowInsecure: false }
      registries: registryName == '' ? [] : [{ server: '${registryName}.azurecr.io', identity: identityId }]
      secrets: [{ name: 'api-keys', value: apiKeys }]
    }
    template: {
      terminationGracePeriodSeconds: 15
      containers: [
        {
          name: 'api'
          image: image
          resources: { cpu: json('0.5'), memory: '1Gi' }
          env: concat(
            map(items(environmentOfApi), entry => { name: entry.key, value: entry.value }),
            [{ name: 'API_KEYS', secretRef: 'api-keys' }]
          )
          probes: [
            {
              type: 'Startup'
              httpGet: { path: '/health/live', port: port, httpHeaders: probedAs }
              periodSeconds: 2
              failureThreshold: 10
            }
            {
              type: 'Liveness'
              httpGet: { path: '/health/live', port: port, httpHeaders: probedAs }
              periodSeconds: 10
              timeoutSeconds: 5
            }
          ]
        }
      ]
      scale: {
        minReplicas: minReplicas
        maxReplicas: maxReplicas
        rules: [{ name: 'requests', http: { metadata: { concurrentRequests: '50' } } }]
      }
    }
  }
}

output url string = 'https://${hostName}'
output environment object = environmentOfApi
