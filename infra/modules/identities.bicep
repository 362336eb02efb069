// The two identities that the others are granted to. They are made first, so that every role is there before what uses it.

param location string
param suffix string

resource iotHub 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' = {
  name: 'id-iot-hub-${suffix}'
  location: location
}

resource api 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' = {
  name: 'id-api-${suffix}'
  location: location
}

output iotHubIdentityId string = iotHub.id
output iotHubPrincipalId string = iotHub.properties.principalId
output apiIdentityId string = api.id
output apiPrincipalId string = api.properties.principalId
output apiClientId string = api.properties.clientId
