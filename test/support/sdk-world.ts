import { createBlobContainer } from '#libs/blob-storage';
import { CosmosContainer, TELEMETRY_CONTAINER } from '#libs/cosmos';
import { trustCertificateAuthority } from '#libs/runtime';
import type { Client as DeviceClient, DeviceMethodResponse } from 'azure-iot-device';
import { type RunningApi, startApi } from './api.js';
import { startAzurite } from './azurite.js';
import { type ChatServer, startChatServer } from './chat-server.js';
import { startTestIotHub, type TestIotHub } from './iot-hub.js';
import { startTestCosmos } from './local-cosmos.js';
import { until } from './until.js';

export const API_KEY = 'a-key-of-the-tests';
export const DEVICE = 'device001';

/** Everything that the API needs to serve each of its operations, for the client SDK to meet. */
export interface SdkWorld {
  api: RunningApi;
  hub: TestIotHub;
  chat: ChatServer;
  device: DeviceClient;
  /** Where the API finds what devices have sent. */
  telemetry: CosmosContainer;
  close: () => Promise<void>;
}

/** An emulator with a device that answers `echo` and does not answer `silent`, Azurite, Cosmos DB, a chat server, and an API in front that asks for {@link API_KEY}. */
export async function startSdkWorld(settings: Record<string, string> = {}): Promise<SdkWorld> {
  const hub = await startTestIotHub();
  trustCertificateAuthority(hub.emulator.tls.caFile);
  const [azurite, cosmos, chat, { connectionString }] = await Promise.all([
    startAzurite(hub.emulator.tls),
    startTestCosmos(),
    startChatServer(),
    hub.addDevice(DEVICE),
  ]);
  await createBlobContainer(azurite.connectionString, 'dev');
  const telemetry = new CosmosContainer({
    credentials: { kind: 'connection-string', connectionString: cosmos.connectionString },
    databaseName: 'spyglass',
    containerName: 'telemetry',
    definition: TELEMETRY_CONTAINER,
  });
  await telemetry.probe();
  const device = await hub.device(connectionString);
  device.onDeviceMethod('silent', () => undefined);
  device.onDeviceMethod('echo', (call, response: DeviceMethodResponse) => {
    response.send(200, { echoed: call.payload as unknown }, () => undefined);
  });
  await device.open();
  const api = await startApi({
    API_KEYS: API_KEY,
    IOT_HUB_CONNECTION_STRING: hub.emulator.serviceConnectionString,
    IOT_HUB_DEVICE_ID: DEVICE,
    COSMOS_CONNECTION_STRING: cosmos.connectionString,
    BLOB_STORAGE_CONNECTION_STRING: azurite.connectionString,
    AI_SERVICES_ENDPOINT: `${chat.url}/v1`,
    AI_SERVICES_API_KEY: 'the-key',
    AI_SERVICES_MODEL_GPT: 'model-1',
    ...settings,
  });
  await until(async () => {
    const response = await fetch(`${api.url}/iot_hub/call_direct_method`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-api-key': API_KEY },
      body: JSON.stringify({ method_name: 'echo' }),
    });
    return response.ok;
  }, 'the device listens to methods');
  return {
    api,
    hub,
    chat,
    device,
    telemetry,
    close: async () => {
      await api.close();
      await hub.close();
      await Promise.all([azurite.close(), cosmos.close(), chat.close()]);
    },
  };
}
