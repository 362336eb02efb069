// All of Spyglass on Azure, in one resource group:
//   az deployment group create --resource-group rg-spyglass --parameters infra/main.bicepparam
// docs/guides/azure.md goes through it step by step.

targetScope = 'resourceGroup'

@description('Begins the names of all resources; the rest of a name is made from the resource group.')
@minLength(2)
@maxLength(8)
param name string = 'spyglass'

param location string = resourceGroup().location

@description('Where the API runs.')
@allowed(['containerApps', 'functions'])
param apiHost string = 'containerApps'

@description('Keys that the API accepts in x-api-key, separated by commas, each of 16 characters or more.')
@secure()
@minLength(16)
param apiKeys string

@description('The image of the API; needed on Container Apps only.')
param apiImage string = ''

@description('An Azure Container Registry in this resource group that holds the image; empty when anybody may pull it.')
param containerRegistryName string = ''

@description('Replicas that are always on; 0 costs nothing at rest and makes the first caller wait for a start.')
@minValue(0)
param apiMinReplicas int = 0

@minValue(1)
param apiMaxReplicas int = 2

@description('Origins of web pages that may call the API, such as https://console.example.com.')
param corsOrigins array = []

@description('S1 is the smallest paid size; F1 costs nothing, takes 8,000 messages a day and exists once a subscription.')
@allowed(['F1', 'S1'])
param iotHubSku string = 'S1'

@description('Whether the hub has shared access keys of its own, as readers of its built-in events endpoint need.')
param iotHubKeys bool = false

@description('The device that is meant when a request names none.')
param deviceId string = 'device001'

@description('Serverless bills each request; freeTier is 1000 RU/s for nothing, once a subscription.')
@allowed(['serverless', 'freeTier'])
param cosmosDbCapacity string = 'serverless'

@minValue(1)
param telemetryRetentionDays int = 30

@description('Pictures are deleted this many days after they were last written; 0 keeps them.')
@minValue(0)
param pictureRetentionDays int = 0

@description('A model that takes pictures: az cognitiveservices model list --location REGION. Models retire, so there is no default.')
param aiModelName string
param aiModelVersion string

@allowed(['GlobalStandard', 'DataZoneStandard', 'Standard'])
param aiDeploymentType string = 'GlobalStandard'

@description('Thousands of tokens a minute.')
@minValue(1)
param aiCapacity int = 30

var suffix = '${name}${take(uniqueString(resourceGroup().id), 8)}'
var onFunctions = apiHost == 'functions'

module identities 'modules/identities.bicep' = {
  params: { location: location, suffix: suffix }
}

module monitoring 'modules/monitoring.bicep' = {
  params: {
    location: location
    suffix: suffix
    applicationInsights: onFunctions
    apiPrincipalId: identities.outputs.apiPrincipalId
  }
}

module storage 'modules/storage.bicep' = {
  params: {
    location: location
    suffix: suffix
    containerName: 'dev'
    deleteAfterDays: pictureRetentionDays
    iotHubPrincipalId: identities.outputs.iotHubPrincipalId
    apiPrincipalId: identities.outputs.apiPrincipalId
    workspaceId: monitoring.outputs.workspaceId
  }
}

module cosmosDb 'modules/cosmos-db.bicep' = {
  params: {
    location: location
    suffix: suffix
    databaseName: 'spyglass'
    capacity: cosmosDbCapacity
    telemetryRetentionDays: telemetryRetentionDays
    iotHubPrincipalId: identities.outputs.iotHubPrincipalId
    apiPrincipalId: identities.outputs.apiPrincipalId
    workspaceId: monitoring.outputs.workspaceId
  }
}

// Takes the names of account and database from the modules that also grant the hub its roles there, and so comes after.
module iotHub 'modules/iot-hub.bicep' = {
  params: {
    location: location
    suffix: suffix
    skuName: iotHubSku
    hubKeys: iotHubKeys
    identityId: identities.outputs.iotHubIdentityId
    apiPrincipalId: identities.outputs.apiPrincipalId
    workspaceId: monitoring.outputs.workspaceId
    storageAccountName: storage.outputs.accountName
    storageContainerName: storage.outputs.containerName
    cosmosDbEndpoint: cosmosDb.outputs.endpoint
    cosmosDbDatabaseName: cosmosDb.outputs.databaseName
    cosmosDbContainerName: cosmosDb.outputs.telemetryContainerName
  }
}

module ai 'modules/ai.bicep' = {
  params: {
    location: location
    suffix: suffix
    modelName: aiModelName
    modelVersion: aiModelVersion
    deploymentType: aiDeploymentType
    capacity: aiCapacity
    apiPrincipalId: identities.outputs.apiPrincipalId
    workspaceId: monitoring.outputs.workspaceId
  }
}

// What the API reads, without what its host adds and without secrets.
var settings = {
  AZURE_CLIENT_ID: identities.outputs.apiClientId
  IOT_HUB_HOST_NAME: iotHub.outputs.hostName
  IOT_HUB_DEVICE_ID: deviceId
  BLOB_STORAGE_ACCOUNT_NAME: storage.outputs.accountName
  BLOB_STORAGE_CONTAINER_NAME: storage.outputs.containerName
  COSMOS_ENDPOINT: cosmosDb.outputs.endpoint
  COSMOS_DATABASE_NAME: cosmosDb.outputs.databaseName
  COSMOS_CONTAINER_NAME: cosmosDb.outputs.telemetryContainerName
  AI_SERVICES_ENDPOINT: ai.outputs.endpoint
  AI_SERVICES_API_VERSION: '2024-10-21'
  AI_SERVICES_MODEL_GPT: ai.outputs.deploymentName
  CORS_ORIGINS: join(corsOrigins, ',')
  // Both hosts put the caller's address last into x-forwarded-for.
  TRUST_PROXY: 'true'
}

module containerApp 'modules/container-app.bicep' = if (!onFunctions) {
  params: {
    location: location
    suffix: suffix
    image: apiImage
    registryName: containerRegistryName
    identityId: identities.outputs.apiIdentityId
    apiPrincipalId: identities.outputs.apiPrincipalId
    workspaceId: monitoring.outputs.workspaceId
    minReplicas: apiMinReplicas
    maxReplicas: apiMaxReplicas
    settings: settings
    apiKeys: apiKeys
  }
}

module functionApp 'modules/function-app.bicep' = if (onFunctions) {
  params: {
    location: location
    suffix: suffix
    identityId: identities.outputs.apiIdentityId
    apiPrincipalId: identities.outputs.apiPrincipalId
    apiClientId: identities.outputs.apiClientId
    workspaceId: monitoring.outputs.workspaceId
    applicationInsightsName: monitoring.outputs.applicationInsightsName
    maxInstances: apiMaxReplicas
    corsOrigins: corsOrigins
    settings: settings
    apiKeys: apiKeys
  }
}

output apiUrl string = onFunctions ? functionApp!.outputs.url : containerApp!.outputs.url
output functionAppName string = onFunctions ? functionApp!.outputs.functionAppName : ''

@description('What the API was started with, but for API_KEYS.')
output apiEnvironment object = onFunctions ? functionApp!.outputs.environment : containerApp!.outputs.environment

@description('What the agent is started with. Its key is a secret: POST /iot_hub/devices shows it once.')
output agentEnvironment object = {
  IOT_HUB_DEVICE_CONNECTION_STRING: 'HostName=${iotHub.outputs.hostName};DeviceId=${deviceId};SharedAccessKey='
}
