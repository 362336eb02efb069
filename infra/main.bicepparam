using 'main.bicep'

// Two keys, so that one can be replaced while the other is in use; openssl rand -hex 24 makes one.
param apiKeys = readEnvironmentVariable('SPYGLASS_API_KEYS')
param apiImage = readEnvironmentVariable('SPYGLASS_API_IMAGE', '')
param containerRegistryName = readEnvironmentVariable('SPYGLASS_CONTAINER_REGISTRY', '')
param apiHost = readEnvironmentVariable('SPYGLASS_API_HOST', 'containerApps')
param aiModelName = readEnvironmentVariable('SPYGLASS_AI_MODEL')
param aiModelVersion = readEnvironmentVariable('SPYGLASS_AI_MODEL_VERSION')
