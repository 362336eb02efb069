import type { Hub } from './hub/hub.js';
import { findDevice } from './hub/registry/find-identity.js';

/** For the service SDKs, with all rights. */
export function serviceConnectionString(hub: Hub, hostName: string): string {
  return `HostName=${hostName};${policyParts(hub, 'iothubowner')}`;
}

/** For Event Hubs clients, to read the built-in endpoint. */
export function eventHubsConnectionString(hub: Hub, hostName: string): string {
  return `Endpoint=sb://${hostName}/;${policyParts(hub, 'service')};EntityPath=${hub.name}`;
}

function policyParts(hub: Hub, policyName: string): string {
  const policy = hub.policies.find(({ name }) => name === policyName);
  return `SharedAccessKeyName=${policyName};SharedAccessKey=${policy?.primaryKey ?? ''}`;
}

/** For a device; undefined when there is none of that name, or it has no keys. */
export function findConnectionString(hub: Hub, hostName: string, deviceId: string): string | undefined {
  const key = findDevice(hub, deviceId)?.primary_key;
  return key ? `HostName=${hostName};DeviceId=${deviceId};SharedAccessKey=${key}` : undefined;
}
